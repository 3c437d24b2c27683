// tdmrep.json, by section of the TDM Reservation Protocol (W3C community group final report, 2024-05-10).
#include "grit/robots/tdm_rules.hpp"

#include <gtest/gtest.h>

#include <string>

namespace grit::robots {
namespace {

// One rule that reserves that location.
TdmRules reserved(const std::string& location) {
    return TdmRules::parse(R"([{"location": ")" + location + R"(", "tdm-reservation": 1}])");
}

// Section 6.1.2, the first example.
TEST(TdmRules, ARuleForTheRootReservesEverything) {
    const TdmRules rules = reserved("/");
    EXPECT_TRUE(rules.reserves("/"));
    EXPECT_TRUE(rules.reserves("/a/b.jpg?x=1"));
}

// Section 6.1.2, the second example.
TEST(TdmRules, EachGroupOfFilesHasItsOwnRule) {
    const TdmRules rules = TdmRules::parse(R"([
        {"location": "/directory-a/", "tdm-reservation": 1},
        {"location": "/directory-b/html/", "tdm-reservation": 1, "tdm-policy": "https://provider.com/policies/policy.json"},
        {"location": "/directory-b/images/*.jpg", "tdm-reservation": 0}])");
    EXPECT_TRUE(rules.reserves("/directory-a/1.pdf"));
    EXPECT_TRUE(rules.reserves("/directory-b/html/index.html"));
    EXPECT_FALSE(rules.reserves("/directory-b/images/1.jpg"));
    EXPECT_FALSE(rules.reserves("/directory-b/images/1.png")) << "no match: unset";
    EXPECT_FALSE(rules.reserves("/directory-a")) << "the end of the path is not reached";
}

// Section 6.1: "The most specific match is the first in sequence."
TEST(TdmRules, TheFirstMatchInSequenceDecides) {
    const TdmRules open_first = TdmRules::parse(R"([
        {"location": "/", "tdm-reservation": 0}, {"location": "/private/", "tdm-reservation": 1}])");
    EXPECT_FALSE(open_first.reserves("/private/1.jpg"));
    const TdmRules open_last = TdmRules::parse(R"([
        {"location": "/free/", "tdm-reservation": 0}, {"location": "/", "tdm-reservation": 1}])");
    EXPECT_FALSE(open_last.reserves("/free/1.jpg"));
    EXPECT_TRUE(open_last.reserves("/1.jpg"));
}

// Section 6.1: "The matching SHOULD be case sensitive."
TEST(TdmRules, CaseCounts) {
    EXPECT_FALSE(reserved("/Images/").reserves("/images/1.jpg"));
}

// Section 6.1.1.
TEST(TdmRules, SpecialCharactersAreThoseOfRobotsTxt) {
    EXPECT_TRUE(reserved("/this/path/exactly$").reserves("/this/path/exactly"));
    EXPECT_FALSE(reserved("/this/path/exactly$").reserves("/this/path/exactly/not"));
    EXPECT_TRUE(reserved("/this/*/then").reserves("/this/and/that/then/more"));
    EXPECT_TRUE(reserved("*.jpg$").reserves("/x/1.jpg"));
    EXPECT_TRUE(reserved("/path/foo-%24").reserves("/path/foo-$"));
    EXPECT_FALSE(reserved("/path/foo-%24").reserves("/path/foo-"));
}

// Section 6.1: percent-encoded characters are decoded before comparison.
TEST(TdmRules, EncodedAndPlainCharactersAreEqual) {
    EXPECT_TRUE(reserved("/%7Ejoe/").reserves("/~joe/1.jpg"));
    EXPECT_TRUE(reserved("/~joe/").reserves("/%7ejoe/1.jpg"));
    EXPECT_TRUE(reserved("/caf\xc3\xa9/").reserves("/caf%C3%A9/1.jpg"));
}

// Section 5.1: "Other values are considered protocol errors": unset.
TEST(TdmRules, OtherValuesSetNothing) {
    for (const char* value : {"2", "-1", "0.5", "\"yes\"", "\"\"", "null", "[1]", "{\"x\": 1}", "1e300"}) {
        const TdmRules rules = TdmRules::parse(std::string(R"([{"location": "/", "tdm-reservation": )") + value + "}]");
        EXPECT_FALSE(rules.reserves("/1.jpg")) << value;
    }
}

// An entry that sets nothing does not hide the next one that does.
TEST(TdmRules, ABrokenEntryIsAsIfItWereAbsent) {
    const TdmRules rules = TdmRules::parse(R"([7, {"location": "/"}, {"tdm-reservation": 0}, {"location": 1, "tdm-reservation": 0},
        {"location": "", "tdm-reservation": 0}, {"location": "/", "tdm-reservation": 2}, {"location": "/", "tdm-reservation": 1}])");
    EXPECT_TRUE(rules.reserves("/1.jpg"));
}

TEST(TdmRules, WhatIsNoDeclarationReservesNothing) {
    for (const char* text : {"", " ", "<!doctype html><p>Not found", "null", "1", "\"location\"", "[]", "{}", "[",
                             R"([{"location": "/", "tdm-reservation": 1})", R"([{"location": "/", "tdm-reservation": 1}] x)"}) {
        EXPECT_FALSE(TdmRules::parse(text).reserves("/1.jpg")) << text;
    }
}

TEST(TdmRules, Policy_PlainWishesInAnotherFormAreReadAsMeant) {
    for (const char* text : {R"({"location": "/", "tdm-reservation": 1})", R"([{"location": "/", "tdm-reservation": "1"}])",
                             R"([{"location": "/", "tdm-reservation": true}])", R"([{"location": "/", "tdm-reservation": 1.0}])",
                             R"([{"location": " * ", "tdm-reservation": 1}])", R"([{"location": "images", "tdm-reservation": 1}])",
                             "\xef\xbb\xbf[{\"location\": \"/\", \"tdm-reservation\": 1}]"}) {
        EXPECT_TRUE(TdmRules::parse(text).reserves("/images/1.jpg")) << text;
    }
}

TEST(TdmRules, AFileAboveTheLimitDeclaresNothing) {
    std::string text = R"([{"location": "/", "tdm-reservation": 1}])";
    text.append(kMaxTdmRepBytes - text.size(), ' ');
    EXPECT_TRUE(TdmRules::parse(text).reserves("/1.jpg"));
    text.push_back(' ');
    EXPECT_FALSE(TdmRules::parse(text).reserves("/1.jpg"));
}

TEST(TdmRules, HostileFilesAreReadInBoundedTimeAndMemory) {
    EXPECT_TRUE(TdmRules::parse(std::string(400'000, '[')).empty());
    EXPECT_TRUE(TdmRules::parse(R"([{"location":)" + std::string(200'000, '[')).empty());
    std::string many = "[";
    while (many.size() < kMaxTdmRepBytes - 100) {
        many += R"({"location":"/*a*b","tdm-reservation":1},)";
    }
    many += R"({"location":"/*c","tdm-reservation":0}])";
    const TdmRules rules = TdmRules::parse(many);
    EXPECT_LT(rules.memory_bytes(), 2u << 20);
    EXPECT_TRUE(rules.reserves("/" + std::string(7'000, 'a'))) << "too much to look at: left alone";
    EXPECT_FALSE(rules.reserves("/c"));
}

TEST(TdmRules, TheirTextGivesThemBack) {
    const TdmRules rules = TdmRules::parse(R"([
        {"location": "/free/*.jpg$", "tdm-reservation": 0}, {"location": "/fo\u0001o-%24 \u00e9", "tdm-reservation": 1},
        {"location": "/", "tdm-reservation": 1}])");
    const auto again = TdmRules::of_text(rules.text());
    ASSERT_TRUE(again);
    EXPECT_EQ(again->text(), rules.text());
    EXPECT_FALSE(again->reserves("/free/1.jpg"));
    EXPECT_TRUE(again->reserves("/free/1.png"));
    for (const char* damaged : {"/", "+", "x/", "+a", "+/ ", "+/\n\n-/", "delay 3"}) {
        EXPECT_FALSE(TdmRules::of_text(damaged)) << damaged;
    }
}

}  // namespace
}  // namespace grit::robots
