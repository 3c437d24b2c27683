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
    /// Takes a place if there is one.
    /// @param limit  most open requests of that domain, > 0; the same for all of its hosts.
    [[nodiscard]] bool try_enter(std::uint64_t domain, unsigned limit);

    /// Remembers a host that found the domain full.
    void wait(std::uint64_t domain, std::uint32_t host);

    /// Gives a place back. Then ask `next_waiting`.
    void leave(std::uint64_t domain);

    /// The host that waits longest, if there is a place: it is no longer remembered. A host that turns out not to need the place
    /// must ask again, so that the next one gets it.
    [[nodiscard]] std::optional<std::uint32_t> next_waiting(std::uint64_t domain, unsigned limit);

    [[nodiscard]] unsigned open_requests(std::uint64_t domain) const;

  private:
    struct Gate {
        unsigned open = 0;
        std::deque<std::uint32_t> waiting;
    };
    std::unordered_map<std::uint64_t, Gate> gates_;
};

}  // namespace grit::politeness
