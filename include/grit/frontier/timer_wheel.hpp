// Who waits for which time: any number of hosts, at the same cost each.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "grit/base/clock.hpp"

namespace grit::frontier {

/// A hierarchical timer wheel (Varghese and Lauck): adding, removing and expiring are O(1), a time is moved at most
/// once per level on its way down. Times are exact: nothing expires early or late by the width of a tick.
///
/// Seven levels of 64 slots, a tick of 2^20 ns: more than a century. Memory: 16 bytes per item number ever used,
/// whether it waits or not. Items are small numbers, each in it at most once. Threads: one at a time.
class TimerWheel {
  public:
    /// @param start  times before it count as it.
    explicit TimerWheel(SteadyTime start);

    /// An item that is in it already is moved.
    void add(std::uint32_t item, SteadyTime at);
    /// Nothing happens if it is not in it.
    void remove(std::uint32_t item);

    /// Takes out one of the items whose time has come; in no order among those of one call's time.
    [[nodiscard]] std::optional<std::uint32_t> take_due(SteadyTime now);

    /// The earliest time waited for; SteadyTime::max() if none is. Remembered between calls; else it looks at one slot.
    [[nodiscard]] SteadyTime earliest() const;

    [[nodiscard]] bool contains(std::uint32_t item) const noexcept;
    /// What it waits for. Only for an item that is in it.
    [[nodiscard]] SteadyTime time_of(std::uint32_t item) const noexcept { return nodes_[item + kLists].at; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

  private:
    static constexpr unsigned kTickBits = 20;  // of nanoseconds: 1.05 ms
    static constexpr unsigned kLevelBits = 6;
    static constexpr unsigned kSlots = 1U << kLevelBits;
    static constexpr unsigned kLevels = 7;
    static constexpr std::uint32_t kDue = kLevels * kSlots;  // the list of those that are due and not taken yet
    static constexpr std::uint32_t kLists = kDue + 1;        // the first nodes are the heads of the lists
    static constexpr std::uint32_t kNone = 0xFFFF'FFFF;

    struct Node {
        SteadyTime at{};
        std::uint32_t previous = kNone;
        std::uint32_t next = kNone;
    };
    struct Slot {
        unsigned level;
        unsigned number;
        std::uint64_t tick;  // where it begins
    };

    [[nodiscard]] static std::uint64_t tick_of(SteadyTime time) noexcept;
    [[nodiscard]] std::optional<Slot> first_slot() const noexcept;
    void advance(SteadyTime now);
    void empty_slot(const Slot& slot, SteadyTime now);
    void put_in_slot(std::uint32_t node);
    void link(std::uint32_t list, std::uint32_t node);
    void unlink(std::uint32_t node);

    std::vector<Node> nodes_;
    std::array<std::uint64_t, kLevels> occupied_{};  // a bit per slot
    std::uint64_t now_tick_;
    std::size_t size_ = 0;
    mutable std::optional<SteadyTime> earliest_ = SteadyTime::max();
};

}  // namespace grit::frontier
