// Which of the hosts that may be asked now is asked first.
#pragma once

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <deque>

namespace grit::frontier {

/// Hosts by urgency, the most urgent first, among equals first in first out. O(1).
///
/// An entry can not be taken out: who pushes a host again, or has another use for it, says at `pop` which entries
/// count. Threads: one at a time.
class ReadyQueue {
  public:
    using Urgency = std::uint16_t;
    static constexpr Urgency kUrgencies = 528;

    /// @param urgency  below kUrgencies.
    void push(Urgency urgency, std::uint32_t host) {
        assert(urgency < kUrgencies);
        queues_[urgency].push_back(host);
        highest_ = std::max<std::size_t>(highest_, urgency);
    }

    /// @param counts  bool(host, urgency): whether that entry still does. There must be one that does.
    template <class Counts>
    [[nodiscard]] std::uint32_t pop(const Counts& counts) {
        for (;; --highest_) {
            std::deque<std::uint32_t>& queue = queues_[highest_];
            while (!queue.empty()) {
                const std::uint32_t host = queue.front();
                queue.pop_front();
                if (counts(host, static_cast<Urgency>(highest_))) {
                    return host;
                }
            }
            assert(highest_ > 0 && "who calls knows that there is one");
        }
    }

    /// Shows entries in the order in which `pop` would give them, and leaves them where they are.
    /// @param limit  entries looked at, those that do not count among them.
    /// @param visit  void(host)
    template <class Counts, class Visit>
    void look_ahead(std::size_t limit, const Counts& counts, const Visit& visit) const {
        for (std::size_t urgency = highest_ + 1; urgency-- > 0 && limit > 0;) {
            for (const std::uint32_t host : queues_[urgency]) {
                if (limit-- == 0) {
                    return;
                }
                if (counts(host, static_cast<Urgency>(urgency))) {
                    visit(host);
                }
            }
        }
    }

  private:
    std::array<std::deque<std::uint32_t>, kUrgencies> queues_;
    std::size_t highest_ = 0;  // no entry is above it
};

}  // namespace grit::frontier
