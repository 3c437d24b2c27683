#include "grit/crawl/retry_feed.hpp"
#include "grit/store/writer.hpp"

#include "manual_clock.hpp"
#include "temp_folder.hpp"

#include <gtest/gtest.h>

namespace grit::crawl {
namespace {

class RetryFeedTest : public ::testing::Test {
  protected:
    store::RetryKey put(std::int64_t due, HostId host, std::uint64_t number) {
        const store::RetryKey key{due, {host, UrlHash{0, number}}};
        EXPECT_TRUE(writer_.transact([&](store::WriteTxn& txn) { return store::put_retry(txn, key, Outcome::too_slow); }));
        return key;
    }
    void settle(const store::RetryKey& key) {
        EXPECT_TRUE(writer_.transact([&](store::WriteTxn& txn) -> Result<void> {
            const auto removed = store::delete_retry(txn, key);
            return removed ? Result<void>() : removed.error();
        }));
        feed_.settled(key);
    }
    std::vector<store::RetryKey> take(std::int64_t now, std::size_t limit = 100) {
        std::vector<store::RetryKey> keys;
        for (const store::Retry& retry : feed_.take_due(*env_, now, limit).value()) {
            keys.push_back(retry.key);
        }
        return keys;
    }
    using Keys = std::vector<store::RetryKey>;

    grit::test::TempFolder folder_;
    grit::test::ManualClock clock_;
    std::unique_ptr<store::Env> env_ = store::Env::open(folder_.path()).value();
    store::Writer writer_{*env_, clock_};
    RetryFeed feed_{5};
};

TEST_F(RetryFeedTest, HandsOutWhatIsDueOnceEarliestFirst) {
    const auto late = put(900, 1, 1);
    const auto early = put(100, 2, 1);
    put(1'001, 3, 1);
    EXPECT_EQ(take(1'000), (Keys{early, late}));
    EXPECT_EQ(take(1'000), Keys{});
    EXPECT_EQ(take(2'000).size(), 1u);
}

TEST_F(RetryFeedTest, ARowThatComesWithAnEarlierTimeThanTheLastOneIsHandedOut) {
    EXPECT_EQ(take(1'000), Keys{});
    const auto first = put(900, 5, 5);
    EXPECT_EQ(take(1'000), Keys{first});
    const auto slow_commit = put(500, 1, 1);
    const auto same_time = put(900, 1, 1);
    EXPECT_EQ(take(1'000), (Keys{slow_commit, same_time}));
}

TEST_F(RetryFeedTest, ARecordThatIsPutBackAfterItsRowWasSettledIsHandedOutAgain) {
    const auto key = put(900, 1, 1);
    EXPECT_EQ(take(1'000), Keys{key});
    settle(key);
    EXPECT_EQ(take(1'000), Keys{});
    put(900, 1, 1);
    EXPECT_EQ(take(1'000), Keys{key});
}

TEST_F(RetryFeedTest, WhatWasPutBackIsDueAgain) {
    const auto key = put(900, 1, 1);
    const auto due = feed_.take_due(*env_, 1'000, 10).value();
    ASSERT_EQ(due.size(), 1u);
    feed_.put_back(due);
    EXPECT_EQ(take(1'000), Keys{key});
}

TEST_F(RetryFeedTest, HoldsItsBounds) {
    Keys keys;
    for (std::uint64_t i = 0; i < 8; ++i) {
        keys.push_back(put(static_cast<std::int64_t>(i), 1, i));
    }
    EXPECT_EQ(take(100, 2), (Keys{keys[0], keys[1]}));
    EXPECT_EQ(take(100, 100), (Keys{keys[2], keys[3], keys[4]})) << "no more than five are out";
    EXPECT_EQ(feed_.out(), 5u);
    EXPECT_EQ(take(100), Keys{});
    EXPECT_EQ(feed_.earliest(*env_).value(), std::nullopt) << "none could be taken";
    settle(keys[1]);
    EXPECT_EQ(take(100), Keys{keys[5]});
}

TEST_F(RetryFeedTest, TheEarliestIsOfThoseThatAreNotOut) {
    EXPECT_EQ(feed_.earliest(*env_).value(), std::nullopt);
    put(100, 1, 1);
    put(7'000, 1, 2);
    EXPECT_EQ(feed_.earliest(*env_).value(), 100);
    EXPECT_EQ(take(1'000).size(), 1u);
    EXPECT_EQ(feed_.earliest(*env_).value(), 7'000);
}

}  // namespace
}  // namespace grit::crawl
