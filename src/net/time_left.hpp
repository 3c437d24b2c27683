// From the injected clock's deadlines to the timers of the loop, which run on the machine's clock.
#pragma once

#include <algorithm>
#include <chrono>

#include "grit/async/deadline.hpp"
#include "grit/base/clock.hpp"

namespace grit::net {

/// What is left until a deadline: not negative, and short enough to be added to any time point.
[[nodiscard]] inline std::chrono::nanoseconds time_left(Deadline deadline, const Clock& clock) {
    constexpr std::chrono::nanoseconds kLongest = std::chrono::hours(24);
    const SteadyTime now = clock.now();
    if (deadline.at() >= now + kLongest) {
        return kLongest;
    }
    return std::max(std::chrono::nanoseconds(deadline.at() - now), std::chrono::nanoseconds(0));
}

}  // namespace grit::net
