#include "grit/net/address_limits.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <utility>
#include <vector>

namespace grit::net {
namespace {

const boost::asio::ip::address kOne = boost::asio::ip::make_address("192.0.2.1");
const boost::asio::ip::address kOther = boost::asio::ip::make_address("2001:db8::1");

TEST(AddressLimits, HoldsPerAddress) {
    AddressLimits limits(2);
    EXPECT_TRUE(limits.try_acquire(kOne));
    EXPECT_TRUE(limits.try_acquire(kOne));
    EXPECT_FALSE(limits.try_acquire(kOne));
    EXPECT_TRUE(limits.try_acquire(kOther));
    limits.release(kOne);
    EXPECT_TRUE(limits.try_acquire(kOne));
    EXPECT_EQ(limits.connections(), 3u);
}

TEST(AddressLimits, APlaceIsGivenBackOnceHoweverItMoves) {
    AddressLimits limits(2);
    {
        ASSERT_TRUE(limits.try_acquire(kOne));
        AddressPlace first(limits, kOne);
        AddressPlace second(std::move(first));
        ASSERT_TRUE(limits.try_acquire(kOther));
        AddressPlace third(limits, kOther);
        third = std::move(second);
        EXPECT_EQ(limits.connections(), 2u);
    }
    EXPECT_EQ(limits.connections(), 0u);
    EXPECT_EQ(limits.connections_to(kOne), 0u);
}

TEST(AddressLimits, HoldsOverThreads) {
    constexpr int kRounds = 20'000;
    AddressLimits limits(3);
    std::atomic<int> held{0};
    std::atomic<int> most{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            for (int round = 0; round < kRounds; ++round) {
                if (limits.try_acquire(kOne)) {
                    const int now = ++held;
                    int seen = most.load();
                    while (seen < now && !most.compare_exchange_weak(seen, now)) {
                    }
                    --held;
                    limits.release(kOne);
                }
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    EXPECT_LE(most.load(), 3);
    EXPECT_EQ(limits.connections(), 0u);
}

}  // namespace
}  // namespace grit::net
