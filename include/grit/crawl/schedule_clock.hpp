// The time of what is scheduled: retries, how long a host is left alone, the age of a robots.txt.
//
// Such times are on disk, and the machine's clock may jump: set by hand, by NTP after a start without a battery, by a
// restored virtual machine. This clock does not. While the process runs it goes by the steady clock; over a restart of it by
// the time since the machine was started; over a restart of the machine by the wall clock, but never back. So a jump of a
// day makes nobody wait for a day, and nobody be asked a day too early. What can not be told apart is a machine that was off
// for a day, and one whose clock was put forward by a day while it was off.
//
// As long as no clock jumps it is the wall clock.
#pragma once

#include "grit/base/clock.hpp"
#include "grit/store/clock_row.hpp"

#include <functional>
#include <optional>
#include <string>

namespace grit::crawl {

/// Which start of the machine this is, and how long ago it was.
struct BootTime {
    std::string id;
    std::int64_t ms = 0;
};

/// /proc/sys/kernel/random/boot_id and CLOCK_BOOTTIME (clock_gettime(2)).
[[nodiscard]] BootTime boot_time();

/// Threads: `go_on_from` before all others; these from any. Lifetime: the other clock outlives it.
class ScheduleClock final : public Clock {
  public:
    explicit ScheduleClock(const Clock& machine, std::function<BootTime()> boot = boot_time);

    /// Takes up where an earlier process was.
    /// @return by how much the wall clock has jumped since, as far as that can be told: forward is positive.
    Milliseconds go_on_from(const store::ClockRow& mark);

    [[nodiscard]] SteadyTime now() const override { return machine_.now(); }
    /// The time of schedules, not the machine's.
    [[nodiscard]] WallTime wall_now() const override;
    /// How far the machine's clock is ahead of it now: what is shown to people is a scheduled time and this.
    [[nodiscard]] Milliseconds machine_ahead() const { return machine_.wall_now() - wall_now(); }
    /// For the state, with each commit.
    [[nodiscard]] store::ClockRow mark() const;

  private:
    const Clock& machine_;
    std::function<BootTime()> boot_;
    SteadyTime origin_;
    WallTime origin_schedule_;
};

}  // namespace grit::crawl
