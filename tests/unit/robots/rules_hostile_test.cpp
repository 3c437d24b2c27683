// A robots.txt is written by strangers: size, time and memory have bounds whatever it says.
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "grit/robots/rules.hpp"

namespace grit::robots {
namespace {

// RFC 9309 section 2.5: at least 500 KiB are read.
TEST(RobotsRfc9309_2_5, Reads500KibibytesAndNoMore) {
    const std::string rule = "disallow: /last\n";
    std::string body = "user-agent: *\n";
    body += "#" + std::string(kMaxBodyBytes - body.size() - rule.size() - 2, 'x') + "\n" + rule;
    ASSERT_EQ(body.size(), kMaxBodyBytes);
    EXPECT_FALSE(Rules::parse(body, "gritd").allows("/last"));
    body += "disallow: /beyond\n";
    EXPECT_FALSE(Rules::parse(body, "gritd").allows("/last"));
    EXPECT_TRUE(Rules::parse(body, "gritd").allows("/beyond"));
}

// Half a line could say "disallow: /" where the whole says "disallow: /private".
TEST(RobotsHostile, Policy_LineThatTheLimitCutsIsDropped) {
    std::string body = "user-agent: *\n";
    body += "#" + std::string(kMaxBodyBytes - body.size() - 13, 'x') + "\n" + "disallow: /private\n";
    ASSERT_EQ(body.substr(0, kMaxBodyBytes).substr(kMaxBodyBytes - 11), "disallow: /");
    EXPECT_TRUE(Rules::parse(body, "gritd").allows("/x"));
    EXPECT_TRUE(Rules::parse(std::string(kMaxBodyBytes + 1, 'x'), "gritd").allows("/x"));
}

std::string repeated(std::string_view line, std::size_t bytes) {
    std::string text;
    while (text.size() + line.size() <= bytes) {
        text += line;
    }
    return text;
}

// The classic trap: a matcher that goes back at each "*" takes years over this. Here it is microseconds; the bound
// is wide for sanitizers and busy machines.
TEST(RobotsHostile, ManyStarsTakeLinearTime) {
    const std::string target = "/" + std::string(7'900, 'a');
    const std::string rule = "disallow: /" + repeated("*a", 400'000) + "*b$\n";
    const Rules rules = Rules::parse("user-agent: *\n" + rule, "gritd");
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_TRUE(rules.allows(target));
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
}

// Each rule looks for a long piece that nearly matches everywhere.
TEST(RobotsHostile, NearMissesTakeLinearTime) {
    const std::string target = "/" + std::string(7'900, 'a');
    const std::string rule = "disallow: /*" + std::string(3'900, 'a') + "b\n";
    const Rules rules = Rules::parse("user-agent: *\n" + repeated(rule, 500'000), "gritd");
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_TRUE(rules.allows(target));
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
}

TEST(RobotsHostile, Policy_RulesThatTakeTooLongToReadDisallow) {
    const Rules rules = Rules::parse("user-agent: *\n" + repeated("allow:/*b\n", 500'000), "gritd");
    EXPECT_TRUE(rules.allows("/" + std::string(300, 'a')));
    EXPECT_FALSE(rules.allows("/" + std::string(7'900, 'a')));
}

TEST(RobotsHostile, MemoryIsBoundedAndCounted) {
    EXPECT_LT(Rules::parse("", "gritd").memory_bytes(), 200u);
    EXPECT_GT(Rules::parse("user-agent: *\ndisallow: /" + std::string(1000, 'a'), "gritd").memory_bytes(), 1000u);
    const std::string worst_bytes = "user-agent: *\nuser-agent: gritd\ndisallow: /" + std::string(510'000, '\xff');
    EXPECT_LT(Rules::parse(worst_bytes, "gritd").memory_bytes(), 3u << 20);
    const std::string worst_rules = "user-agent: *\nuser-agent: gritd\n" + repeated("allow:/\n", 510'000);
    EXPECT_LT(Rules::parse(worst_rules, "gritd").memory_bytes(), 3u << 20);
}

}  // namespace
}  // namespace grit::robots
