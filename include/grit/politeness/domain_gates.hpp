// The limit that hosts of one registrable domain share.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>

namespace grit::politeness {

/// Counts open requests per registrable domain. Hosts of one domain live on one shard, so this is local to it.
/// Memory: only domains with an open request or a waiting host have an entry.
/// Threads: its shard's only.
class DomainGates {
  public:
    /// @param limit  most open requests per domain, > 0.
    explicit DomainGates(unsigned limit) : limit_(limit) {}

    /// From the next `try_enter` on.
    void set_limit(unsigned limit) noexcept { limit_ = limit; }

    /// Takes a place if there is one.
    [[nodiscard]] bool try_enter(std::uint64_t domain);

    /// Remembers a host that found the domain full.
    void wait(std::uint64_t domain, std::uint32_t host);

    /// Gives a place back. Then ask `next_waiting`.
    void leave(std::uint64_t domain);

    /// The host that waits longest, if there is a place: it is no longer remembered. A host that turns out not to need the place
    /// must ask again, so that the next one gets it.
    [[nodiscard]] std::optional<std::uint32_t> next_waiting(std::uint64_t domain);

    [[nodiscard]] unsigned open_requests(std::uint64_t domain) const;

  private:
    struct Gate {
        unsigned open = 0;
        std::deque<std::uint32_t> waiting;
    };
    unsigned limit_;
    std::unordered_map<std::uint64_t, Gate> gates_;
};

}  // namespace grit::politeness
