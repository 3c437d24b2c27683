// RFC 9309, clause by clause. What the standard does not say is named Policy_.
#include "grit/robots/rules.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace grit::robots {
namespace {

bool allowed(std::string_view body, std::string_view target, std::string_view token = "gritd") {
    return Rules::parse(body, token).allows(target);
}

// Section 2.1: a group is one or more user-agent lines followed by rules; a user-agent line after a rule begins the
// next. Section 2.2.2: rules outside any group are ignored.
TEST(RobotsRules, GroupsEndAtAUserAgentLineThatFollowsARule) {
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
TEST(RobotsRules, GroupWithoutRulesAllowsEverything) {
    EXPECT_TRUE(allowed("user-agent: *\ndisallow: /\nuser-agent: gritd\n", "/a"));
    EXPECT_TRUE(allowed("user-agent: *\ndisallow: /\nuser-agent: gritd", "/a"));
}

// Section 2.2, ABNF: names are case-insensitive strings; *WS around names, colons and values.
TEST(RobotsRules, LinesAreCaseInsensitiveWithFreeSpace) {
    for (const char* body : {"USER-AGENT: gritd\nDISALLOW: /x\n", "uSeR-aGeNt:gritd\ndIsAlLoW:/x\n",
                             " \tuser-agent \t:\t gritd \t\n  disallow  :  /x  \t\n"}) {
        EXPECT_FALSE(allowed(body, "/x/y")) << body;
        EXPECT_TRUE(allowed(body, "/y")) << body;
    }
}

// Section 2.2, ABNF: NL = CR / LF / CRLF; the end of the file ends a line too.
TEST(RobotsRules, EveryLineEndingEndsALine) {
    for (const char* body :
         {"user-agent: *\ndisallow: /x\nallow: /x/y\n", "user-agent: *\r\ndisallow: /x\r\nallow: /x/y\r\n",
          "user-agent: *\rdisallow: /x\rallow: /x/y\r", "user-agent: *\n\r\ndisallow: /x\r\r\nallow: /x/y"}) {
        EXPECT_FALSE(allowed(body, "/x")) << body;
        EXPECT_TRUE(allowed(body, "/x/y")) << body;
        EXPECT_TRUE(allowed(body, "/z")) << body;
    }
}

// Section 2.3: the file is UTF-8; RFC 3629 section 6 lets it begin with a byte order mark.
TEST(RobotsRules, ByteOrderMarkIsSkipped) {
    EXPECT_FALSE(allowed("\xef\xbb\xbfuser-agent: *\ndisallow: /\n", "/x"));
    // Only at the beginning.
    EXPECT_TRUE(allowed("\n\xef\xbb\xbfuser-agent: *\ndisallow: /\n", "/x"));
}

// Section 2.2.1: product tokens match without regard to case.
TEST(RobotsRules, ProductTokenMatchesWithoutCase) {
    for (const char* name : {"gritd", "GritD", "GRITD", "gritd/1.0", "gritd # us", "gritd (x)"}) {
        EXPECT_FALSE(allowed("user-agent: " + std::string(name) + "\ndisallow: /\n", "/x", "gRitd")) << name;
    }
    for (const char* name : {"grit", "gritdd", "gritd-images", "gritd2", "mygritd", "x gritd", "", "\xc3\xa9"}) {
        EXPECT_TRUE(allowed("user-agent: " + std::string(name) + "\ndisallow: /\n", "/x")) << name;
    }
}

// Section 2.2.1: matching groups are combined, wherever they stand and whoever else they name.
TEST(RobotsRules, GroupsOfOneTokenAreCombined) {
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
TEST(RobotsRules, StarGroupIsTheFallback) {
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
TEST(RobotsRules, NoMatchingGroupMeansNoRules) {
    EXPECT_TRUE(allowed("", "/x"));
    EXPECT_TRUE(allowed("user-agent: other\ndisallow: /\n", "/x"));
    EXPECT_TRUE(allowed("disallow: /\n", "/x"));
    EXPECT_TRUE(allowed("<!DOCTYPE html><html><body>404: not found</body></html>", "/x"));
}

// Section 2.2.2: matching is case sensitive and starts at the first octet of the path.
TEST(RobotsRules, PathsMatchFromTheFirstOctetWithCase) {
    constexpr std::string_view kBody = "user-agent: *\ndisallow: /fish\n";
    for (const char* target : {"/fish", "/fish.html", "/fish/salmon.html", "/fishheads", "/fish?id=1"}) {
        EXPECT_FALSE(allowed(kBody, target)) << target;
    }
    for (const char* target : {"/Fish", "/catfish", "/?id=fish", "/desert/fish"}) {
        EXPECT_TRUE(allowed(kBody, target)) << target;
    }
}

// Section 2.2.2: the match with the most octets decides, whatever the order of the lines.
TEST(RobotsRules, LongestMatchWins) {
    EXPECT_FALSE(allowed("user-agent: *\ndisallow: /x/page.html\nallow: /x/\n", "/x/page.html"));
    EXPECT_FALSE(allowed("user-agent: *\nallow: /x/\ndisallow: /x/page.html\n", "/x/page.html"));
    EXPECT_TRUE(allowed("user-agent: *\nallow: /x/page.html\ndisallow: /x/\n", "/x/page.html"));
    EXPECT_FALSE(allowed("user-agent: *\ndisallow: /x\nallow: /x/\n", "/x"));
    EXPECT_TRUE(allowed("user-agent: *\ndisallow: /x\nallow: /x/\n", "/x/"));
    EXPECT_FALSE(allowed("user-agent: *\nallow: /page\ndisallow: /*.html\n", "/page.html"));
    EXPECT_TRUE(allowed("user-agent: *\nallow: /x/page.\ndisallow: /*.html\n", "/x/page.html"));
    EXPECT_TRUE(allowed("user-agent: *\nallow: /$\ndisallow: /\n", "/"));
    EXPECT_FALSE(allowed("user-agent: *\ndisallow: /page$\nallow: /page\n", "/page"));
    EXPECT_FALSE(allowed("user-agent: *\nallow: /$\ndisallow: /\n", "/page.html"));
}

// Section 2.2.2: where "allow" and "disallow" are equivalent, "allow" is used.
TEST(RobotsRules, AllowWinsTies) {
    EXPECT_TRUE(allowed("user-agent: *\ndisallow: /folder\nallow: /folder\n", "/folder/page"));
    EXPECT_TRUE(allowed("user-agent: *\nallow: /folder\ndisallow: /folder\n", "/folder/page"));
    EXPECT_TRUE(allowed("user-agent: *\ndisallow: /a%7Eb\nallow: /a~b\n", "/a~b"));
}

// Section 2.2.2: no match among the rules allows; an empty path matches nothing.
TEST(RobotsRules, EmptyDisallowAllowsEverything) {
    EXPECT_TRUE(allowed("user-agent: *\ndisallow:\n", "/x"));
    EXPECT_TRUE(allowed("user-agent: *\ndisallow: # nothing\n", "/x"));
    // It is a rule all the same: it ends the list of agents.
    EXPECT_TRUE(allowed("user-agent: gritd\ndisallow:\nuser-agent: other\ndisallow: /\n", "/x"));
}

// Section 2.2.2: /robots.txt is implicitly allowed.
TEST(RobotsRules, RobotsTxtItselfIsAllowed) {
    EXPECT_TRUE(allowed("user-agent: *\ndisallow: /\n", "/robots.txt"));
    EXPECT_TRUE(Rules::disallow_all().allows("/robots.txt"));
    EXPECT_FALSE(allowed("user-agent: *\ndisallow: /\n", "/robots.txt.bak"));
}

// Section 2.2.2, table "Examples of matching percent-encoded URI components": both columns name the same resource.
TEST(RobotsRules, PercentEncodedOctetsCompareEqual) {
    struct Row {
        const char* rule;
        const char* target;
    };
    for (const auto& [rule, target] : std::vector<Row>{
             {"/foo/bar?baz=quz", "/foo/bar?baz=quz"},
             {"/foo/bar?baz=https://foo.bar", "/foo/bar?baz=https%3A%2F%2Ffoo.bar"},
             {"/foo/bar?baz=https%3A%2F%2Ffoo.bar", "/foo/bar?baz=https://foo.bar"},
             {"/foo/bar/\xe3\x83\x84", "/foo/bar/%E3%83%84"},
             {"/foo/bar/%E3%83%84", "/foo/bar/%E3%83%84"},
             {"/foo/bar/%e3%83%84", "/foo/bar/\xe3\x83\x84"},
             {"/foo/bar/%62%61%7A", "/foo/bar/baz"},
             {"/foo/bar/baz", "/foo/bar/%62%61%7a"},
             {"/a b", "/a%20b"},
             {"/100%", "/100%25"},
             {"%2Ffoo", "/foo"},
             {"/{id}|\"x\"", "/%7Bid%7D%7C%22x%22"},
             {"/\xe9", "/%E9"},
         }) {
        EXPECT_FALSE(allowed("user-agent: *\ndisallow: " + std::string(rule) + "\n", target))
            << rule << " for " << target;
    }
    // "%25" is a "%" that stays one: nothing is decoded twice.
    EXPECT_TRUE(allowed("user-agent: *\ndisallow: /%2541\n", "/A"));
}

// Section 2.2.3: "#" begins a comment, "$" ends the pattern, "*" is any sequence.
TEST(RobotsRules, SpecialCharacters) {
    EXPECT_FALSE(allowed("user-agent: *#x\ndisallow: /foo/quz#qux\n# allow: /foo\n", "/foo/quz"));
    EXPECT_FALSE(allowed("user-agent: *\ndisallow: /this/path/exactly$\n", "/this/path/exactly"));
    EXPECT_TRUE(allowed("user-agent: *\ndisallow: /this/path/exactly$\n", "/this/path/exactly/"));
    EXPECT_TRUE(allowed("user-agent: *\ndisallow: /this/path/exactly$\n", "/this/path/exactly?"));
    for (const char* target : {"/this/is/exactly", "/this//exactly", "/this/a/b/c/exactly/and/more"}) {
        EXPECT_FALSE(allowed("user-agent: *\ndisallow: /this/*/exactly\n", target)) << target;
    }
    EXPECT_TRUE(allowed("user-agent: *\ndisallow: /this/*/exactly\n", "/this/exactly"));
    // Only a "$" at the end is special.
    EXPECT_FALSE(allowed("user-agent: *\ndisallow: /a$b\n", "/a$b/c"));
    EXPECT_TRUE(allowed("user-agent: *\ndisallow: /a$b\n", "/a"));
}

TEST(RobotsRules, WildcardsMatchAnyOctetsAndGiveBack) {
    struct Row {
        const char* rule;
        const char* target;
        bool match;
    };
    for (const auto& [rule, target, match] : std::vector<Row>{
             {"*", "/", true},
             {"/*", "/x", true},
             {"/**", "/", true},
             {"/fish*", "/fish", true},
             {"/*.php", "/index?f=filename.php/", true},
             {"/*.php", "/windows.PHP", false},
             {"/*.php$", "/a.php", true},
             {"/*.php$", "/a.php.php", true},
             {"/*.php$", "/a.php?x", false},
             {"/*.php$", "/a.php5", false},
             {"/fish*.php", "/fishheads/catfish.php?x", true},
             {"*.gif$", "/a/b.gif", true},
             {"/a*b*c$", "/abbc", true},
             {"/a*b*c$", "/acb", false},
             {"/a*ab$", "/aab", true},
             {"/a*ab$", "/ab", false},
             {"/*aa*aa$", "/aaa", false},
             {"/*aa*aa$", "/aaaa", true},
             {"/*$", "/anything", true},
             {"/x*$", "/x", true},
             {"/*?*=", "/a?b=c", true},
             {"/*?", "/a", false},
         }) {
        EXPECT_EQ(!allowed("user-agent: *\ndisallow: " + std::string(rule) + "\n", target), match)
            << rule << " " << target;
    }
}

// Section 2.2.3: special characters are matched verbatim through percent-encoding.
TEST(RobotsRules, EncodedSpecialCharactersAreVerbatim) {
    constexpr std::string_view kBody = "user-agent: *\ndisallow: /path/file-with-a-%2A.html\ndisallow: /path/foo-%24\n";
    EXPECT_FALSE(allowed(kBody, "/path/file-with-a-*.html"));
    EXPECT_FALSE(allowed(kBody, "/path/file-with-a-%2a.html"));
    EXPECT_TRUE(allowed(kBody, "/path/file-with-a-x.html"));
    EXPECT_FALSE(allowed(kBody, "/path/foo-$"));
    EXPECT_FALSE(allowed(kBody, "/path/foo-$1"));
    EXPECT_TRUE(allowed(kBody, "/path/foo-"));
}

// Section 2.2.4: other records never interfere; a sitemap line does not end a group, nor a list of agents.
TEST(RobotsRules, OtherRecordsDoNotInterfere) {
    constexpr std::string_view kBody =
        "user-agent: gritd\nsitemap: https://h/sitemap.xml\ncrawl-delay: 5\nuser-agent: other\nhost: h\ndisallow: /a\n"
        "sitemap: https://h/2.xml\ndisallow: /b\n";
    for (const char* bot : {"gritd", "other"}) {
        EXPECT_FALSE(allowed(kBody, "/a", bot)) << bot;
        EXPECT_FALSE(allowed(kBody, "/b", bot)) << bot;
    }
}

// Section 2.3.1.3 and 2.3.1.4.
TEST(RobotsRules, UnavailableAllowsAndUnreachableDisallows) {
    EXPECT_TRUE(Rules::allow_all().allows("/x"));
    EXPECT_FALSE(Rules::disallow_all().allows("/x"));
    EXPECT_FALSE(Rules::disallow_all().allows("/"));
}

// Section 2.3.1.5: each line is tried, damage between them changes nothing.
TEST(RobotsRules, ParseableLinesCountBesideDamage) {
    using std::string_view_literals::operator""sv;
    constexpr std::string_view body =
        "\0\xff\xfe:\n:::\nuser-agent: gritd\n\x01\x02 \ndisallow\ndisallow: \xff/\n: /z\ndisallow: /x\nallow /*/*\n"sv;
    EXPECT_FALSE(allowed(body, "/x"));
    EXPECT_TRUE(allowed(body, "/y"));
}

// Section 5.1.
TEST(RobotsRules, SimpleExampleOfTheStandard) {
    constexpr std::string_view kBody =
        "User-Agent: *\nDisallow: *.gif$\nDisallow: /example/\nAllow: /publications/\n\n"
        "User-Agent: foobot\nDisallow:/\nAllow:/example/page.html\nAllow:/example/allowed.gif\n\n"
        "User-Agent: barbot\nUser-Agent: bazbot\nDisallow: /example/page.html\n\n"
        "User-Agent: quxbot\n";
    EXPECT_FALSE(allowed(kBody, "/a.gif", "anybot"));
    EXPECT_FALSE(allowed(kBody, "/example/a", "anybot"));
    EXPECT_TRUE(allowed(kBody, "/publications/a.gif", "anybot"));
    EXPECT_TRUE(allowed(kBody, "/a.jpg", "anybot"));
    EXPECT_TRUE(allowed(kBody, "/example/page.html", "foobot"));
    EXPECT_TRUE(allowed(kBody, "/example/allowed.gif", "foobot"));
    EXPECT_FALSE(allowed(kBody, "/example/other.gif", "foobot"));
    for (const char* bot : {"barbot", "bazbot"}) {
        EXPECT_FALSE(allowed(kBody, "/example/page.html", bot)) << bot;
        EXPECT_TRUE(allowed(kBody, "/example/a.gif", bot)) << bot;
    }
    EXPECT_TRUE(allowed(kBody, "/example/page.html", "quxbot"));
}

// Section 5.2.
TEST(RobotsRules, LongestMatchExampleOfTheStandard) {
    constexpr std::string_view kBody =
        "User-Agent: foobot\nAllow: /example/page/\nDisallow: /example/page/disallowed.gif\n";
    EXPECT_FALSE(allowed(kBody, "/example/page/disallowed.gif", "foobot"));
    EXPECT_TRUE(allowed(kBody, "/example/page/other.gif", "foobot"));
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

TEST(Rules, TheirTextGivesThemBack) {
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

}  // namespace
}  // namespace grit::robots
