#include "grit/politeness/blocklist.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace grit::politeness {
namespace {

using testing::HasSubstr;

Block made(std::string_view value, std::optional<BlockKind> kind = std::nullopt) {
    auto block = parse_block(kind, value);
    EXPECT_TRUE(block) << value << ": " << (block ? "" : block.error().what);
    return block ? *block : Block();
}

std::string problem_of(std::string_view value, std::optional<BlockKind> kind = std::nullopt) {
    const auto block = parse_block(kind, value);
    EXPECT_FALSE(block) << value << " became " << block->name();
    return block ? "" : block.error().what;
}

Blocklist list_of(const std::vector<std::string>& values) {
    std::vector<Block> blocks;
    for (const std::string& value : values) {
        blocks.push_back(made(value));
    }
    return Blocklist(std::move(blocks));
}

std::string of_url(const Blocklist& list, std::string_view url) {
    const Block* block = list.of_url(url::canonicalize(url).value());
    return block == nullptr ? "" : block->value;
}

std::string of_address(const Blocklist& list, const char* address) {
    const Block* block = list.of_address(boost::asio::ip::make_address(address));
    return block == nullptr ? "" : block->value;
}

TEST(Block, IsWhatItLooksLike) {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"example.org", "domain example.org"},
        {"img.example.org", "domain img.example.org"},
        {"*.example.org", "domain example.org"},
        {" .example.org ", "pattern"},
        {"203.0.113.7", "cidr 203.0.113.7/32"},
        {"203.0.113.7/24", "cidr 203.0.113.0/24"},
        {"2001:db8:0::1/32", "cidr 2001:db8::/32"},
        {"example.org/ads/", "pattern example.org/ads/"},
        {"https://example.org", "pattern https://example.org/"},
        {"*/wp-content/*.gif$", "pattern */wp-content/*.gif$"},
        {"*://*.example.org/", "pattern *://*.example.org/"},
    };
    for (const auto& [value, name] : cases) {
        if (name == "pattern") {
            EXPECT_EQ(made(value, BlockKind::domain).name(), "domain example.org");
        } else {
            EXPECT_EQ(made(value).name(), name) << value;
        }
    }
}

TEST(Block, SpellingsOfANameAreOneBlock) {
    for (const char* spelling : {"EXAMPLE.org", "example.org.", "exampl%65.org", "example\xe3\x80\x82org"}) {
        EXPECT_EQ(made(spelling, BlockKind::host).name(), "host example.org") << spelling;
        EXPECT_EQ(made(spelling).name(), "domain example.org") << spelling;
    }
    EXPECT_EQ(made("b\xc3\xbc" "cher.example").value, made("xn--bcher-kva.EXAMPLE").value);
    EXPECT_EQ(made("0x7f.1", BlockKind::host).value, "127.0.0.1");
    EXPECT_EQ(made("2001:DB8::1", BlockKind::host).value, "2001:db8::1");
    EXPECT_EQ(made("HTTPS://EXAMPLE.org:443/Ads").value, "https://example.org/Ads");
    EXPECT_EQ(made("http://example.org:8080/x").value, "http://example.org:8080/x");
}

TEST(Block, WhatItCanNotBeIsSaidInWords) {
    EXPECT_THAT(problem_of(""), HasSubstr("nothing to block"));
    EXPECT_THAT(problem_of("co.uk"), HasSubstr("public suffix"));
    EXPECT_EQ(made("co.uk", BlockKind::domain).value, "co.uk");  // who says so means it
    EXPECT_THAT(problem_of("exa mple.org", BlockKind::host), HasSubstr("is no name of a host"));
    EXPECT_THAT(problem_of("https://example.org/", BlockKind::domain), HasSubstr("is no name of a host"));
    EXPECT_THAT(problem_of("example.org:8080", BlockKind::host), HasSubstr("has a port"));
    EXPECT_THAT(problem_of("a.*.org", BlockKind::host), HasSubstr("is no name of a host"));
    EXPECT_THAT(problem_of("192.0.2.1", BlockKind::domain), HasSubstr("is an address"));
    EXPECT_THAT(problem_of("203.0.113.0/33", BlockKind::cidr), HasSubstr("is no CIDR"));
    EXPECT_THAT(problem_of("example.org", BlockKind::cidr), HasSubstr("is no CIDR"));
    EXPECT_THAT(problem_of("0.0.0.0/0"), HasSubstr("every address"));
    EXPECT_THAT(problem_of("*"), HasSubstr("every URL"));
    EXPECT_THAT(problem_of("*://*/*"), HasSubstr("every URL"));
    EXPECT_THAT(problem_of("ftp://example.org/"), HasSubstr("http and https"));
    EXPECT_THAT(problem_of("example.org/a b"), HasSubstr("percent-encoded"));
    EXPECT_THAT(problem_of("example.org/\x01"), HasSubstr("percent-encoded"));
    EXPECT_THAT(problem_of("example.org/" + std::string(400, 'x')), HasSubstr("400 bytes"));
}

TEST(Block, ARecordSaysWhichBlockEndedIt) {
    Block block = made("example.org");
    EXPECT_EQ(blocked_detail(block), "blocked: domain example.org");
    EXPECT_TRUE(is_detail_of(block, "blocked: domain example.org"));
    EXPECT_TRUE(is_detail_of(block, "blocked: domain example.org (an older reason)"));
    EXPECT_FALSE(is_detail_of(block, "blocked: domain example.organic"));
    EXPECT_FALSE(is_detail_of(block, "blocked: host example.org"));
    EXPECT_FALSE(is_detail_of(block, "X-Robots-Tag: noai"));
    block.reason = "asked by mail";
    EXPECT_EQ(blocked_detail(block), "blocked: domain example.org (asked by mail)");
    EXPECT_TRUE(is_detail_of(block, blocked_detail(block)));
}

TEST(Blocklist, HostIsExactAndDomainIsEverythingBelow) {
    const Blocklist list({made("one.example.org", BlockKind::host), made("example.com"), made("www.example.net"), made("example.net")});
    const auto of = [&](const char* host) {
        const Block* block = list.of_host(host);
        return block == nullptr ? std::string() : block->value;
    };
    EXPECT_EQ(of("one.example.org"), "one.example.org");
    EXPECT_EQ(of("a.one.example.org"), "");
    EXPECT_EQ(of("example.org"), "");
    EXPECT_EQ(of("example.com"), "example.com");
    EXPECT_EQ(of("a.b.example.com"), "example.com");
    EXPECT_EQ(of("myexample.com"), "");
    EXPECT_EQ(of("com"), "");
    EXPECT_EQ(of("a.www.example.net"), "www.example.net");
    EXPECT_EQ(of("img.example.net"), "example.net");
}

TEST(Blocklist, PatternsAreThoseOfRobotsTxt) {
    const Blocklist list = list_of({"example.org/ads/", "https://secure.example/x", "example.net/*.gif$", "example.com:8080/",
                                    "*/private/*", "*.loose.example/"});
    EXPECT_EQ(of_url(list, "http://example.org/ads/1.jpg"), "example.org/ads/");
    EXPECT_EQ(of_url(list, "https://EXAMPLE.org/%61ds/1.jpg"), "example.org/ads/");
    EXPECT_EQ(of_url(list, "http://example.org/adverts"), "");
    EXPECT_EQ(of_url(list, "http://www.example.org/ads/1.jpg"), "");
    EXPECT_EQ(of_url(list, "https://secure.example/xyz"), "https://secure.example/x");
    EXPECT_EQ(of_url(list, "http://secure.example/xyz"), "");
    EXPECT_EQ(of_url(list, "http://example.net/a/b.gif"), "example.net/*.gif$");
    EXPECT_EQ(of_url(list, "http://example.net/a/b.gif?x"), "");
    EXPECT_EQ(of_url(list, "http://example.com:8080/x"), "example.com:8080/");
    EXPECT_EQ(of_url(list, "http://example.com/x"), "");
    EXPECT_EQ(of_url(list, "http://any.example/a/private/b"), "*/private/*");
    EXPECT_EQ(of_url(list, "http://a.loose.example/b"), "*.loose.example/");
    EXPECT_EQ(of_url(list, "http://elsewhere.example/?http://example.org/ads/"), "");
}

TEST(Blocklist, AddressesByTheNarrowestNetwork) {
    const Blocklist list = list_of({"203.0.0.0/16", "203.0.113.0/25", "198.51.100.9", "2001:db8::/33"});
    EXPECT_EQ(of_address(list, "203.0.113.5"), "203.0.113.0/25");
    EXPECT_EQ(of_address(list, "203.0.113.128"), "203.0.0.0/16");
    EXPECT_EQ(of_address(list, "203.1.0.1"), "");
    EXPECT_EQ(of_address(list, "198.51.100.9"), "198.51.100.9/32");
    EXPECT_EQ(of_address(list, "198.51.100.8"), "");
    EXPECT_EQ(of_address(list, "2001:db8:7fff::1"), "2001:db8::/33");
    EXPECT_EQ(of_address(list, "2001:db8:8000::1"), "");
    EXPECT_EQ(of_address(list, "64:ff9b::203.0.113.5"), "203.0.113.0/25");  // NAT64
}

TEST(Blocklist, IsBounded) {
    std::vector<Block> blocks;
    for (std::size_t i = 0; i < Blocklist::kMaxLoosePatterns; ++i) {
        blocks.push_back(made("*/" + std::to_string(i) + "/"));
    }
    const Blocklist loose(blocks);
    EXPECT_FALSE(loose.has_room_for(made("*/one-more/")));
    EXPECT_TRUE(loose.has_room_for(made("example.org/one-more/")));
    for (std::size_t i = blocks.size(); i < Blocklist::kMaxBlocks; ++i) {
        blocks.push_back(made(std::to_string(i) + ".example"));
    }
    const Blocklist full(blocks);
    EXPECT_FALSE(full.has_room_for(made("example.org")));
    EXPECT_EQ(full.of_host("www.9999.example")->value, "9999.example");
}

}  // namespace
}  // namespace grit::politeness
