#include "grit/url/registrable_domain.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

namespace grit::url {
namespace {

TEST(RegistrableDomain, IsTheSuffixAndOneLabel) {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"example.com", "example.com"},
        {"img3.cdn.example.com", "example.com"},
        {"a.b.example.co.uk", "example.co.uk"},
        {"www.city.kawasaki.jp", "city.kawasaki.jp"},  // an exception of the list
        {"a.b.c.kawasaki.jp", "b.c.kawasaki.jp"},      // under its wildcard
        {"xn--bcher-kva.example.de", "example.de"},
        {"a.example.unlisted-tld", "example.unlisted-tld"},
    };
    for (const auto& [host, domain] : cases) {
        EXPECT_EQ(registrable_domain(host), domain) << host;
    }
}

TEST(RegistrableDomain, PrivateSuffixesKeepStrangersApart) {
    EXPECT_EQ(registrable_domain("img.someone.github.io"), "someone.github.io");
    EXPECT_EQ(registrable_domain("someone.blogspot.com"), "someone.blogspot.com");
    EXPECT_EQ(registrable_domain("bucket.s3.amazonaws.com"), "bucket.s3.amazonaws.com");
}

TEST(RegistrableDomain, HostWithoutOneIsItsOwn) {
    for (const char* host :
         {"localhost", "com", "co.uk", "github.io", "127.0.0.1", "2001:db8::1", "::ffff:127.0.0.1", ""}) {
        EXPECT_EQ(registrable_domain(host), host);
    }
}

TEST(RegistrableDomain, IsItsOwnDomain) {
    for (const char* host : {"a.b.example.co.uk", "x.github.io", "10.0.0.1", "a.b.c.d.e.f"}) {
        const std::string domain = registrable_domain(host);
        EXPECT_EQ(registrable_domain(domain), domain);
    }
}

// Datasets on many nodes were divided by these numbers.
TEST(Partition, NumbersNeverChange) {
    EXPECT_EQ(partition_of("example.com"), 2931);
    EXPECT_EQ(partition_of("pinimg.com"), 1257);
    EXPECT_EQ(partition_of(""), 1218);
}

TEST(Partition, SpreadsOverAll) {
    std::set<std::uint16_t> seen;
    for (int i = 0; i < 100'000; ++i) {
        const std::uint16_t partition = partition_of("host" + std::to_string(i) + ".com");
        ASSERT_LT(partition, kPartitionCount);
        seen.insert(partition);
    }
    EXPECT_EQ(seen.size(), kPartitionCount);
}

}  // namespace
}  // namespace grit::url
