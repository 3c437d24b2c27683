#include "grit/politeness/site_policies.hpp"

#include <gtest/gtest.h>

namespace grit::politeness {
namespace {

using std::chrono::hours;

constexpr store::OriginKey kSite{7, true, 443};

robots::Rules rules(std::string_view body) {
    return robots::Rules::parse(body, "gritd");
}

class SitePoliciesTest : public ::testing::Test {
  protected:
    [[nodiscard]] std::optional<SiteFile> missing(const store::OriginKey& origin = kSite) {
        return sites_.missing(sites_.find(origin), now_);
    }
    [[nodiscard]] bool allows(std::string_view target) { return !sites_.refusal(*sites_.find(kSite), target); }
    void pass(Milliseconds time) {
        now_ += time;
        wall_ += time;
    }
    /// As after a restart: what the state says is all that is known.
    void restart() {
        const store::SiteRow row = sites_.row(kSite, now_, wall_);
        sites_ = SitePolicies(1 << 20, sites_.obeyed());
        sites_.load(kSite, row, now_, wall_);
    }

    SteadyTime now_{hours(1)};
    WallTime wall_{hours(24 * 365 * 50)};
    SitePolicies sites_{1 << 20, {true, false}};
};

// RFC 9309 section 2.4.
TEST_F(SitePoliciesTest, ACopyIsBelievedForADayAndNotLonger) {
    EXPECT_EQ(missing(), SiteFile::robots);
    sites_.put(kSite, rules("User-agent: *\nDisallow: /no"), 200, now_);
    pass(hours(23));
    EXPECT_EQ(missing(), std::nullopt);
    EXPECT_FALSE(allows("/no"));
    EXPECT_TRUE(allows("/yes"));
    EXPECT_EQ(missing({7, false, 80}), SiteFile::robots) << "another origin of the same host";
    pass(hours(1));
    EXPECT_EQ(missing(), SiteFile::robots);
}

// RFC 9309 section 2.3.1.4: without a copy complete disallow is assumed.
TEST_F(SitePoliciesTest, WithoutACopyAnUnreachableFileKeepsUsOut) {
    EXPECT_FALSE(sites_.unreachable(kSite, SiteFile::robots, false, now_));
    EXPECT_EQ(missing(), SiteFile::robots);
    EXPECT_FALSE(sites_.unreachable(kSite, SiteFile::robots, true, now_));
}

// RFC 9309 section 2.4 and 2.3.1.4: "unless the robots.txt is unreachable", "a cached copy".
TEST_F(SitePoliciesTest, TheLastGoodCopyIsUsedWhileTheFileIsUnreachable) {
    sites_.put(kSite, rules("User-agent: *\nDisallow: /no"), 200, now_);
    pass(hours(24));
    ASSERT_EQ(missing(), SiteFile::robots);
    EXPECT_TRUE(sites_.unreachable(kSite, SiteFile::robots, false, now_));
    EXPECT_EQ(missing(), std::nullopt);
    EXPECT_FALSE(allows("/no"));
    EXPECT_TRUE(allows("/yes"));
}

TEST_F(SitePoliciesTest, AnUnreachableFileIsAskedForAgainAfterAnHourThenTwoUpToADay) {
    sites_.put(kSite, rules(""), 200, now_);
    pass(hours(24));
    for (const int wait : {1, 2, 4, 8, 16, 24, 24}) {
        ASSERT_TRUE(sites_.unreachable(kSite, SiteFile::robots, false, now_));
        pass(hours(wait) - Milliseconds(1));
        EXPECT_EQ(missing(), std::nullopt) << wait;
        pass(Milliseconds(1));
        EXPECT_EQ(missing(), SiteFile::robots) << wait;
    }
    sites_.put(kSite, rules(""), 200, now_);
    pass(hours(24));
    ASSERT_TRUE(sites_.unreachable(kSite, SiteFile::robots, false, now_));
    pass(hours(1));
    EXPECT_EQ(missing(), SiteFile::robots) << "an answer forgets the failures";
}

TEST_F(SitePoliciesTest, TheLastGoodCopyIsUsedForThirtyDays) {
    sites_.put(kSite, rules(""), 200, now_);
    SteadyTime until = now_ + hours(24 * 30);
    while (true) {
        pass(hours(24));
        if (now_ >= until) {
            break;
        }
        ASSERT_TRUE(sites_.unreachable(kSite, SiteFile::robots, false, now_));
    }
    EXPECT_EQ(missing(), SiteFile::robots);
    EXPECT_FALSE(sites_.unreachable(kSite, SiteFile::robots, false, now_));
    EXPECT_EQ(missing(), SiteFile::robots);
}

TEST_F(SitePoliciesTest, TheStateKeepsACopyWithItsAge) {
    sites_.put(kSite, rules("User-agent: *\nDisallow: /no*$\nCrawl-delay: 3"), 200, now_);
    pass(hours(20));
    restart();
    EXPECT_EQ(missing(), std::nullopt);
    EXPECT_FALSE(allows("/no/x"));
    EXPECT_EQ(sites_.crawl_delay(7, now_), Milliseconds(3'000));
    EXPECT_EQ(sites_.row(kSite, now_, wall_).robots.status, 200);
    pass(hours(4));
    EXPECT_EQ(missing(), SiteFile::robots);
    restart();
    EXPECT_EQ(missing(), SiteFile::robots);
    EXPECT_TRUE(sites_.unreachable(kSite, SiteFile::robots, false, now_)) << "it is still the last good copy";
    restart();
    EXPECT_EQ(missing(), std::nullopt) << "when to ask again is kept, too";
    pass(hours(24 * 30));
    restart();
    EXPECT_EQ(sites_.find(kSite), nullptr);
}

TEST_F(SitePoliciesTest, ACopyFromTheFutureIsNone) {
    sites_.put(kSite, rules(""), 200, now_);
    wall_ -= Milliseconds(hours(5));  // the clock is set back while the process is down
    const store::SiteRow row = sites_.row(kSite, now_, wall_ + Milliseconds(hours(5)));
    sites_ = SitePolicies(1 << 20, {true, false});
    sites_.load(kSite, row, now_, wall_);
    EXPECT_EQ(missing(), SiteFile::robots);
    EXPECT_FALSE(sites_.unreachable(kSite, SiteFile::robots, false, now_));
}

TEST_F(SitePoliciesTest, AClockThatJumpsWhileTheProcessRunsChangesNothing) {
    sites_.put(kSite, rules(""), 200, now_);
    wall_ += Milliseconds(hours(24 * 365));
    EXPECT_EQ(missing(), std::nullopt);
    const store::SiteRow row = sites_.row(kSite, now_, wall_);
    EXPECT_EQ(row.robots.fetched_ms, wall_.time_since_epoch().count());
}

TEST_F(SitePoliciesTest, ADamagedRowIsNone) {
    sites_.load(kSite, {{wall_.time_since_epoch().count(), wall_.time_since_epoch().count() + 1000, 200, "Disallow: /"}, {}},
                now_, wall_);
    EXPECT_EQ(sites_.find(kSite), nullptr);
}

TEST_F(SitePoliciesTest, WhatIsInMemoryIsNewerThanTheState) {
    sites_.put(kSite, rules("User-agent: *\nDisallow: /old"), 200, now_);
    const store::SiteRow old = sites_.row(kSite, now_, wall_);
    sites_.put(kSite, rules("User-agent: *\nDisallow: /new"), 200, now_);
    sites_.load(kSite, old, now_, wall_);
    EXPECT_FALSE(allows("/new"));
    EXPECT_TRUE(allows("/old"));
}

TEST_F(SitePoliciesTest, TheLongestDelayOfAHostsOriginsCountsWhileItIsBelieved) {
    sites_.put({7, false, 80}, rules("User-agent: *\nCrawl-delay: 9"), 200, now_);
    pass(hours(12));
    sites_.put(kSite, rules("User-agent: *\nCrawl-delay: 2"), 200, now_);
    sites_.put({8, true, 443}, rules("User-agent: *\nCrawl-delay: 20"), 200, now_);
    EXPECT_EQ(sites_.crawl_delay(7, now_), Milliseconds(9'000));
    EXPECT_EQ(sites_.crawl_delay(6, now_), Milliseconds(0));
    pass(hours(12));
    EXPECT_EQ(sites_.crawl_delay(7, now_), Milliseconds(2'000)) << "the other one's time is over";
    sites_.put(kSite, rules(""), 200, now_);
    EXPECT_EQ(sites_.crawl_delay(7, now_), Milliseconds(0));
}

TEST_F(SitePoliciesTest, OriginsOfWhichNothingIsKnownCountToo) {
    sites_ = SitePolicies(4'000, {true, false});
    for (HostId host = 1; host < 100; ++host) {
        EXPECT_FALSE(sites_.unreachable({host, true, 443}, SiteFile::robots, false, now_));
    }
    EXPECT_LT(sites_.size(), 20u);
}

TEST_F(SitePoliciesTest, StaysWithinItsBytesAndDropsTheLongestUnused) {
    sites_ = SitePolicies(4'000, {true, false});
    sites_.put({1, true, 443}, rules(""), 404, now_);
    for (HostId host = 2; host < 100; ++host) {
        sites_.put({host, true, 443}, rules(""), 404, now_);
        ASSERT_NE(sites_.find({1, true, 443}), nullptr) << "used each time, so it stays";
    }
    EXPECT_LE(sites_.bytes(), 4'000u);
    EXPECT_EQ(sites_.find({3, true, 443}), nullptr);
    EXPECT_NE(sites_.find({99, true, 443}), nullptr);
}

// tdmrep.json ---------------------------------------------------------------------------------------------------------

class SiteReservationsTest : public SitePoliciesTest {
  protected:
    SiteReservationsTest() { sites_ = SitePolicies(1 << 20, {true, true}); }
    void reserve(std::string_view location) {
        sites_.put(kSite, robots::TdmRules::parse(R"([{"location": ")" + std::string(location) + R"(", "tdm-reservation": 1}])"),
                   200, now_);
    }
};

TEST_F(SiteReservationsTest, AreAskedForAfterRobotsTxt) {
    EXPECT_EQ(missing(), SiteFile::robots);
    sites_.put(kSite, rules(""), 404, now_);
    EXPECT_EQ(missing(), SiteFile::tdmrep);
    reserve("/mine/");
    EXPECT_EQ(missing(), std::nullopt);
    EXPECT_TRUE(allows("/yours/1.jpg"));
    const auto refusal = sites_.refusal(*sites_.find(kSite), "/mine/1.jpg");
    ASSERT_TRUE(refusal);
    EXPECT_EQ(refusal->outcome, Outcome::opted_out);
    EXPECT_EQ(refusal->detail, "tdmrep.json");
    pass(hours(24));
    EXPECT_EQ(missing(), SiteFile::robots);
}

TEST_F(SiteReservationsTest, AreNotAskedForWhereRobotsTxtForbidsIt) {
    sites_.put(kSite, rules("User-agent: *\nDisallow: /.well-known/"), 200, now_);
    EXPECT_EQ(missing(), std::nullopt);
    EXPECT_TRUE(allows("/1.jpg"));
}

TEST_F(SiteReservationsTest, CountWithoutRobotsTxt) {
    sites_ = SitePolicies(1 << 20, {false, true});
    EXPECT_EQ(missing(), SiteFile::tdmrep);
    reserve("/");
    EXPECT_EQ(missing(), std::nullopt);
    EXPECT_FALSE(allows("/1.jpg"));
}

TEST_F(SiteReservationsTest, SwitchedOffDoNotCount) {
    reserve("/");
    sites_.put(kSite, rules(""), 404, now_);
    const store::SiteRow row = sites_.row(kSite, now_, wall_);
    sites_ = SitePolicies(1 << 20, {true, false});
    sites_.load(kSite, row, now_, wall_);
    EXPECT_EQ(missing(), std::nullopt);
    EXPECT_TRUE(allows("/1.jpg"));
}

// Section 6.1: "failure to provide access implies that the origin server does not implement this protocol".
TEST_F(SiteReservationsTest, AFileThatCanNotBeHadReservesNothingForADay) {
    sites_.put(kSite, rules(""), 404, now_);
    EXPECT_TRUE(sites_.unreachable(kSite, SiteFile::tdmrep, false, now_));
    EXPECT_EQ(missing(), std::nullopt);
    EXPECT_TRUE(allows("/1.jpg"));
}

TEST_F(SiteReservationsTest, AHostThatAsksForLessIsAskedThreeTimes) {
    sites_.put(kSite, rules(""), 404, now_);
    EXPECT_FALSE(sites_.unreachable(kSite, SiteFile::tdmrep, true, now_));
    EXPECT_FALSE(sites_.unreachable(kSite, SiteFile::tdmrep, true, now_));
    EXPECT_EQ(missing(), SiteFile::tdmrep);
    EXPECT_TRUE(sites_.unreachable(kSite, SiteFile::tdmrep, true, now_));
    EXPECT_EQ(missing(), std::nullopt);
}

TEST_F(SiteReservationsTest, TheLastGoodCopyGoesOnReserving) {
    reserve("/");
    pass(hours(24));
    sites_.put(kSite, rules(""), 404, now_);
    EXPECT_TRUE(sites_.unreachable(kSite, SiteFile::tdmrep, false, now_));
    EXPECT_FALSE(allows("/1.jpg"));
    restart();
    EXPECT_EQ(missing(), std::nullopt);
    EXPECT_FALSE(allows("/1.jpg"));
}

}  // namespace
}  // namespace grit::politeness
