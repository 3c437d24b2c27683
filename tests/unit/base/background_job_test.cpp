#include "grit/base/background_job.hpp"

#include <gtest/gtest.h>

#include <semaphore>
#include <thread>

namespace grit {
namespace {

struct State {
    int number = 0;
    bool running = false;
};

State begun(int number) { return State{number, true}; }

TEST(BackgroundJob, OneAtATimeAndAnotherAfterIt) {
    BackgroundJob<State> job;
    EXPECT_FALSE(job.state());
    std::binary_semaphore may_end{0};
    ASSERT_TRUE(job.begin(begun(1), "busy", [&](State state) {
        may_end.acquire();
        state.running = false;
        job.publish(state);
    }));
    EXPECT_TRUE(job.state()->running) << "at once, not when its thread comes to it";
    EXPECT_EQ(job.begin(begun(2), "one is under way", [](State) {}).error().what, "one is under way");
    EXPECT_EQ(job.state()->number, 1);
    may_end.release();
    while (job.state()->running) {
        std::this_thread::yield();
    }
    EXPECT_TRUE(job.begin(begun(3), "busy", [](State) {}));
    EXPECT_EQ(job.state()->number, 3);
}

TEST(BackgroundJob, IsToldToEndAndIsWaitedFor) {
    BackgroundJob<State> job;
    const auto until_told = [&](State state) {
        while (!job.stop_flag()) {
            std::this_thread::yield();
        }
        state.running = false;
        job.publish(state);
    };
    ASSERT_TRUE(job.begin(begun(1), "busy", until_told));
    job.cancel();
    while (job.state()->running) {
        std::this_thread::yield();
    }
    ASSERT_TRUE(job.begin(begun(2), "busy", until_told)) << "cancelling one is not for good";
    EXPECT_FALSE(job.stopping());
    job.stop();
    EXPECT_FALSE(job.state()->running);
    EXPECT_FALSE(job.begin(begun(3), "busy", until_told)) << "stopping is";
    EXPECT_EQ(job.state()->number, 2);
}

}  // namespace
}  // namespace grit
