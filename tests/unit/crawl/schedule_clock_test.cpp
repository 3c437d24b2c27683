#include "grit/crawl/schedule_clock.hpp"

#include <gtest/gtest.h>

#include "manual_clock.hpp"

namespace grit::crawl {
namespace {

using namespace std::chrono_literals;

constexpr Milliseconds kDay{86'400'000};

/// A machine whose clocks a test moves; each process has a ScheduleClock.
class ScheduleClockTest : public testing::Test {
  protected:
    std::unique_ptr<ScheduleClock> process() {
        return std::make_unique<ScheduleClock>(machine_, [this] { return boot_; });
    }
    /// The next process, which takes up what the last has committed.
    std::unique_ptr<ScheduleClock> next(const ScheduleClock& last) {
        const store::ClockRow mark = last.mark();
        pass_before_start();
        auto clock = process();
        jump_ = clock->go_on_from(mark);
        return clock;
    }
    void pass(Milliseconds time) {
        machine_.advance(time);
        boot_.ms += time.count();
    }
    void reboot(Milliseconds off) {
        machine_.advance(off);
        boot_ = BootTime{boot_.id + "+", 20'000};
    }
    std::function<void()> pass_before_start = [] {};

    test::ManualClock machine_;
    BootTime boot_{"one", 5'000'000};
    Milliseconds jump_{0};
};

TEST_F(ScheduleClockTest, IsTheWallClockWhereNoneJumps) {
    auto clock = process();
    pass(3h);
    EXPECT_EQ(clock->wall_now(), machine_.wall_now());
    pass_before_start = [this] { pass(90s); };
    clock = next(*clock);
    EXPECT_EQ(clock->wall_now(), machine_.wall_now());
    pass_before_start = [this] { reboot(10min); };
    clock = next(*clock);
    EXPECT_EQ(clock->wall_now(), machine_.wall_now());
    EXPECT_EQ(clock->machine_ahead(), Milliseconds(0));
    EXPECT_EQ(jump_, Milliseconds(0));
}

TEST_F(ScheduleClockTest, AJumpWhileItRunsIsNoTimeThatHasPassed) {
    for (const Milliseconds jump : {kDay, -kDay}) {
        auto clock = process();
        const WallTime before = clock->wall_now();
        machine_.jump_wall(jump);
        EXPECT_EQ(clock->wall_now(), before);
        EXPECT_EQ(clock->machine_ahead(), jump);
        pass(7s);
        EXPECT_EQ(clock->wall_now(), before + 7s);
        clock = next(*clock);
        EXPECT_EQ(clock->wall_now(), before + 7s) << "nor after a restart";
        EXPECT_EQ(clock->machine_ahead(), jump) << "shown as the machine has it";
    }
}

TEST_F(ScheduleClockTest, AJumpBetweenTwoProcessesIsNone) {
    for (const Milliseconds jump : {kDay, -kDay}) {
        auto clock = process();
        const WallTime before = clock->wall_now();
        pass_before_start = [&] {
            pass(30s);
            machine_.jump_wall(jump);
        };
        clock = next(*clock);
        EXPECT_EQ(clock->wall_now(), before + 30s);
        EXPECT_EQ(jump_, jump);
    }
}

TEST_F(ScheduleClockTest, OverARestartOfTheMachineTimeNeverGoesBack) {
    auto clock = process();
    const WallTime before = clock->wall_now();
    pass_before_start = [this] {
        reboot(5min);
        machine_.jump_wall(-kDay);  // it had no battery
    };
    clock = next(*clock);
    EXPECT_EQ(clock->wall_now(), before);
    EXPECT_LT(jump_, Milliseconds(0));
    machine_.jump_wall(kDay);  // NTP
    pass(10s);
    EXPECT_EQ(clock->wall_now(), before + 10s);
}

TEST_F(ScheduleClockTest, Policy_OverARestartOfTheMachineAJumpForwardIsTimeThatHasPassed) {
    auto clock = process();
    const WallTime before = clock->wall_now();
    pass_before_start = [this] {
        reboot(5min);
        machine_.jump_wall(kDay);
    };
    clock = next(*clock);
    EXPECT_EQ(clock->wall_now(), before + 5min + kDay);
}

TEST(BootTime, NamesThisStartOfTheMachine) {
    const BootTime one = boot_time();
    const BootTime two = boot_time();
    EXPECT_EQ(one.id, two.id);
    EXPECT_FALSE(one.id.empty());
    EXPECT_GT(one.ms, 0);
    EXPECT_LE(one.ms, two.ms);
}

}  // namespace
}  // namespace grit::crawl
