#include "grit/frontier/timer_wheel.hpp"

#include <algorithm>
#include <bit>
#include <chrono>

namespace grit::frontier {

TimerWheel::TimerWheel(SteadyTime start) : nodes_(kLists), now_tick_(tick_of(start)) {
    for (std::uint32_t list = 0; list < kLists; ++list) {
        nodes_[list].previous = nodes_[list].next = list;
    }
}

std::uint64_t TimerWheel::tick_of(SteadyTime time) noexcept {
    const auto since_epoch = std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch());
    return static_cast<std::uint64_t>(std::max<std::int64_t>(since_epoch.count(), 0)) >> kTickBits;
}

bool TimerWheel::contains(std::uint32_t item) const noexcept {
    return item + std::size_t{kLists} < nodes_.size() && nodes_[item + kLists].next != kNone;
}

void TimerWheel::add(std::uint32_t item, SteadyTime at) {
    remove(item);
    const std::uint32_t node = item + kLists;
    if (node >= nodes_.size()) {
        nodes_.resize(std::max<std::size_t>(node + std::size_t{1}, nodes_.size() * 3 / 2));
    }
    nodes_[node].at = at;
    put_in_slot(node);
    ++size_;
    if (earliest_) {
        earliest_ = std::min(*earliest_, at);
    }
}

void TimerWheel::remove(std::uint32_t item) {
    if (!contains(item)) {
        return;
    }
    const std::uint32_t node = item + kLists;
    unlink(node);
    --size_;
    if (earliest_ && nodes_[node].at <= *earliest_) {
        earliest_.reset();
    }
}

std::optional<std::uint32_t> TimerWheel::take_due(SteadyTime now) {
    if (nodes_[kDue].next == kDue) {
        if (earliest() > now) {
            return std::nullopt;
        }
        advance(now);
    }
    const std::uint32_t node = nodes_[kDue].next;
    if (node == kDue || nodes_[node].at > now) {
        return std::nullopt;
    }
    remove(node - kLists);
    return node - kLists;
}

SteadyTime TimerWheel::earliest() const {
    if (!earliest_) {
        const auto slot = first_slot();
        std::uint32_t list = kDue;
        if (nodes_[kDue].next == kDue && slot) {
            list = slot->level * kSlots + slot->number;
        }
        SteadyTime least = SteadyTime::max();
        for (std::uint32_t node = nodes_[list].next; node != list; node = nodes_[node].next) {
            least = std::min(least, nodes_[node].at);
        }
        earliest_ = least;
    }
    return *earliest_;
}

// All that waits in a slot of a level is later than all on the levels below: it differs from now in a higher digit.
std::optional<TimerWheel::Slot> TimerWheel::first_slot() const noexcept {
    for (unsigned level = 0; level < kLevels; ++level) {
        if (occupied_[level] != 0) {
            const auto number = static_cast<unsigned>(std::countr_zero(occupied_[level]));
            const unsigned shift = level * kLevelBits;
            const std::uint64_t above = now_tick_ >> (shift + kLevelBits) << (shift + kLevelBits);
            return Slot{level, number, above | std::uint64_t{number} << shift};
        }
    }
    return std::nullopt;
}

// Moves what is due by now to its list, and the time on.
void TimerWheel::advance(SteadyTime now) {
    const std::uint64_t target = tick_of(now);
    for (auto slot = first_slot(); slot && slot->tick <= target; slot = first_slot()) {
        now_tick_ = std::max(now_tick_, slot->tick);
        empty_slot(*slot, now);
        if (slot->level == 0 && slot->tick == target) {
            break;  // what is left in it is due later in this tick
        }
    }
    now_tick_ = std::max(now_tick_, target);
    earliest_.reset();
}

void TimerWheel::empty_slot(const Slot& slot, SteadyTime now) {
    const std::uint32_t list = slot.level * kSlots + slot.number;
    for (std::uint32_t node = nodes_[list].next; node != list;) {
        const std::uint32_t next = nodes_[node].next;
        if (nodes_[node].at <= now) {
            unlink(node);
            link(kDue, node);
        } else if (slot.level > 0) {
            unlink(node);
            put_in_slot(node);
        }
        node = next;
    }
}

void TimerWheel::put_in_slot(std::uint32_t node) {
    const std::uint64_t tick = std::max(tick_of(nodes_[node].at), now_tick_);
    const std::uint64_t differs = tick ^ now_tick_;
    const unsigned level =
        std::min(differs == 0 ? 0U : (static_cast<unsigned>(std::bit_width(differs)) - 1) / kLevelBits, kLevels - 1);
    const auto number = static_cast<unsigned>(tick >> (level * kLevelBits)) & (kSlots - 1);
    occupied_[level] |= std::uint64_t{1} << number;
    link(level * kSlots + number, node);
}

void TimerWheel::link(std::uint32_t list, std::uint32_t node) {
    const std::uint32_t last = nodes_[list].previous;
    nodes_[node].previous = last;
    nodes_[node].next = list;
    nodes_[last].next = node;
    nodes_[list].previous = node;
}

void TimerWheel::unlink(std::uint32_t node) {
    const std::uint32_t previous = nodes_[node].previous;
    const std::uint32_t next = nodes_[node].next;
    nodes_[previous].next = next;
    nodes_[next].previous = previous;
    nodes_[node].previous = nodes_[node].next = kNone;
    if (previous == next && previous < kDue) {  // only the head of a slot is its own neighbour on both sides
        occupied_[previous / kSlots] &= ~(std::uint64_t{1} << previous % kSlots);
    }
}

}  // namespace grit::frontier
