// Hosts: politeness, limits and blocks go by them, so that no spelling may evade its key.
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "grit/url/canonical_url.hpp"

namespace grit::url {
namespace {

std::string host_of(const std::string& authority) {
    const auto url = canonicalize("http://" + authority + "/");
    return url ? url->host : std::string(name_of(static_cast<Errc>(url.error().value())));
}

TEST(UrlHost, NoSpellingEvadesItsKey) {
    for (const char* spelling :
         {"EXAMPLE.org", "EXAMPLE.org.", "exampl%65.org", "exampl%65%2eorg", "example.org:443", "user@example.org",
          "u:p@example.org", "evil.com@example.org", "example%2Eorg%2E", "\xef\xbd\x85xample.org" /* fullwidth e */,
          "example\xe3\x80\x82org" /* ideographic full stop */, "exam\xc2\xadple.org" /* soft hyphen */,
          "exa\tmple.org", "%45XAMPLE.ORG", "%EF%BD%85xample.org", "example.org."}) {
        EXPECT_EQ(host_of(spelling), "example.org") << spelling;
    }
}

// UTS 46, non-transitional: "ß" stays a letter of its own.
TEST(UrlHost, NamesBecomeALabels) {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"b\xc3\xbc"
         "cher.example",
         "xn--bcher-kva.example"},
        {"B\xc3\x9c"
         "CHER.example",
         "xn--bcher-kva.example"},
        {"bu\xcc\x88"
         "cher.example",
         "xn--bcher-kva.example"},
        {"b%C3%BCcher.example", "xn--bcher-kva.example"},
        {"XN--BCHER-KVA.example", "xn--bcher-kva.example"},
        {"fa\xc3\x9f.de", "xn--fa-hia.de"},
        {"\xe4\xbe\x8b\xe3\x81\x88.\xe3\x83\x86\xe3\x82\xb9\xe3\x83\x88", "xn--r8jz45g.xn--zckzah"},
    };
    for (const auto& [raw, host] : cases) {
        EXPECT_EQ(host_of(raw), host) << raw;
    }
}

TEST(UrlHost, NamesAsServersHaveThemPass) {
    for (const char* host :
         {"product_images_wc.s3.amazonaws.com", "r3---sn-abc.googlevideo.com", "-a-.tumblr.com", "localhost",
          "3com.com", "1.2.3.4.example", "a.b-c.d1", "xn--i-7iq.ws" /* an emoji, which IDNA 2008 does not know */}) {
        EXPECT_EQ(host_of(host), host);
    }
}

TEST(UrlHost, BadNamesAreRefused) {
    for (const char* host : {"a..b",
                             ".a",
                             "a.org..",
                             "a b.org",
                             "a%20b.org",
                             "a%2Fb.org",
                             "a%00b.org",
                             "a%40b.org",
                             "a%25b.org",
                             "a%b.org",
                             "a%3A80",
                             "a,b.org",
                             "a*b.org",
                             "a|b.org",
                             "a\"b",
                             "<a>",
                             "a\xff.org",
                             "a%FF.org",
                             "\xe2\x80\xae.org",
                             "xn--\xc3\xbc.org",
                             "example.org%00.\xc3\xbc.org",
                             "[a.org]",
                             "a]"}) {
        EXPECT_EQ(host_of(host), "bad_host") << host;
    }
    EXPECT_EQ(host_of(std::string(63, 'a') + ".org"), std::string(63, 'a') + ".org");
    EXPECT_EQ(host_of(std::string(64, 'a') + ".org"), "bad_host");
    EXPECT_EQ(host_of(std::string(64, 'A') + ".org"), "bad_host");
    std::string longest;
    for (int i = 0; i < 126; ++i) {
        longest += "a.";
    }
    EXPECT_EQ(host_of(longest + "b"), longest + "b");  // 253
    EXPECT_EQ(host_of(longest + "bc"), "bad_host");
    EXPECT_EQ(host_of(longest + "BC"), "bad_host");
}

// WHATWG "IPv4 parser": one address has one spelling, or the guard could be passed by another.
TEST(UrlHost, Ipv4SpellingsBecomeDotted) {
    for (const char* spelling :
         {"127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0X7F.1", "0177.0.0.01", "127.0.0.1.",
          "0x7f.0.0.0x1", "017700000001", "%31%32%37.1", "\xef\xbc\x91\x32\x37.1"}) {
        const auto url = canonicalize(std::string("http://") + spelling + "/");
        ASSERT_TRUE(url) << spelling;
        EXPECT_EQ(url->host, "127.0.0.1") << spelling;
        EXPECT_TRUE(url->host_is_address) << spelling;
    }
    EXPECT_EQ(host_of("0x"), "0.0.0.0");
    EXPECT_EQ(host_of("4294967295"), "255.255.255.255");
}

TEST(UrlHost, BadIpv4IsNotAName) {
    for (const char* host : {"256.0.0.1", "1.2.3.4.5", "1.2.3.256", "1.2.65536", "4294967296", "09.0.0.1", "example.1",
                             "1..2", "99999999999999999999", "0x1ffffffff", "a.0x7f", "1.2.3.08"}) {
        EXPECT_EQ(host_of(host), "bad_host") << host;
    }
}

// RFC 5952.
TEST(UrlHost, Ipv6HasOneSpelling) {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"[::1]", "::1"},
        {"[0:0:0:0:0:0:0:1]", "::1"},
        {"[2001:DB8::00A0]", "2001:db8::a0"},
        {"[::ffff:7f00:1]", "::ffff:127.0.0.1"},
        {"[::ffff:127.0.0.1]", "::ffff:127.0.0.1"},
    };
    for (const auto& [raw, host] : cases) {
        EXPECT_EQ(host_of(raw), host) << raw;
    }
    const auto url = canonicalize("https://[2001:DB8::1]:8443/a");
    ASSERT_TRUE(url);
    EXPECT_TRUE(url->host_is_address);
    EXPECT_EQ(url->text, "https://[2001:db8::1]:8443/a");
    EXPECT_EQ(url->authority(), "[2001:db8::1]:8443");
    EXPECT_EQ(canonicalize("https://[::1]")->authority(), "[::1]");
    EXPECT_EQ(canonicalize("https://[::1]")->origin(), "https://[::1]:443");
    for (const char* bad : {"[", "[]", "[::1", "[1.2.3.4]", "[::1%25eth0]", "[fe80::1%eth0]", "[v1.a]", "[::g]", "::1]",
                            "[::1]a", "[:::]"}) {
        EXPECT_FALSE(canonicalize(std::string("http://") + bad + "/")) << bad;
    }
}

TEST(UrlHost, PortsOutOfRangeAreRefused) {
    for (const char* port : {"0", "65536", "99999999999", "-1", "+80", "8o", "80:80", "%38", "0x50", " 80"}) {
        EXPECT_EQ(host_of(std::string("h:") + port), "bad_port") << port;
    }
    EXPECT_EQ(host_of("[::1]:0"), "bad_port");
}

}  // namespace
}  // namespace grit::url
