// RFC 9309, lines and groups (sections 2.1, 2.2, 2.2.1, 2.2.4), clause by clause.
#include "grit/robots/rules.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace grit::robots {
namespace {

bool allowed(std::string_view body, std::string_view target, std::string_view token = "gritd") {
    return Rules::parse(body, token).allows(target);
}

// Section 2.1: a group is one or more user-agent lines followed by rules; a user-agent line after a rule begins the
// next. Section 2.2.2: rules outside any group are ignored.
TEST(RobotsRfc9309_2_1, GroupsEndAtAUserAgentLineThatFollowsARule) {
    constexpr std::string_view kBody =
        "allow: /foo/bar/\n"
        "\n"
        "user-agent: FooBot\n"
        "disallow: /\n"
        "allow: /x/\n"
        "user-agent: BarBot\n"
        "disallow: /\n"
        "allow: /y/\n"
        "\n\n"
        "allow: /w/\n"
        "user-agent: BazBot\n"
        "\n"
        "user-agent: FooBot\n"
        "allow: /z/\n"
        "disallow: /\n";
    EXPECT_TRUE(allowed(kBody, "/x/b", "FooBot"));
    EXPECT_TRUE(allowed(kBody, "/z/d", "FooBot"));
    EXPECT_FALSE(allowed(kBody, "/y/c", "FooBot"));
    EXPECT_TRUE(allowed(kBody, "/y/c", "BarBot"));
    EXPECT_TRUE(allowed(kBody, "/w/a", "BarBot"));
    EXPECT_FALSE(allowed(kBody, "/z/d", "BarBot"));
    EXPECT_TRUE(allowed(kBody, "/z/d", "BazBot"));
    for (const char* bot : {"FooBot", "BarBot", "BazBot"}) {
        EXPECT_FALSE(allowed(kBody, "/foo/bar/", bot)) << bot;
    }
}

// Section 2.1: the last group may have no rules, which allows everything.
TEST(RobotsRfc9309_2_1, GroupWithoutRulesAllowsEverything) {
    EXPECT_TRUE(allowed("user-agent: *\ndisallow: /\nuser-agent: gritd\n", "/a"));
    EXPECT_TRUE(allowed("user-agent: *\ndisallow: /\nuser-agent: gritd", "/a"));
}

// Section 2.2, ABNF: names are case-insensitive strings; *WS around names, colons and values.
TEST(RobotsRfc9309_2_2, LinesAreCaseInsensitiveWithFreeSpace) {
    for (const char* body : {"USER-AGENT: gritd\nDISALLOW: /x\n", "uSeR-aGeNt:gritd\ndIsAlLoW:/x\n",
                             " \tuser-agent \t:\t gritd \t\n  disallow  :  /x  \t\n"}) {
        EXPECT_FALSE(allowed(body, "/x/y")) << body;
        EXPECT_TRUE(allowed(body, "/y")) << body;
    }
}

// Section 2.2, ABNF: NL = CR / LF / CRLF; the end of the file ends a line too.
TEST(RobotsRfc9309_2_2, EveryLineEndingEndsALine) {
    for (const char* body :
         {"user-agent: *\ndisallow: /x\nallow: /x/y\n", "user-agent: *\r\ndisallow: /x\r\nallow: /x/y\r\n",
          "user-agent: *\rdisallow: /x\rallow: /x/y\r", "user-agent: *\n\r\ndisallow: /x\r\r\nallow: /x/y"}) {
        EXPECT_FALSE(allowed(body, "/x")) << body;
        EXPECT_TRUE(allowed(body, "/x/y")) << body;
        EXPECT_TRUE(allowed(body, "/z")) << body;
    }
}

// Section 2.2.1: product tokens match without regard to case.
TEST(RobotsRfc9309_2_2_1, ProductTokenMatchesWithoutCase) {
    for (const char* name : {"gritd", "GritD", "GRITD", "gritd/1.0", "gritd # us", "gritd (x)"}) {
        EXPECT_FALSE(allowed("user-agent: " + std::string(name) + "\ndisallow: /\n", "/x", "gRitd")) << name;
    }
    for (const char* name : {"grit", "gritdd", "gritd-images", "gritd2", "mygritd", "x gritd", "", "\xc3\xa9"}) {
        EXPECT_TRUE(allowed("user-agent: " + std::string(name) + "\ndisallow: /\n", "/x")) << name;
    }
}

// Section 2.2.1: matching groups are combined, wherever they stand and whoever else they name.
TEST(RobotsRfc9309_2_2_1, GroupsOfOneAgentMerge) {
    constexpr std::string_view kBody =
        "user-agent: ExampleBot\ndisallow: /foo\ndisallow: /bar\n\n"
        "user-agent: other\ndisallow: /qux\n\n"
        "user-agent: other\nuser-agent: ExampleBot\ndisallow: /baz\n";
    for (const char* target : {"/foo", "/bar", "/baz"}) {
        EXPECT_FALSE(allowed(kBody, target, "ExampleBot")) << target;
    }
    EXPECT_TRUE(allowed(kBody, "/qux", "ExampleBot"));
}

// Section 2.2.1: "*" binds those whom no group names, and only those; its groups combine too.
TEST(RobotsRfc9309_2_2_1, StarGroupIsTheFallback) {
    constexpr std::string_view kBody =
        "user-agent: *\ndisallow: /foo\ndisallow: /bar\n\nuser-agent: BazBot\ndisallow: /baz\n\nuser-agent: "
        "*\ndisallow: /qux\n";
    EXPECT_FALSE(allowed(kBody, "/foo", "ExampleBot"));
    EXPECT_FALSE(allowed(kBody, "/qux", "ExampleBot"));
    EXPECT_TRUE(allowed(kBody, "/baz", "ExampleBot"));
    EXPECT_TRUE(allowed(kBody, "/foo", "BazBot"));
    EXPECT_FALSE(allowed(kBody, "/baz", "BazBot"));
}

// Section 2.2.1: no group for us and none for "*", or no groups at all: no rules apply.
TEST(RobotsRfc9309_2_2_1, NoMatchingGroupMeansNoRules) {
    EXPECT_TRUE(allowed("", "/x"));
    EXPECT_TRUE(allowed("user-agent: other\ndisallow: /\n", "/x"));
    EXPECT_TRUE(allowed("disallow: /\n", "/x"));
    EXPECT_TRUE(allowed("<!DOCTYPE html><html><body>404: not found</body></html>", "/x"));
}

// Section 2.2.4: other records never interfere; a sitemap line does not end a group, nor a list of agents.
TEST(RobotsRfc9309_2_2_4, OtherRecordsDoNotInterfere) {
    constexpr std::string_view kBody =
        "user-agent: gritd\nsitemap: https://h/sitemap.xml\ncrawl-delay: 5\nuser-agent: other\nhost: h\ndisallow: /a\n"
        "sitemap: https://h/2.xml\ndisallow: /b\n";
    for (const char* bot : {"gritd", "other"}) {
        EXPECT_FALSE(allowed(kBody, "/a", bot)) << bot;
        EXPECT_FALSE(allowed(kBody, "/b", bot)) << bot;
    }
}

// Section 2.2.1, second example: two groups of one agent beside one that is not ours.
TEST(RobotsRfc9309_2_2_1, GroupsOfOneAgentMergeWhateverLiesBetween) {
    constexpr std::string_view kBody =
        "user-agent: gritd\nallow: /a/\n# comment\n\nunknown: x\nuser-agent: *\ndisallow: /\n\n"
        "user-agent: GRITD/2.0\ndisallow: /a/b/\n\nuser-agent: other\nuser-agent: gritd\ndisallow: /c/\n";
    EXPECT_TRUE(allowed(kBody, "/a/x"));
    EXPECT_FALSE(allowed(kBody, "/a/b/x"));
    EXPECT_FALSE(allowed(kBody, "/c/x"));
    EXPECT_TRUE(allowed(kBody, "/d")) << "the group of * is for those whom no other names";
    EXPECT_FALSE(allowed(kBody, "/d", "anybot"));
    EXPECT_TRUE(allowed(kBody, "/d", "other"));
}

// Section 2.1: what stands between the agents and the rules does not part them, if it is neither.
TEST(RobotsRfc9309_2_1, AgentsInARowShareTheRulesBelow) {
    for (const char* between :
         {"\n", "\n\n\n", "# comment\n", "sitemap: https://h/s.xml\n", "crawl-delay: 1\n", "nonsense\n", ": /\n", "host: h\n"}) {
        const std::string body = "user-agent: one\n" + std::string(between) + "user-agent: two\n" + between + "disallow: /x\n";
        EXPECT_FALSE(allowed(body, "/x", "one")) << between;
        EXPECT_FALSE(allowed(body, "/x", "two")) << between;
        EXPECT_TRUE(allowed(body, "/x", "three")) << between;
    }
}

// Section 2.1: a group of rules that are all empty is a group.
TEST(RobotsRfc9309_2_1, AnEmptyRuleEndsTheListOfAgents) {
    EXPECT_TRUE(allowed("user-agent: gritd\nallow:\nuser-agent: *\ndisallow: /\n", "/x"));
    EXPECT_FALSE(allowed("user-agent: gritd\nuser-agent: *\ndisallow: /\n", "/x"));
}

// Section 2.2.1: the order of the groups says nothing.
TEST(RobotsRfc9309_2_2_1, TheOwnGroupCountsBeforeAndBehindTheStarGroup) {
    for (const char* body : {"user-agent: *\ndisallow: /\nuser-agent: gritd\nallow: /\n",
                             "user-agent: gritd\nallow: /\nuser-agent: *\ndisallow: /\n"}) {
        EXPECT_TRUE(allowed(body, "/x")) << body;
        EXPECT_FALSE(allowed(body, "/x", "other")) << body;
    }
}

// Section 2.2.1: "*" is a name of its own, not a pattern.
TEST(RobotsRfc9309_2_2_1, AStarWithinANameMatchesNobody) {
    for (const char* name : {"grit*", "*d", "**", "*gritd"}) {
        EXPECT_TRUE(allowed("user-agent: " + std::string(name) + "\ndisallow: /\n", "/x")) << name;
    }
    EXPECT_FALSE(allowed("user-agent: * # all\ndisallow: /\n", "/x"));
    EXPECT_FALSE(allowed("user-agent:*\ndisallow:/\n", "/x"));
}

// Section 2.2.1: one name a line; what follows it on the line names nobody.
TEST(RobotsRfc9309_2_2_1, OnlyTheFirstWordOfALineIsAName) {
    EXPECT_FALSE(allowed("user-agent: gritd other\ndisallow: /\n", "/x"));
    EXPECT_TRUE(allowed("user-agent: other gritd\ndisallow: /\n", "/x"));
    EXPECT_TRUE(allowed("user-agent: other, gritd\ndisallow: /\n", "/x"));
}

// Section 2.2.1: a token of letters, "-" and "_" only; the whole of it has to be the same.
TEST(RobotsRfc9309_2_2_1, TokensWithHyphensAndUnderscoresAreWhole) {
    EXPECT_FALSE(allowed("user-agent: Example-Bot_x\ndisallow: /\n", "/x", "example-bot_x"));
    EXPECT_TRUE(allowed("user-agent: Example\ndisallow: /\n", "/x", "example-bot_x"));
    EXPECT_TRUE(allowed("user-agent: Example-Bot\ndisallow: /\n", "/x", "example-bot_x"));
    EXPECT_TRUE(allowed("user-agent: Example-Bot_x-images\ndisallow: /\n", "/x", "example-bot_x"));
}

// Section 2.2, ABNF: comments run to the end of the line, on lines of their own and behind a value.
TEST(RobotsRfc9309_2_2, CommentsRunToTheEndOfTheLine) {
    EXPECT_TRUE(allowed("# user-agent: *\n# disallow: /\n", "/x"));
    EXPECT_TRUE(allowed("user-agent: *\n#disallow: /\n", "/x"));
    EXPECT_FALSE(allowed("user-agent: * #\ndisallow: /x#y\n", "/x"));
    EXPECT_TRUE(allowed("user-agent: *\ndisallow: #/x\n", "/x")) << "an empty path";
    EXPECT_TRUE(allowed("user-agent: *\ndisallow #: /x\n", "/x"));
    EXPECT_FALSE(allowed("user-agent: *\n# a\r# b\r\ndisallow: /x\n", "/x"));
}

// Section 2.2, ABNF: WS is space and tab; other blanks are octets of the value.
TEST(RobotsRfc9309_2_2, SpacesAndTabsAreFreeAroundNamesAndValues) {
    EXPECT_FALSE(allowed("\t user-agent\t: \t*\t\n\t disallow\t : \t/x\t\n", "/x"));
    EXPECT_TRUE(allowed("user-agent: *\ndisallow: \xc2\xa0/x\n", "/x")) << "a no-break space is no WS";
}

// Section 2.2: a value may hold colons of its own.
TEST(RobotsRfc9309_2_2, OnlyTheFirstColonParts) {
    EXPECT_FALSE(allowed("user-agent: *\ndisallow: /a:b\n", "/a:b"));
    EXPECT_TRUE(allowed("user-agent: *\ndisallow:: /a\n", "/a"));
}

// Section 2.2.4: other records may stand anywhere, also before the first group.
TEST(RobotsRfc9309_2_2_4, OtherRecordsMayComeFirstAndAmongTheRules) {
    constexpr std::string_view kBody =
        "sitemap: https://h/s.xml\nhost: h\nuser-agent: *\ndisallow: /a\nrequest-rate: 1/5\nclean-param: x\n"
        "sitemap: /disallow: /\nllm-policy: /llms.txt\ndisallow: /b\n";
    EXPECT_FALSE(allowed(kBody, "/a"));
    EXPECT_FALSE(allowed(kBody, "/b"));
    EXPECT_TRUE(allowed(kBody, "/c"));
}

}  // namespace
}  // namespace grit::robots
