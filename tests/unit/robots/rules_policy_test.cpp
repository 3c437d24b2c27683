// What RFC 9309 leaves open, and what files really contain: choices of our own.
#include "grit/robots/rules.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace grit::robots {
namespace {

bool allowed(std::string_view body, std::string_view target, std::string_view token = "gritd") {
    return Rules::parse(body, token).allows(target);
}

TEST(RobotsRules, Policy_MissingColonIsReadAsMeant) {
    EXPECT_FALSE(allowed("user-agent gritd\ndisallow /\n", "/x"));
    EXPECT_TRUE(allowed("user-agent: gritd\ndisallow all of this please\nallow: /\n", "/x"));
}

TEST(RobotsRules, Policy_CommonMisspellingsAreReadAsMeant) {
    for (const char* spelling : {"dissallow", "Dissalow", "DISALOW", "diasllow", "disallaw"}) {
        EXPECT_FALSE(allowed("useragent: gritd\n" + std::string(spelling) + ": /\n", "/x")) << spelling;
    }
}

// Not in the standard: a delay binds the agents named above it in its group.
TEST(RobotsRules, Policy_CrawlDelayOfTheBindingGroups) {
    using std::chrono::milliseconds;
    const auto delay = [](std::string_view body) { return Rules::parse(body, "gritd").crawl_delay(); };
    EXPECT_EQ(delay("user-agent: *\ncrawl-delay: 5\n"), milliseconds(5000));
    EXPECT_EQ(delay("user-agent: *\nCrawl-Delay: 0.25 # s\n"), milliseconds(250));
    // A delay is no rule: the agent below joins the group, but the delay stays with those above.
    EXPECT_EQ(delay("user-agent: *\ncrawl-delay: 5\n\nuser-agent: gritd\ndisallow:\n"), std::nullopt);
    EXPECT_EQ(delay("user-agent: *\ncrawl-delay: 5\ndisallow:\nuser-agent: gritd\ncrawl-delay: 2\n"),
              milliseconds(2000));
    EXPECT_EQ(delay("user-agent: *\ncrawl-delay: 5\ndisallow:\nuser-agent: gritd\ndisallow:\n"), std::nullopt);
    EXPECT_EQ(delay("user-agent: *\ncrawl-delay: 5\ncrawl-delay: 7\ncrawl-delay: 6\n"), milliseconds(7000));
    EXPECT_EQ(delay("user-agent: *\ncrawl-delay: 1" + std::string(300, '0') + "\n"), milliseconds(86'400'000));
    for (const char* bad : {"", "-1", "soon", "5s", "nan", "inf", "1e400", "0x5", "5,5"}) {
        EXPECT_EQ(delay("user-agent: *\ncrawl-delay: " + std::string(bad) + "\n"), std::nullopt) << bad;
    }
}

TEST(RobotsRules, TheirTextGivesThemBack) {
    const Rules rules = Rules::parse(
        "user-agent: *\ndisallow: /\nallow: /a*b$\nallow: /\ndisallow: /%24x\ncrawl-delay: 2.5\n", "gritd");
    const auto again = Rules::of_text(rules.text());
    ASSERT_TRUE(again);
    EXPECT_EQ(again->crawl_delay(), std::chrono::milliseconds(2500));
    for (const char* target : {"/", "/x", "/a/b", "/a/b/c", "/$x", "/%24x", "/robots.txt"}) {
        EXPECT_EQ(again->allows(target), rules.allows(target)) << target;
    }
    EXPECT_EQ(again->text(), rules.text());
    EXPECT_EQ(Rules::allow_all().text(), "");
    EXPECT_FALSE(Rules::of_text(Rules::disallow_all().text())->allows("/x"));
    for (const char* damaged : {"/", "+", "a/", "+a", "delay x\n", "delay -1\n", "delay 86400001\n", "-/\n\n", "-/\r\n"}) {
        EXPECT_FALSE(Rules::of_text(damaged)) << damaged;
    }
}

// Section 2.2.1: the token is a substring of the User-Agent header.
TEST(ProductToken, IsWhatTheUserAgentBeginsWith) {
    EXPECT_EQ(product_token_of("gritd/1.0 (+https://example.org/contact)"), "gritd");
    EXPECT_EQ(product_token_of("Example-Bot_x"), "Example-Bot_x");
    EXPECT_EQ(product_token_of(" img2dataset (x)"), "img2dataset");
    EXPECT_EQ(product_token_of("Mozilla/5.0 (compatible; ExampleBot/0.1; https://www.example.com/bot.html)"),
              "ExampleBot");
    EXPECT_EQ(product_token_of("Mozilla/5.0 (X11; Linux)"), "Mozilla");
    EXPECT_EQ(product_token_of(""), "");
    EXPECT_EQ(product_token_of("(+https://example.org)"), "");
}

TEST(RobotsRules, Policy_CrawlDelayForms) {
    using std::chrono::milliseconds;
    const auto delay = [](std::string_view value) {
        return Rules::parse("user-agent: *\ncrawl-delay:" + std::string(value) + "\n", "gritd").crawl_delay();
    };
    EXPECT_EQ(delay("0"), milliseconds(0));
    EXPECT_EQ(delay("\t2 "), milliseconds(2000));
    EXPECT_EQ(delay(".5"), milliseconds(500));
    EXPECT_EQ(delay("5."), milliseconds(5000));
    EXPECT_EQ(delay("0010"), milliseconds(10'000));
    EXPECT_EQ(delay("0.0004"), milliseconds(0));
    EXPECT_EQ(delay("86400"), milliseconds(86'400'000));
    EXPECT_EQ(delay("86401"), milliseconds(86'400'000));
    for (const char* bad : {".", "+5", "-0", "1.5.2", "1e3", "5 s", "1 2", "5;", "\xef\xbc\x95", "%35"}) {
        EXPECT_EQ(delay(bad), std::nullopt) << bad;
    }
}

TEST(RobotsRules, Policy_CrawlDelayOfMergedGroupsIsTheLongest) {
    using std::chrono::milliseconds;
    constexpr std::string_view kBody =
        "user-agent: gritd\ncrawl-delay: 2\ndisallow: /a\nuser-agent: *\ncrawl-delay: 30\ndisallow: /\n"
        "user-agent: gritd\ncrawl-delay: 3\ndisallow: /b\n";
    EXPECT_EQ(Rules::parse(kBody, "gritd").crawl_delay(), milliseconds(3000));
    EXPECT_EQ(Rules::parse(kBody, "other").crawl_delay(), milliseconds(30'000));
}

TEST(RobotsRules, TheRuleThatDecidesIsToldAsItWasWritten) {
    const Rules rules = Rules::parse("User-agent: *\nDisallow: /private/\nAllow: /private/*.jpg$\nDisallow: /a\n", "gritd");
    EXPECT_EQ(rules.deciding_rule("/private/x"), "Disallow: /private/");
    EXPECT_EQ(rules.deciding_rule("/private/x.jpg"), "Allow: /private/*.jpg$");
    EXPECT_EQ(rules.deciding_rule("/b"), std::nullopt);
    EXPECT_EQ(rules.deciding_rule("/robots.txt"), std::nullopt);
    EXPECT_EQ(Rules::disallow_all().deciding_rule("/b"), "Disallow: /");
}

}  // namespace
}  // namespace grit::robots
