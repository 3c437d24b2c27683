// RFC 9309, paths and patterns (sections 2.2.2, 2.2.3), clause by clause.
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

// Section 2.2.2: matching is case sensitive and starts at the first octet of the path.
TEST(RobotsRfc9309_2_2_2, PathsMatchFromTheFirstOctetWithCase) {
    constexpr std::string_view kBody = "user-agent: *\ndisallow: /fish\n";
    for (const char* target : {"/fish", "/fish.html", "/fish/salmon.html", "/fishheads", "/fish?id=1"}) {
        EXPECT_FALSE(allowed(kBody, target)) << target;
    }
    for (const char* target : {"/Fish", "/catfish", "/?id=fish", "/desert/fish"}) {
        EXPECT_TRUE(allowed(kBody, target)) << target;
    }
}

// Section 2.2.2: the match with the most octets decides, whatever the order of the lines.
TEST(RobotsRfc9309_2_2_2, LongestMatchWins) {
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
TEST(RobotsRfc9309_2_2_2, AllowWinsTies) {
    EXPECT_TRUE(allowed("user-agent: *\ndisallow: /folder\nallow: /folder\n", "/folder/page"));
    EXPECT_TRUE(allowed("user-agent: *\nallow: /folder\ndisallow: /folder\n", "/folder/page"));
    EXPECT_TRUE(allowed("user-agent: *\ndisallow: /a%7Eb\nallow: /a~b\n", "/a~b"));
}

// Section 2.2.2: no match among the rules allows; an empty path matches nothing.
TEST(RobotsRfc9309_2_2_2, EmptyDisallowAllowsEverything) {
    EXPECT_TRUE(allowed("user-agent: *\ndisallow:\n", "/x"));
    EXPECT_TRUE(allowed("user-agent: *\ndisallow: # nothing\n", "/x"));
    // It is a rule all the same: it ends the list of agents.
    EXPECT_TRUE(allowed("user-agent: gritd\ndisallow:\nuser-agent: other\ndisallow: /\n", "/x"));
}

// Section 2.2.2: /robots.txt is implicitly allowed.
TEST(RobotsRfc9309_2_2_2, RobotsTxtItselfIsAllowed) {
    EXPECT_TRUE(allowed("user-agent: *\ndisallow: /\n", "/robots.txt"));
    EXPECT_TRUE(Rules::disallow_all().allows("/robots.txt"));
    EXPECT_FALSE(allowed("user-agent: *\ndisallow: /\n", "/robots.txt.bak"));
}

// Section 2.2.2, table "Examples of matching percent-encoded URI components": both columns name the same resource.
TEST(RobotsRfc9309_2_2_2, PercentEncodedOctetsCompareEqual) {
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
TEST(RobotsRfc9309_2_2_3, SpecialCharacters) {
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

TEST(RobotsRfc9309_2_2_3, WildcardsMatchAnyOctetsAndGiveBack) {
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
TEST(RobotsRfc9309_2_2_3, EncodedSpecialCharactersAreVerbatim) {
    constexpr std::string_view kBody = "user-agent: *\ndisallow: /path/file-with-a-%2A.html\ndisallow: /path/foo-%24\n";
    EXPECT_FALSE(allowed(kBody, "/path/file-with-a-*.html"));
    EXPECT_FALSE(allowed(kBody, "/path/file-with-a-%2a.html"));
    EXPECT_TRUE(allowed(kBody, "/path/file-with-a-x.html"));
    EXPECT_FALSE(allowed(kBody, "/path/foo-$"));
    EXPECT_FALSE(allowed(kBody, "/path/foo-$1"));
    EXPECT_TRUE(allowed(kBody, "/path/foo-"));
}

// Section 2.2.2: a path begins with "/" (or, in practice, "*"); another one matches nothing.
TEST(RobotsRfc9309_2_2_2, PathsWithoutASlashMatchNothing) {
    for (const char* path : {"x", "x/", "http://h/x", "$", "%", "?x", "\xef\xbb\xbf/x"}) {
        EXPECT_TRUE(allowed("user-agent: *\ndisallow: " + std::string(path) + "\n", "/x")) << path;
    }
    EXPECT_FALSE(allowed("user-agent: *\ndisallow: *x\n", "/x"));
}

// Section 2.2.2: octets outside of US-ASCII count as they are encoded: raw and encoded spellings are equally long.
TEST(RobotsRfc9309_2_2_2, LengthIsCountedInEncodedOctets) {
    EXPECT_TRUE(allowed("user-agent: *\ndisallow: /%E3%83%84\nallow: /\xe3\x83\x84\n", "/%e3%83%84")) << "a tie";
    EXPECT_FALSE(allowed("user-agent: *\ndisallow: /\xe3\x83\x84\nallow: /******\n", "/%E3%83%84"));
    EXPECT_TRUE(allowed("user-agent: *\ndisallow: /%61%62\nallow: /abc\n", "/abc"));
}

// Section 2.2.2 and RFC 3986 section 2.1: hex digits without case, and an escape is not undone twice.
TEST(RobotsRfc9309_2_2_2, EscapesCompareWithoutCaseAndOnce) {
    EXPECT_FALSE(allowed("user-agent: *\ndisallow: /%c3%a9\n", "/%C3%A9"));
    EXPECT_FALSE(allowed("user-agent: *\ndisallow: /~joe\n", "/%7Ejoe"));
    EXPECT_FALSE(allowed("user-agent: *\ndisallow: /%7ejoe\n", "/~joe"));
    EXPECT_TRUE(allowed("user-agent: *\ndisallow: /%257Ejoe\n", "/~joe"));
    EXPECT_FALSE(allowed("user-agent: *\ndisallow: /%257Ejoe\n", "/%257Ejoe"));
    EXPECT_TRUE(allowed("user-agent: *\ndisallow: /%C3%A9\n", "/%E9")) << "UTF-8 is not Latin-1";
}

// RFC 3986 section 2.1: "%" without two hex digits is no escape; it stands for itself.
TEST(RobotsRfc9309_2_2_2, ABrokenEscapeIsAPercentSign) {
    for (const char* path : {"/a%", "/a%4", "/a%zz", "/a%%41"}) {
        EXPECT_FALSE(allowed("user-agent: *\ndisallow: " + std::string(path) + "\n", path)) << path;
    }
    EXPECT_FALSE(allowed("user-agent: *\ndisallow: /a%zz\n", "/a%25zz"));
    EXPECT_TRUE(allowed("user-agent: *\ndisallow: /a%4\n", "/a4"));
}

// Section 2.2.2: reserved octets are encoded on both sides before comparison, the slash among them.
TEST(RobotsRfc9309_2_2_2, AnEncodedSlashIsASlash) {
    EXPECT_FALSE(allowed("user-agent: *\ndisallow: /a%2Fb\n", "/a/b"));
    EXPECT_FALSE(allowed("user-agent: *\ndisallow: /a/b\n", "/a%2fb"));
    EXPECT_FALSE(allowed("user-agent: *\ndisallow: /q?u=%3F\n", "/q?u=?"));
}

// Section 2.2.2: rules that forbid robots.txt itself say nothing.
TEST(RobotsRfc9309_2_2_2, RobotsTxtIsAllowedWhateverIsWritten) {
    for (const char* path : {"/", "/robots.txt", "/robots.txt$", "*", "/*.txt$"}) {
        EXPECT_TRUE(allowed("user-agent: *\ndisallow: " + std::string(path) + "\n", "/robots.txt")) << path;
    }
}

// Section 2.2.2: of many rules that match, the longest decides alone.
TEST(RobotsRfc9309_2_2_2, TheLongestOfManyDecides) {
    constexpr std::string_view kBody =
        "user-agent: *\ndisallow: /\nallow: /a/\ndisallow: /a/b/\nallow: /a/b/c/\ndisallow: /a/b/c/*.gif$\n"
        "allow: /a/b/c/d/ok.gif\n";
    EXPECT_FALSE(allowed(kBody, "/x"));
    EXPECT_TRUE(allowed(kBody, "/a/x"));
    EXPECT_FALSE(allowed(kBody, "/a/b/x"));
    EXPECT_TRUE(allowed(kBody, "/a/b/c/x"));
    EXPECT_FALSE(allowed(kBody, "/a/b/c/x.gif"));
    EXPECT_TRUE(allowed(kBody, "/a/b/c/x.gif?1"));
    EXPECT_TRUE(allowed(kBody, "/a/b/c/d/ok.gif"));
}

// Section 2.2.3: "$" is special at the end alone, "*" anywhere.
TEST(RobotsRfc9309_2_2_3, ADollarInTheMiddleIsItself) {
    struct Row {
        const char* rule;
        const char* target;
        bool match;
    };
    for (const auto& [rule, target, match] : std::vector<Row>{
             {"/a$*", "/a", false},
             {"/a$*", "/a$x", true},
             {"/a*$b", "/ax$b", true},
             {"/a*$b", "/ab", false},
             {"/a$$", "/a$", true},
             {"/a$$", "/a", false},
             {"/$", "/", true},
             {"/$", "/a", false},
             {"/*$", "/", true},
             {"*$", "/x", true},
             {"/*/x*/y$", "/a/xb/y", true},
             {"/*/x*/y$", "/a/x/y/z", false},
             {"/a**b", "/ab", true},
             {"/*a", "/ba", true},
         }) {
        EXPECT_EQ(!allowed("user-agent: *\ndisallow: " + std::string(rule) + "\n", target), match)
            << rule << " " << target;
    }
}

}  // namespace
}  // namespace grit::robots
