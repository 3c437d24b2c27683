// An absolute time limit, made once and passed down.
#pragma once

#include "grit/base/clock.hpp"

#include <algorithm>

namespace grit {

/// A point in steady time after which work is pointless. A value: copy it freely.
class Deadline {
  public:
    /// Never.
    Deadline() = default;
    explicit Deadline(SteadyTime at) : at_(at) {}

    [[nodiscard]] static Deadline after(SteadyTime now, Milliseconds limit) { return Deadline(now + limit); }

    [[nodiscard]] SteadyTime at() const noexcept { return at_; }
    [[nodiscard]] bool expired(SteadyTime now) const noexcept { return now >= at_; }

    /// The sooner of this one and `limit` from `now`: how a phase gets its own limit within the whole.
    [[nodiscard]] Deadline within(SteadyTime now, Milliseconds limit) const {
        return Deadline(std::min(at_, now + limit));
    }

  private:
    SteadyTime at_ = SteadyTime::max();
};

}  // namespace grit
