// The hosts with the most of something, out of a million, found bit by bit.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "grit/frontier/host_view.hpp"

namespace grit::frontier {

/// What hosts are ordered by, the largest first.
enum class HostOrder : std::uint8_t {
    remaining,  ///< requests left
    eta,        ///< time until the last of them
    errors,     ///< URLs that ended without an image
    pace,       ///< interval, of hosts with something left: the slowest first
    stored,
};

struct HostQuery {
    HostOrder order = HostOrder::remaining;
    std::size_t limit = 20;
    std::optional<HostState> state;  ///< only those
};

/// By what a host that an operator sees has its place.
[[nodiscard]] std::uint64_t rank_key(HostOrder order, const HostView& host) noexcept;

/// Keeps the best `limit` of all that are offered. Memory: 16 bytes times the limit. Threads: one at a time.
class HostRanking {
  public:
    explicit HostRanking(HostQuery query) : query_(query) {}

    [[nodiscard]] const HostQuery& query() const noexcept { return query_; }

    void offer(std::uint64_t key, std::uint32_t host) {
        const Place place{key, host};
        if (best_.size() < query_.limit) {
            best_.push_back(place);
            std::push_heap(best_.begin(), best_.end(), before);
        } else if (!best_.empty() && before(place, best_.front())) {
            std::pop_heap(best_.begin(), best_.end(), before);
            best_.back() = place;
            std::push_heap(best_.begin(), best_.end(), before);
        }
    }

    /// Positions of hosts, the best first; equals in the order of their positions.
    [[nodiscard]] std::vector<std::uint32_t> best() const {
        std::vector<Place> sorted = best_;
        std::sort(sorted.begin(), sorted.end(), before);
        std::vector<std::uint32_t> hosts;
        hosts.reserve(sorted.size());
        for (const Place& place : sorted) {
            hosts.push_back(place.host);
        }
        return hosts;
    }

  private:
    struct Place {
        std::uint64_t key;
        std::uint32_t host;
    };
    static bool before(const Place& a, const Place& b) { return a.key != b.key ? a.key > b.key : a.host < b.host; }

    HostQuery query_;
    std::vector<Place> best_;  // a heap, the worst in front
};

}  // namespace grit::frontier
