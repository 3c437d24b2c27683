#include "grit/robots/robots_tag.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace grit::robots {
namespace {

const std::vector<std::string> kDefaults{"noai", "noimageai", "noindex", "noimageindex", "noml"};

std::optional<std::string> refusing(const std::vector<std::string>& values,
                                    const std::vector<std::string>& disallowed = kDefaults) {
    const std::vector<std::string_view> views(values.begin(), values.end());
    return refusing_directive(views, "gritd", disallowed);
}

TEST(RobotsTag, EveryConfiguredDirectiveRefuses) {
    for (const std::string& directive : kDefaults) {
        EXPECT_EQ(refusing({directive}), directive);
        EXPECT_EQ(refusing({"nofollow,  " + directive + " , noarchive"}), directive);
    }
    EXPECT_EQ(refusing({"NoIndex"}), "noindex");
    EXPECT_EQ(refusing({"noai"}, {"NOAI"}), "noai");
}

TEST(RobotsTag, OtherDirectivesDoNotRefuse) {
    for (const char* value : {"", " ", ",,,", "all", "nofollow", "index, follow", "noarchive, nosnippet", "noaix",
                              "no-ai", "max-snippet: 20", "unavailable_after: 25 Jun 2030 15:00:00 PST",
                              "unavailable_after: Friday, 25-Jun-30 15:00:00 UTC, max-image-preview: none"}) {
        EXPECT_EQ(refusing({value}), std::nullopt) << value;
    }
    EXPECT_EQ(refusing({}), std::nullopt);
}

TEST(RobotsTag, OnlyConfiguredDirectivesRefuse) {
    EXPECT_EQ(refusing({"noai"}, {}), std::nullopt);
    EXPECT_EQ(refusing({"noindex"}, {"noai"}), std::nullopt);
}

// "none" is "noindex, nofollow".
TEST(RobotsTag, NoneIsNoindex) {
    EXPECT_EQ(refusing({"none"}), "none");
    EXPECT_EQ(refusing({"None"}, {"noindex"}), "none");
    EXPECT_EQ(refusing({"none"}, {"noai"}), std::nullopt);
}

TEST(RobotsTag, ScopesBindTheirAgentOnly) {
    EXPECT_EQ(refusing({"gritd: noai"}), "noai");
    EXPECT_EQ(refusing({"GritD:noai"}), "noai");
    EXPECT_EQ(refusing({"gritd/1.0: noai"}), "noai");
    EXPECT_EQ(refusing({"*: noai"}), "noai");
    EXPECT_EQ(refusing({"otherbot: noindex"}), std::nullopt);
    EXPECT_EQ(refusing({"gritdx: noindex"}), std::nullopt);
    EXPECT_EQ(refusing({"mygritd: noindex"}), std::nullopt);
}

TEST(RobotsTag, ScopeLastsUntilTheNextAgent) {
    EXPECT_EQ(refusing({"otherbot: nofollow, noindex"}), std::nullopt);
    EXPECT_EQ(refusing({"gritd: nofollow, noindex"}), "noindex");
    EXPECT_EQ(refusing({"otherbot: noindex, gritd: noai"}), "noai");
    EXPECT_EQ(refusing({"gritd: nofollow, otherbot: noindex"}), std::nullopt);
    EXPECT_EQ(refusing({"noai, otherbot: noindex"}), "noai");
    EXPECT_EQ(refusing({"otherbot: max-snippet: 5, noindex"}), std::nullopt);
    EXPECT_EQ(refusing({"otherbot: unavailable_after: 25 Jun 2030 15:00:00 PST, noindex"}), std::nullopt);
    EXPECT_EQ(refusing({"unavailable_after: 25 Jun 2030 15:00:00 PST, noindex"}), "noindex");
}

// A date has commas and colons of its own, which begin no scope and no directive.
TEST(RobotsTag, ADateHidesNothingBehindIt) {
    for (const char* date : {"25 Jun 2030 15:00:00 PST", "Tuesday, 25-Jun-30 15:00:00 UTC", "2030-06-25T15:00:00+00:00",
                             "Tue, 2030-06-25T15:00:00Z", "Tue, 25 Jun 2030, 15:00:00", "15:00:00, 25 Jun"}) {
        EXPECT_EQ(refusing({std::string("unavailable_after: ") + date}), std::nullopt) << date;
        EXPECT_EQ(refusing({std::string("unavailable_after: ") + date + ", noai"}), "noai") << date;
        EXPECT_EQ(refusing({std::string("Unavailable_After:") + date + ", NoAI"}), "noai") << date;
        EXPECT_EQ(refusing({std::string("otherbot: unavailable_after: ") + date + ", noai"}), std::nullopt) << date;
        EXPECT_EQ(refusing({std::string("gritd: unavailable_after: ") + date + ", noai"}), "noai") << date;
    }
}

TEST(RobotsTag, ValuesOfDirectivesAreNoDirectives) {
    EXPECT_EQ(refusing({"max-image-preview:none"}), std::nullopt);
    EXPECT_EQ(refusing({"max-image-preview:none,noai"}), "noai");
    EXPECT_EQ(refusing({"max-snippet:-1, max-video-preview : -1, noimageai"}), "noimageai");
    EXPECT_EQ(refusing({"gritd: max-image-preview: none"}), std::nullopt);
}

TEST(RobotsTag, SpacesAndCaseDoNotCount) {
    EXPECT_EQ(refusing({"  GRITD  :  NOAI  "}), "noai");
    EXPECT_EQ(refusing({"gritd:nofollow,noindex"}), "noindex");
    EXPECT_EQ(refusing({"\tnoindex\t"}), "noindex");
    EXPECT_EQ(refusing({"otherbot:,noindex"}), std::nullopt) << "a scope lasts, whatever comes first in it";
}

TEST(RobotsTag, SeveralAgentsHaveTheirOwnDirectives) {
    EXPECT_EQ(refusing({"googlebot: noindex", "bingbot: noai", "gritd: nofollow"}), std::nullopt);
    EXPECT_EQ(refusing({"googlebot: nofollow", "gritd: noai"}), "noai");
    EXPECT_EQ(refusing({"googlebot: noindex, *: noml"}), "noml");
    EXPECT_EQ(refusing({"gritd: nofollow, googlebot: noindex, gritd: noimageindex"}), "noimageindex");
}

TEST(RobotsTag, EachHeaderBeginsForEverybody) {
    EXPECT_EQ(refusing({"otherbot: nofollow", "noindex"}), "noindex");
    EXPECT_EQ(refusing({"otherbot: noindex", "gritd: all"}), std::nullopt);
}

TEST(RobotsTag, Policy_QuotesAndTheNameOfTheMetaElementAreReadAsMeant) {
    EXPECT_EQ(refusing({"\"noindex, nofollow\""}), "noindex");
    EXPECT_EQ(refusing({"'noai'"}), "noai");
    EXPECT_EQ(refusing({"robots: noindex"}), "noindex");
}

TEST(RobotsTag, Policy_ForgottenCommasAreReadAsMeant) {
    EXPECT_EQ(refusing({"nofollow noindex"}), "noindex");
    EXPECT_EQ(refusing({"nofollow; noimageai"}), "noimageai");
}

// TDM Reservation Protocol section 6: 1 reserves, 0 does not, other values mean nothing.
TEST(TdmReservation, OneReserves) {
    EXPECT_TRUE(tdm_reserved("1"));
    EXPECT_TRUE(tdm_reserved(" 1\t"));
    EXPECT_TRUE(tdm_reserved("0, 1"));
    for (const char* value : {"", "0", "11", "1.0", "true", "yes", "-1", "1 1"}) {
        EXPECT_FALSE(tdm_reserved(value)) << value;
    }
}

}  // namespace
}  // namespace grit::robots
