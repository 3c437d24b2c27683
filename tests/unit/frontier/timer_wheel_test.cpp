#include "grit/frontier/timer_wheel.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <set>

#include "manual_clock.hpp"

namespace grit::frontier {
namespace {

using std::chrono::hours;
using std::chrono::nanoseconds;

class TimerWheelTest : public ::testing::Test {
  protected:
    std::set<std::uint32_t> due() {
        std::set<std::uint32_t> items;
        while (const auto item = wheel_.take_due(clock_.now())) {
            EXPECT_TRUE(items.insert(*item).second) << *item << " twice";
        }
        return items;
    }
    using Items = std::set<std::uint32_t>;

    grit::test::ManualClock clock_;
    TimerWheel wheel_{clock_.now()};
};

TEST_F(TimerWheelTest, NothingWaitsAtFirst) {
    EXPECT_EQ(wheel_.earliest(), SteadyTime::max());
    EXPECT_EQ(due(), Items{});
}

TEST_F(TimerWheelTest, ATimeIsExactToTheNanosecondOnEveryLevel) {
    nanoseconds wait(1);
    for (std::uint32_t item = 0; item < 50; ++item, wait = wait * 2 + nanoseconds(7)) {
        wheel_.add(item, clock_.now() + wait);
        EXPECT_EQ(wheel_.earliest(), clock_.now() + wait);
        clock_.advance(wait - nanoseconds(1));
        EXPECT_EQ(due(), Items{}) << wait.count();
        clock_.advance(nanoseconds(1));
        EXPECT_EQ(due(), Items{item}) << wait.count();
    }
}

TEST_F(TimerWheelTest, APastTimeIsDueAtOnce) {
    clock_.advance(hours(1));
    EXPECT_EQ(due(), Items{});
    wheel_.add(3, clock_.now() - hours(2));
    EXPECT_EQ(due(), Items{3});
}

TEST_F(TimerWheelTest, ALongSleepMissesNobody) {
    for (std::uint32_t item = 0; item < 1000; ++item) {
        wheel_.add(item, clock_.now() + Milliseconds(item * item));
    }
    clock_.advance(hours(24 * 365));
    EXPECT_EQ(due().size(), 1000u);
    EXPECT_EQ(wheel_.size(), 0u);
}

TEST_F(TimerWheelTest, AnItemThatIsAddedAgainIsMoved) {
    wheel_.add(1, clock_.now() + Milliseconds(10));
    wheel_.add(1, clock_.now() + hours(5));
    EXPECT_EQ(wheel_.size(), 1u);
    EXPECT_EQ(wheel_.earliest(), clock_.now() + hours(5));
    clock_.advance(Milliseconds(10));
    EXPECT_EQ(due(), Items{});
}

TEST_F(TimerWheelTest, ARemovedItemDoesNotExpireAlsoWhenItIsDueAlready) {
    wheel_.add(1, clock_.now() + Milliseconds(5));
    wheel_.add(2, clock_.now() + Milliseconds(5));
    wheel_.add(3, clock_.now() + Milliseconds(5));
    wheel_.remove(2);
    wheel_.remove(7'000'000);
    clock_.advance(Milliseconds(5));
    const auto first = wheel_.take_due(clock_.now());
    ASSERT_TRUE(first);
    wheel_.remove(*first == 1 ? 3 : 1);
    EXPECT_EQ(due(), Items{});
    EXPECT_EQ(wheel_.earliest(), SteadyTime::max());
}

TEST_F(TimerWheelTest, AClockThatStandsStillExpiresWhatIsAddedForNow) {
    wheel_.add(1, clock_.now());
    EXPECT_EQ(due(), Items{1});
    wheel_.add(1, clock_.now());
    EXPECT_EQ(due(), Items{1});
}

// Against a sorted map, which is what it stands for.
TEST_F(TimerWheelTest, DoesWhatASortedListDoes) {
    std::mt19937_64 random(11);
    std::map<std::uint32_t, SteadyTime> model;
    for (int step = 0; step < 200'000; ++step) {
        const auto item = static_cast<std::uint32_t>(random() % 500);
        const auto wait = nanoseconds(static_cast<std::int64_t>(random() >> (20 + random() % 40)));
        switch (random() % 8) {
            case 0:
            case 1:
            case 2:
            case 3:
                wheel_.add(item, clock_.now() + wait);
                model[item] = clock_.now() + wait;
                break;
            case 4:
                wheel_.remove(item);
                model.erase(item);
                break;
            case 5:
                clock_.advance(wait / 64);
                break;
            case 6: {
                SteadyTime earliest = SteadyTime::max();
                for (const auto& [number, at] : model) {
                    earliest = std::min(earliest, at);
                }
                ASSERT_EQ(wheel_.earliest(), earliest) << step;
                if (earliest != SteadyTime::max() && earliest > clock_.now() && step % 3 == 0) {
                    clock_.advance(earliest - clock_.now());
                }
                break;
            }
            default: {
                Items expected;
                std::erase_if(model, [&](const auto& entry) {
                    return entry.second <= clock_.now() && expected.insert(entry.first).second;
                });
                ASSERT_EQ(due(), expected) << step;
            }
        }
        ASSERT_EQ(wheel_.size(), model.size());
        ASSERT_EQ(wheel_.contains(item), model.contains(item));
    }
}

}  // namespace
}  // namespace grit::frontier
