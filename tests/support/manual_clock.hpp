// A clock that moves only when a test says so.
#pragma once

#include "grit/base/clock.hpp"

#include <atomic>
#include <cstdint>

namespace grit::test {

class ManualClock final : public Clock {
  public:
    [[nodiscard]] SteadyTime now() const override { return SteadyTime(std::chrono::seconds(1'000) + elapsed()); }
    [[nodiscard]] WallTime wall_now() const override {
        return WallTime(std::chrono::seconds(1'700'000'000) + std::chrono::duration_cast<Milliseconds>(elapsed()) +
                        Milliseconds(wall_skew_ms_.load()));
    }
    void advance(std::chrono::nanoseconds by) { elapsed_ns_ += by.count(); }
    /// Moves the wall clock alone, as NTP or an operator would.
    void jump_wall(Milliseconds by) { wall_skew_ms_ += by.count(); }

  private:
    [[nodiscard]] std::chrono::nanoseconds elapsed() const { return std::chrono::nanoseconds(elapsed_ns_.load()); }
    std::atomic<std::int64_t> elapsed_ns_{0};
    std::atomic<std::int64_t> wall_skew_ms_{0};
};

}  // namespace grit::test
