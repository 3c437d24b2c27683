#include "grit/crawl/longest_host.hpp"

#include <gtest/gtest.h>

namespace grit::crawl {
namespace {

constexpr Milliseconds kDay = LongestHostNotice::kDay;

TEST(LongestHostNotice, IsDueOnceItTakesADay) {
    LongestHostNotice notice;
    EXPECT_FALSE(notice.due(kDay - Milliseconds(1), true));
    EXPECT_TRUE(notice.due(kDay, true));
    EXPECT_FALSE(notice.due(kDay, true)) << "nothing has changed";
    EXPECT_FALSE(notice.due(kDay / 2, true));
    EXPECT_FALSE(notice.due(kDay, true)) << "the pace goes up and down";
}

TEST(LongestHostNotice, IsDueAgainEachTimeItDoubles) {
    LongestHostNotice notice;
    EXPECT_TRUE(notice.due(kDay, true));
    EXPECT_TRUE(notice.due(2 * kDay, true));
    EXPECT_FALSE(notice.due(3 * kDay, true));
    EXPECT_TRUE(notice.due(9 * kDay, true));
    EXPECT_FALSE(notice.due(8 * kDay, true));
}

TEST(LongestHostNotice, GrowthByTheInputIsToldWhenItIsRead) {
    LongestHostNotice notice;
    EXPECT_TRUE(notice.due(kDay, false));
    EXPECT_FALSE(notice.due(5 * kDay, false)) << "it grows with each line that is read";
    EXPECT_TRUE(notice.due(5 * kDay, true));
}

TEST(LongestHost, TheRemedyDependsOnWhatBoundsIt) {
    LongestHost host{"a.example.org", 1'000'000, Milliseconds(100), Milliseconds(100), Milliseconds(100), kDay};
    EXPECT_NE(remedy_for(host).find("min_interval"), std::string::npos);
    host.interval = host.per_request = Milliseconds(30'000);
    EXPECT_NE(remedy_for(host).find("pace"), std::string::npos);
    host.per_request = Milliseconds(40'000);
    EXPECT_NE(remedy_for(host).find("connections_per_host"), std::string::npos);
}

}  // namespace
}  // namespace grit::crawl
