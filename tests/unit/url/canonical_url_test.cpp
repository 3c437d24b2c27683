#include "grit/url/canonical_url.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace grit::url {
namespace {

struct Case {
    std::string raw;
    std::string canonical;
};

// Each URL is as expected, and stays as it is from then on.
void expect_canonical(const std::vector<Case>& cases) {
    for (const Case& c : cases) {
        const auto url = canonicalize(c.raw);
        ASSERT_TRUE(url) << c.raw << ": " << url.error().message();
        EXPECT_EQ(url->text, c.canonical) << "from " << c.raw;
        const auto again = canonicalize(url->text);
        ASSERT_TRUE(again) << url->text << ": " << again.error().message();
        EXPECT_EQ(again->text, url->text);
    }
}

void expect_error(Errc error, const std::vector<std::string>& raws) {
    for (const std::string& raw : raws) {
        const auto url = canonicalize(raw);
        ASSERT_FALSE(url) << raw << " became " << url->text;
        EXPECT_EQ(url.error(), error) << raw << ": " << url.error().message();
    }
}

TEST(CanonicalUrl, PartsOfAPlainUrl) {
    const auto url = canonicalize("https://img.example.org/a/b.jpg?w=1&h=2");
    ASSERT_TRUE(url);
    EXPECT_EQ(url->text, "https://img.example.org/a/b.jpg?w=1&h=2");
    EXPECT_EQ(url->scheme, Scheme::https);
    EXPECT_EQ(url->host, "img.example.org");
    EXPECT_EQ(url->port, 443);
    EXPECT_EQ(url->target, "/a/b.jpg?w=1&h=2");
    EXPECT_FALSE(url->host_is_address);
    EXPECT_EQ(url->origin(), "https://img.example.org:443");
    EXPECT_EQ(url->authority(), "img.example.org");
}

TEST(CanonicalUrl, PartsOfAnUglyUrl) {
    const auto url = canonicalize(" HTTP://user:pass@Example.ORG.:08080\\a b#part\n");
    ASSERT_TRUE(url);
    EXPECT_EQ(url->text, "http://example.org:8080/a%20b");
    EXPECT_EQ(url->scheme, Scheme::http);
    EXPECT_EQ(url->host, "example.org");
    EXPECT_EQ(url->port, 8080);
    EXPECT_EQ(url->target, "/a%20b");
    EXPECT_EQ(url->origin(), "http://example.org:8080");
    EXPECT_EQ(url->authority(), "example.org:8080");
}

TEST(CanonicalUrl, TargetAlwaysBeginsWithSlash) {
    expect_canonical({
        {"http://example.org", "http://example.org/"},
        {"http://example.org?a=b", "http://example.org/?a=b"},
        {"http://example.org#top", "http://example.org/"},
        {"http://example.org:80", "http://example.org/"},
        {"http://EXAMPLE.org?", "http://example.org/?"},
    });
}

// RFC 3986 section 6.2.2.1 and 6.2.3.
TEST(CanonicalUrl, SchemeIsLowerCaseAndItsOwnPortGoes) {
    expect_canonical({
        {"HTTP://example.org/", "http://example.org/"},
        {"hTTpS://example.org/", "https://example.org/"},
        {"http://example.org:80/", "http://example.org/"},
        {"https://example.org:443/", "https://example.org/"},
        {"https://example.org:/", "https://example.org/"},
        {"http://example.org:443/", "http://example.org:443/"},
        {"https://example.org:80/", "https://example.org:80/"},
        {"http://example.org:65535/", "http://example.org:65535/"},
    });
}

// RFC 3986 section 6.2.2.2.
TEST(CanonicalUrl, PercentEncodingHasOneForm) {
    expect_canonical({
        {"http://h/%7euser/%41%2d%5F%2e%30", "http://h/~user/A-_.0"},
        {"http://h/%c3%a9%2f%3f%23", "http://h/%C3%A9%2F%3F%23"},
        {"http://h/a?b=%3a%2F%7E", "http://h/a?b=%3A%2F~"},
        {"http://h/100%", "http://h/100%25"},
        {"http://h/100%/%zz/%4", "http://h/100%25/%25zz/%254"},
        {"http://h/%%34%31", "http://h/%2541"},
        {"http://h/%2541", "http://h/%2541"},
        {"http://h/a?50%&b=%", "http://h/a?50%25&b=%25"},
        {"http://h/%00%0d%0A", "http://h/%00%0D%0A"},
    });
}

TEST(CanonicalUrl, BytesThatNoUrlHasAreEncoded) {
    expect_canonical({
        {"http://h/a b  c.jpg", "http://h/a%20b%20%20c.jpg"},
        {"http://h/\xc3\xa9t\xc3\xa9.jpg", "http://h/%C3%A9t%C3%A9.jpg"},
        {"http://h/\xe9.jpg?q=\xff", "http://h/%E9.jpg?q=%FF"},
        {"http://h/a|b\"c<d>e^f`g{h}i", "http://h/a%7Cb%22c%3Cd%3Ee%5Ef%60g%7Bh%7Di"},
        {"http://h/?a|b\"c<d>e^f`g{h}i\\j", "http://h/?a%7Cb%22c%3Cd%3Ee%5Ef%60g%7Bh%7Di%5Cj"},
        {"http://h/a!$&'()*+,;=:@[1]~-._", "http://h/a!$&'()*+,;=:@[1]~-._"},
    });
}

// RFC 3986 section 5.2.4; "%2e" is a dot (WHATWG "double-dot URL path segment").
TEST(CanonicalUrl, DotSegmentsAreResolved) {
    expect_canonical({
        {"http://h/a/./b", "http://h/a/b"},
        {"http://h/a/../b", "http://h/b"},
        {"http://h/a/b/../../../c", "http://h/c"},
        {"http://h/a/b/..", "http://h/a/"},
        {"http://h/a/b/.", "http://h/a/b/"},
        {"http://h/..", "http://h/"},
        {"http://h/.", "http://h/"},
        {"http://h/a/%2e%2E/b", "http://h/b"},
        {"http://h/a/.%2e?x", "http://h/?x"},
        {"http://h/a//../b", "http://h/a/b"},
        {"http://h/..//x", "http://h//x"},
        {"http://h//x//y//", "http://h//x//y//"},
        {"http://h/.../.a/..b/c./.well-known/", "http://h/.../.a/..b/c./.well-known/"},
        {"http://h/a?b/../c/./d", "http://h/a?b/../c/./d"},
    });
}

TEST(CanonicalUrl, HtmlAmpersandsAreUndone) {
    expect_canonical({
        {"http://h/a?b=1&amp;c=2&amp;d=3", "http://h/a?b=1&c=2&d=3"},
        {"http://h/a?b=1&amp;amp;c=2", "http://h/a?b=1&c=2"},
        {"http://h/tom&amp;jerry.jpg", "http://h/tom&jerry.jpg"},
        {"http://h/a?w=264&#038;h=341", "http://h/a?w=264&h=341"},
        {"http://h/a?w=264&#38;h=341&#x26;q=1", "http://h/a?w=264&h=341&q=1"},
        {"http://h/a?w=264&amp;#038;h=341#top", "http://h/a?w=264&h=341"},
        {"http://h/a?b=1&%61mp;c", "http://h/a?b=1&c"},
        {"http://h/a#38;b", "http://h/a"},
        {"http://h/a&b#038;c", "http://h/a&b"},
        {"http://h/a?b=1&amp", "http://h/a?b=1&amp"},
        {"http://h/a?b=1&amplitude;", "http://h/a?b=1&amplitude;"},
    });
}

TEST(CanonicalUrl, SpacesAroundAndLineBreaksInsideGo) {
    expect_canonical({
        {"  http://h/a  ", "http://h/a"},
        {"\x01\t http://h/a\r\n", "http://h/a"},
        {"ht\ntp:/\t/h\r/a\n/b", "http://h/a/b"},
        {std::string("\0http://h/a\0", 12), "http://h/a"},
    });
}

TEST(CanonicalUrl, FragmentAndUserInfoGo) {
    expect_canonical({
        {"http://h/a#b", "http://h/a"},
        {"http://h/a?b#c?d#e", "http://h/a?b"},
        {"http://user@h/a", "http://h/a"},
        {"http://user:pass@h/a", "http://h/a"},
        {"http://user@evil.org@h/a", "http://h/a"},
        {"http://h/@a", "http://h/@a"},
        {"http://h#@evil.org/", "http://h/"},
    });
}

// WHATWG "special authority slashes state": browsers load these.
TEST(CanonicalUrl, SlashesOfTheSchemeMayBeWrong) {
    expect_canonical({
        {"http:\\\\h\\a\\b?c\\d", "http://h/a/b?c%5Cd"},
        {"http:///h/a", "http://h/a"},
        {"https:/h/a", "https://h/a"},
        {"http:h/a", "http://h/a"},
    });
}

TEST(CanonicalUrl, WhatIsNoUrlIsRefusedWithItsReason) {
    expect_error(Errc::empty, {"", " ", "\t\r\n"});
    expect_error(Errc::no_scheme, {"UNLIKELY", "//h/a.jpg", "/a.jpg", "www.example.org/a.jpg", "example.org:80/a",
                                   "://h/", "\xef\xbb\xbfhttp://h/", "1http://h/", "%68ttp://h/"});
    expect_error(Errc::scheme_refused, {"ftp://h/a", "data:image/png;base64,AAAA", "file:///etc/passwd", "javascript:1",
                                        "httpx://h/", "data:" + std::string(100'000, 'A')});
    expect_error(Errc::no_host, {"http://", "http:", "https:///", "http://?a", "http://#a", "http://:80/",
                                 "http://user@/", "http://./"});
    expect_error(Errc::control_character, {std::string("http://h/\0a", 11), "http://h/\x1b[0m/a", "http://h/\x7f/a"});
}

TEST(CanonicalUrl, OutcomeTellsRefusedSchemesApart) {
    EXPECT_EQ(outcome_of(canonicalize("ftp://h/a").error()), Outcome::scheme_refused);
    EXPECT_EQ(outcome_of(canonicalize("UNLIKELY").error()), Outcome::bad_url);
    EXPECT_EQ(outcome_of(canonicalize("http://a..b/").error()), Outcome::bad_url);
}

TEST(CanonicalUrl, ErrorsHaveNamesAndMessages) {
    EXPECT_EQ(name_of(Errc::bad_host), "bad_host");
    EXPECT_EQ(name_of(Errc::control_character), "control_character");
    const ErrorCode error = Errc::no_scheme;
    EXPECT_STREQ(error.category().name(), "url");
    EXPECT_EQ(error.message(), "the URL does not begin with http:// or https://");
}

TEST(CanonicalUrl, LengthIsBoundedBeforeAndAfter) {
    const std::string head = "http://h/";
    EXPECT_EQ(canonicalize(head + std::string(kMaxUrlBytes - head.size(), 'a'))->text.size(), kMaxUrlBytes);
    expect_error(Errc::too_long, {head + std::string(kMaxUrlBytes - head.size() + 1, 'a'),
                                  head + std::string(kMaxUrlBytes / 2, ' ') + "a", head + std::string(4'000'000, '/')});
    // A "/" that would have to be added makes it too long too.
    expect_error(Errc::too_long, {"http://h?" + std::string(kMaxUrlBytes - 9, 'a')});
}

TEST(CanonicalUrl, EqualSpellingsHaveOneHash) {
    const auto hash = canonicalize("http://example.org/~a?b&c")->hash();
    EXPECT_EQ(canonicalize("HTTP://user@EXAMPLE.org.:80/x/../%7ea?b&amp;c#d")->hash(), hash);
    EXPECT_NE(canonicalize("http://example.org/~a?b&d")->hash(), hash);
    EXPECT_NE(canonicalize("https://example.org/~a?b&c")->hash(), hash);
}

// Records of existing datasets are found by this number.
TEST(CanonicalUrl, HashNeverChanges) {
    const UrlHash hash = canonicalize("https://example.org/a.jpg")->hash();
    EXPECT_EQ(hash.high, 3993416197989210595u);
    EXPECT_EQ(hash.low, 234665260753289364u);
}

}  // namespace
}  // namespace grit::url
