// Time behind an interface, so that tests own it.
#pragma once

#include <chrono>

namespace grit {

using SteadyTime = std::chrono::steady_clock::time_point;
using Milliseconds = std::chrono::milliseconds;

/// Wall time with the resolution that is stored on disk.
using WallTime = std::chrono::time_point<std::chrono::system_clock, Milliseconds>;

/// Where the time comes from. Threads: both functions may be called from any thread at once.
class Clock {
  public:
    virtual ~Clock() = default;
    /// For intervals and deadlines: never jumps.
    [[nodiscard]] virtual SteadyTime now() const = 0;
    /// For what is written down and must hold over a restart: may jump with the machine's clock.
    [[nodiscard]] virtual WallTime wall_now() const = 0;
};

/// The machine's clocks.
class SystemClock final : public Clock {
  public:
    [[nodiscard]] SteadyTime now() const override { return std::chrono::steady_clock::now(); }
    [[nodiscard]] WallTime wall_now() const override {
        return std::chrono::time_point_cast<Milliseconds>(std::chrono::system_clock::now());
    }
};

}  // namespace grit
