#include "grit/base/heap_trim.hpp"

#include <gtest/gtest.h>

namespace grit {
namespace {

class HeapTrimTest : public ::testing::Test {
  protected:
    // Looks every five seconds. @return how often the heap was trimmed.
    int pass(Milliseconds time, bool idle) {
        const int before = trims_;
        for (const SteadyTime end = now_ + time; now_ < end;) {
            now_ += Milliseconds(5'000);
            trim_.look(now_, idle);
        }
        return trims_ - before;
    }
    SteadyTime now_{Milliseconds(1'000'000)};
    int trims_ = 0;
    HeapTrim trim_{now_, [this] { ++trims_; }};
};

TEST_F(HeapTrimTest, TrimsOnceWhenABusyTimeIsOverForAWhile) {
    EXPECT_EQ(pass(Milliseconds(100'000), true), 0) << "nothing was under way yet";
    EXPECT_EQ(pass(Milliseconds(60'000), false), 0);
    EXPECT_EQ(pass(HeapTrim::kIdle - Milliseconds(5'000), true), 0);
    EXPECT_EQ(pass(Milliseconds(5'000), true), 1);
    EXPECT_EQ(pass(3 * HeapTrim::kInterval, true), 0);
    EXPECT_EQ(pass(Milliseconds(5'000), false), 1) << "busy again, and the last time is long ago";
}

TEST_F(HeapTrimTest, TrimsNowAndThenInABusyTime) {
    EXPECT_EQ(pass(HeapTrim::kInterval - Milliseconds(5'000), false), 0);
    EXPECT_EQ(pass(Milliseconds(5'000), false), 1);
    EXPECT_EQ(pass(2 * HeapTrim::kInterval, false), 2);
}

}  // namespace
}  // namespace grit
