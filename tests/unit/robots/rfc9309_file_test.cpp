// RFC 9309, the file as a whole (sections 2.3, 2.5, 5), clause by clause. Who counts as unreachable, and for how long rules are
// believed, is tested where files are fetched and kept.
#include "grit/robots/rules.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace grit::robots {
namespace {

bool allowed(std::string_view body, std::string_view target, std::string_view token = "gritd") {
    return Rules::parse(body, token).allows(target);
}

// Section 2.3: the file is UTF-8; RFC 3629 section 6 lets it begin with a byte order mark.
TEST(RobotsRfc9309_2_3, ByteOrderMarkIsSkipped) {
    EXPECT_FALSE(allowed("\xef\xbb\xbfuser-agent: *\ndisallow: /\n", "/x"));
    // Only at the beginning.
    EXPECT_TRUE(allowed("\n\xef\xbb\xbfuser-agent: *\ndisallow: /\n", "/x"));
}

// Section 2.3.1.3 and 2.3.1.4.
TEST(RobotsRfc9309_2_3_1, UnavailableAllowsAndUnreachableDisallows) {
    EXPECT_TRUE(Rules::allow_all().allows("/x"));
    EXPECT_FALSE(Rules::disallow_all().allows("/x"));
    EXPECT_FALSE(Rules::disallow_all().allows("/"));
}

// Section 2.3.1.5: each line is tried, damage between them changes nothing.
TEST(RobotsRfc9309_2_3_1_5, ParseableLinesCountBesideDamage) {
    using std::string_view_literals::operator""sv;
    constexpr std::string_view body =
        "\0\xff\xfe:\n:::\nuser-agent: gritd\n\x01\x02 \ndisallow\ndisallow: \xff/\n: /z\ndisallow: /x\nallow /*/*\n"sv;
    EXPECT_FALSE(allowed(body, "/x"));
    EXPECT_TRUE(allowed(body, "/y"));
}

// Section 5.1.
TEST(RobotsRfc9309_5_1, SimpleExampleOfTheStandard) {
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
TEST(RobotsRfc9309_5_2, LongestMatchExampleOfTheStandard) {
    constexpr std::string_view kBody =
        "User-Agent: foobot\nAllow: /example/page/\nDisallow: /example/page/disallowed.gif\n";
    EXPECT_FALSE(allowed(kBody, "/example/page/disallowed.gif", "foobot"));
    EXPECT_TRUE(allowed(kBody, "/example/page/other.gif", "foobot"));
}

// Section 2.3: an empty file, or one of a byte order mark alone, has no rules.
TEST(RobotsRfc9309_2_3, AFileWithoutLinesAllowsEverything) {
    for (const char* body : {"", "\n", "\r\n\r\n", "\xef\xbb\xbf", "   ", "#"}) {
        EXPECT_TRUE(allowed(body, "/x")) << body;
    }
}

// Section 2.3.1.5: a NUL is an octet like others; it ends nothing.
TEST(RobotsRfc9309_2_3_1_5, NulBytesEndNothing) {
    using std::string_view_literals::operator""sv;
    EXPECT_FALSE(allowed("user-agent: *\ndisallow: /a\0b\n"sv, "/a%00b"));
    EXPECT_TRUE(allowed("user-agent: *\ndisallow: /a\0b\n"sv, "/a"));
    EXPECT_FALSE(allowed("\0\0\n\0user-agent: *\nuser-agent: *\n\0\ndisallow: /x\n"sv, "/x"));
}

// Section 2.3.1.5: what is too long to mean anything does not hide what follows.
TEST(RobotsRfc9309_2_3_1_5, AVeryLongLineHidesNothing) {
    const std::string filler(200'000, 'a');
    EXPECT_FALSE(allowed("user-agent: *\ndisallow: /" + filler + "\ndisallow: /x\n", "/x"));
    EXPECT_FALSE(allowed(filler + "\nuser-agent: *\n" + filler + ": /\ndisallow: /x\n", "/x"));
    EXPECT_TRUE(allowed("user-agent: *\ndisallow: /" + filler + "\n", "/aaa"));
}

// Section 2.5: a rule that the limit cuts in two is none, and none before it is lost.
TEST(RobotsRfc9309_2_5, ARuleAcrossTheLimitIsNotHalfARule) {
    const std::string before = "user-agent: *\ndisallow: /first\n#";
    for (std::size_t inside = 1; inside <= 18; ++inside) {  // octets of the last rule that are within the limit
        const std::string body =
            before + std::string(kMaxBodyBytes - before.size() - 1 - inside, 'x') + "\ndisallow: /private\nallow: /first\n";
        EXPECT_FALSE(allowed(body, "/first")) << inside;
        EXPECT_TRUE(allowed(body, "/p")) << inside;
    }
}

}  // namespace
}  // namespace grit::robots
