#include "dns_cache.hpp"

#include <gtest/gtest.h>

#include "manual_clock.hpp"

namespace grit::net {
namespace {

using std::chrono::seconds;

DnsAnswer answer(const char* address) {
    return {Errc::success, {boost::asio::ip::make_address(address)}};
}

TEST(DnsCache, AnswersHoldUntilTheirTime) {
    test::ManualClock clock;
    DnsCache cache(10);
    cache.put("a.example", answer("192.0.2.1"), clock.now() + seconds(60));
    clock.advance(seconds(59));
    ASSERT_NE(cache.find("a.example", clock.now()), nullptr);
    EXPECT_EQ(cache.find("a.example", clock.now())->addresses, answer("192.0.2.1").addresses);
    clock.advance(seconds(1));
    EXPECT_EQ(cache.find("a.example", clock.now()), nullptr);
    EXPECT_EQ(cache.size(), 0u);
}

TEST(DnsCache, TheNameAskedForLongestAgoGoesFirst) {
    test::ManualClock clock;
    DnsCache cache(2);
    const SteadyTime until = clock.now() + seconds(60);
    cache.put("a.example", answer("192.0.2.1"), until);
    cache.put("b.example", answer("192.0.2.2"), until);
    ASSERT_NE(cache.find("a.example", clock.now()), nullptr);
    cache.put("c.example", answer("192.0.2.3"), until);
    EXPECT_EQ(cache.size(), 2u);
    EXPECT_NE(cache.find("a.example", clock.now()), nullptr);
    EXPECT_EQ(cache.find("b.example", clock.now()), nullptr);
}

TEST(DnsCache, ALaterAnswerTakesThePlaceOfAnEarlierOne) {
    test::ManualClock clock;
    DnsCache cache(2);
    cache.put("a.example", answer("192.0.2.1"), clock.now() + seconds(60));
    cache.put("a.example", DnsAnswer{Errc::dns_not_found, {}}, clock.now() + seconds(60));
    ASSERT_NE(cache.find("a.example", clock.now()), nullptr);
    EXPECT_EQ(cache.find("a.example", clock.now())->error, Errc::dns_not_found);
    EXPECT_EQ(cache.size(), 1u);
}

}  // namespace
}  // namespace grit::net
