#include "grit/crawl/schedule_clock.hpp"

#include <time.h>  // NOLINT(modernize-deprecated-headers): CLOCK_BOOTTIME is Linux's

#include <algorithm>
#include <fstream>
#include <utility>

namespace grit::crawl {

BootTime boot_time() {
    BootTime boot;
    std::ifstream file("/proc/sys/kernel/random/boot_id");
    std::getline(file, boot.id);
    timespec since{};
    if (clock_gettime(CLOCK_BOOTTIME, &since) == 0) {
        boot.ms = std::int64_t{since.tv_sec} * 1000 + since.tv_nsec / 1'000'000;
    }
    return boot;
}

ScheduleClock::ScheduleClock(const Clock& machine, std::function<BootTime()> boot)
    : machine_(machine), boot_(std::move(boot)), origin_(machine.now()), origin_schedule_(machine.wall_now()) {}

Milliseconds ScheduleClock::go_on_from(const store::ClockRow& mark) {
    const BootTime boot = boot_();
    const WallTime wall = machine_.wall_now();
    const Milliseconds by_wall = wall.time_since_epoch() - Milliseconds(mark.wall_ms);
    const bool same_boot = !boot.id.empty() && boot.id == mark.boot_id && boot.ms >= mark.boot_ms;
    const Milliseconds passed = same_boot ? Milliseconds(boot.ms - mark.boot_ms) : std::max(by_wall, Milliseconds(0));
    origin_ = machine_.now();
    origin_schedule_ = WallTime(Milliseconds(mark.schedule_ms) + passed);
    return by_wall - passed;
}

WallTime ScheduleClock::wall_now() const {
    return origin_schedule_ + std::chrono::duration_cast<Milliseconds>(machine_.now() - origin_);
}

store::ClockRow ScheduleClock::mark() const {
    BootTime boot = boot_();
    return {machine_.wall_now().time_since_epoch().count(), wall_now().time_since_epoch().count(), boot.ms, std::move(boot.id)};
}

}  // namespace grit::crawl
