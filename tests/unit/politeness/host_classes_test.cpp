#include "grit/politeness/host_classes.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace grit::politeness {
namespace {

class HostClassesTest : public ::testing::Test {
  protected:
    HostClassesTest() {
        classes_.add("wide", std::vector<std::string>{"example.org", "cdn.test"}, with_connections(3));
        classes_.add("narrow", std::vector<std::string>{"img.example.org", "example.org"}, with_connections(5));
    }
    static Manners with_connections(unsigned connections) {
        Manners manners;
        manners.connections_per_host = connections;
        return manners;
    }
    unsigned connections(std::string_view host, std::string_view domain = {}) {
        return classes_.manners(classes_.find(host, domain).host).connections_per_host;
    }

    HostClasses classes_{with_connections(1)};
};

TEST_F(HostClassesTest, TheLongestSuffixWinsAtADot) {
    EXPECT_EQ(connections("example.org"), 3u);
    EXPECT_EQ(connections("a.b.example.org"), 3u);
    EXPECT_EQ(connections("img.example.org"), 5u);
    EXPECT_EQ(connections("a.img.example.org"), 5u);
    EXPECT_EQ(connections("myimg.example.org"), 3u);
    EXPECT_EQ(connections("notexample.org"), 1u);
    EXPECT_EQ(connections("org"), 1u);
    EXPECT_EQ(connections("example.org.evil.test"), 1u);
    EXPECT_EQ(connections(""), 1u);
}

TEST_F(HostClassesTest, ASuffixStaysInTheFirstClassThatHasIt) {
    EXPECT_EQ(classes_.name(classes_.find("example.org", "example.org").host), "wide");
}

TEST_F(HostClassesTest, AddressesAreInNone) {
    classes_.add("odd", std::vector<std::string>{"0.1"}, with_connections(9));  // no config lets it through
    EXPECT_EQ(connections("127.0.0.7", "127.0.0.7"), 1u);
    EXPECT_EQ(connections("::1", "::1"), 1u);
}

TEST_F(HostClassesTest, ADomainsClassIsThatOfItsOwnName) {
    const auto whole = classes_.find("a.example.org", "example.org");
    EXPECT_EQ(classes_.name(whole.domain), "wide");
    const auto below = classes_.find("a.img.example.org", "example.org");
    EXPECT_EQ(classes_.name(below.host), "narrow");
    EXPECT_EQ(classes_.name(below.domain), "wide") << "all hosts of the domain share its limit";
    classes_.add("part", std::vector<std::string>{"part.other.test"}, with_connections(7));
    const auto part = classes_.find("x.part.other.test", "other.test");
    EXPECT_EQ(classes_.name(part.host), "part");
    EXPECT_EQ(part.domain, HostClasses::kNone) << "the class is not the whole domain's";
    const auto customer = classes_.find("me.cdn.test", "me.cdn.test");
    EXPECT_EQ(classes_.name(customer.domain), "wide") << "each domain below a private suffix, by itself";
}

TEST_F(HostClassesTest, TellsWhetherHostsHaveMoved) {
    HostClasses other(with_connections(1));
    EXPECT_FALSE(other.finds_as(classes_));
    other.add("renamed", std::vector<std::string>{"example.org", "cdn.test"}, with_connections(30));
    other.add("narrow", std::vector<std::string>{"img.example.org"}, with_connections(50));
    EXPECT_TRUE(other.finds_as(classes_)) << "other manners for the same hosts";
}

TEST_F(HostClassesTest, MoreClassesThanFitAreLeftOut) {
    for (int i = 0; i < 300; ++i) {
        classes_.add("c", std::vector<std::string>{"c" + std::to_string(i) + ".test"}, with_connections(2));
    }
    EXPECT_EQ(connections("c252.test"), 2u);
    EXPECT_EQ(connections("c253.test"), 1u);
    EXPECT_EQ(connections("a.example.org"), 3u);
}

}  // namespace
}  // namespace grit::politeness
