#include "grit/politeness/domain_gates.hpp"
#include "grit/politeness/robots_cache.hpp"

#include <gtest/gtest.h>

namespace grit::politeness {
namespace {

TEST(DomainGates, HoldsTheLimitAndHandsPlacesToWaitingHosts) {
    DomainGates gates(2);
    EXPECT_TRUE(gates.try_enter(7));
    EXPECT_TRUE(gates.try_enter(7));
    EXPECT_FALSE(gates.try_enter(7));
    EXPECT_TRUE(gates.try_enter(8));
    gates.wait(7, 42);
    gates.wait(7, 43);
    EXPECT_EQ(gates.next_waiting(7), std::nullopt) << "no place is free";
    gates.leave(7);
    EXPECT_TRUE(gates.next_waiting(7));
    EXPECT_TRUE(gates.next_waiting(7)) << "the first did not take the place, so the second may";
    EXPECT_EQ(gates.next_waiting(7), std::nullopt);
    EXPECT_EQ(gates.open_requests(7), 1u);
    gates.leave(7);
    EXPECT_EQ(gates.open_requests(7), 0u);
}

class RobotsCacheTest : public ::testing::Test {
  protected:
    SteadyTime now_{std::chrono::hours(1)};
};

TEST_F(RobotsCacheTest, KnowsAnOriginForADayAndNotLonger) {
    RobotsCache cache(1 << 20);
    EXPECT_EQ(cache.find("https://a:443", now_), nullptr);
    cache.put("https://a:443", robots::Rules::disallow_all(), now_);
    const robots::Rules* rules = cache.find("https://a:443", now_ + std::chrono::hours(23));
    ASSERT_NE(rules, nullptr);
    EXPECT_FALSE(rules->allows("/x"));
    EXPECT_EQ(cache.find("http://a:80", now_), nullptr);
    EXPECT_EQ(cache.find("https://a:443", now_ + std::chrono::hours(24)), nullptr);
    EXPECT_EQ(cache.bytes(), 0u);
}

TEST_F(RobotsCacheTest, StaysWithinItsBytesAndDropsTheLongestUnused) {
    RobotsCache cache(2000);
    cache.put("https://first:443", robots::Rules::allow_all(), now_);
    for (int i = 0; i < 100; ++i) {
        cache.put("https://host" + std::to_string(i) + ":443", robots::Rules::allow_all(), now_);
        ASSERT_NE(cache.find("https://first:443", now_), nullptr) << "used each time, so it stays";
    }
    EXPECT_LE(cache.bytes(), 2000u);
    EXPECT_EQ(cache.find("https://host3:443", now_), nullptr);
    EXPECT_NE(cache.find("https://host99:443", now_), nullptr);
}

}  // namespace
}  // namespace grit::politeness
