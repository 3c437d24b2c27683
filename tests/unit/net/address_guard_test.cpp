#include "grit/net/address_guard.hpp"

#include <gtest/gtest.h>

#include <array>
#include <stdexcept>

namespace grit::net {
namespace {

struct Case {
    const char* address;
    bool allowed;
};

// First and last address of each range, and their neighbours where those are public.
constexpr std::array kCases{
    // IPv4
    Case{"0.0.0.0", false},
    Case{"0.255.255.255", false},
    Case{"1.0.0.0", true},
    Case{"1.1.1.1", true},
    Case{"8.8.8.8", true},
    Case{"9.255.255.255", true},
    Case{"10.0.0.0", false},
    Case{"10.255.255.255", false},
    Case{"11.0.0.0", true},
    Case{"100.63.255.255", true},
    Case{"100.64.0.0", false},
    Case{"100.127.255.255", false},
    Case{"100.128.0.0", true},
    Case{"126.255.255.255", true},
    Case{"127.0.0.0", false},
    Case{"127.0.0.1", false},
    Case{"127.255.255.255", false},
    Case{"128.0.0.0", true},
    Case{"169.253.255.255", true},
    Case{"169.254.0.0", false},
    Case{"169.254.169.254", false},
    Case{"169.254.255.255", false},
    Case{"169.255.0.0", true},
    Case{"172.15.255.255", true},
    Case{"172.16.0.0", false},
    Case{"172.31.255.255", false},
    Case{"172.32.0.0", true},
    Case{"191.255.255.255", true},
    Case{"192.0.0.0", false},
    Case{"192.0.0.170", false},
    Case{"192.0.0.255", false},
    Case{"192.0.1.0", true},
    Case{"192.0.2.0", false},
    Case{"192.0.2.255", false},
    Case{"192.0.3.0", true},
    Case{"192.31.196.1", false},
    Case{"192.52.193.1", false},
    Case{"192.88.98.255", true},
    Case{"192.88.99.1", false},
    Case{"192.88.100.0", true},
    Case{"192.167.255.255", true},
    Case{"192.168.0.0", false},
    Case{"192.168.255.255", false},
    Case{"192.169.0.0", true},
    Case{"192.175.48.1", false},
    Case{"198.17.255.255", true},
    Case{"198.18.0.0", false},
    Case{"198.19.255.255", false},
    Case{"198.20.0.0", true},
    Case{"198.51.99.255", true},
    Case{"198.51.100.0", false},
    Case{"198.51.100.255", false},
    Case{"198.51.101.0", true},
    Case{"203.0.112.255", true},
    Case{"203.0.113.0", false},
    Case{"203.0.113.255", false},
    Case{"203.0.114.0", true},
    Case{"223.255.255.255", true},
    Case{"224.0.0.0", false},
    Case{"239.255.255.255", false},
    Case{"240.0.0.0", false},
    Case{"255.255.255.254", false},
    Case{"255.255.255.255", false},
    // IPv6
    Case{"::", false},
    Case{"::1", false},
    Case{"::2", false},
    Case{"::ffff:127.0.0.1", false},  // mapped, private
    Case{"::ffff:8.8.8.8", false},    // mapped, public: no answer of a sane server
    Case{"::127.0.0.1", false},       // compatible
    Case{"::8.8.8.8", false},
    Case{"64:ff9b::8.8.8.8", true},    // NAT64 of a public address
    Case{"64:ff9b::10.0.0.1", false},  // NAT64 of private ones
    Case{"64:ff9b::127.0.0.1", false},
    Case{"64:ff9b::a9fe:a9fe", false},
    Case{"64:ff9b::1:8.8.8.8", false},  // outside the /96
    Case{"64:ff9b:1::1", false},        // local NAT64: where the address lies in it is unknown
    Case{"64:ff9b:1:fffe::8.8.8.8", false},
    Case{"100::1", false},  // discard
    Case{"1fff:ffff::1", false},
    Case{"2000::1", true},
    Case{"2001::1", false},  // Teredo
    Case{"2001:0:4136:e378:8000:63bf:3fff:fdd2", false},
    Case{"2001:2::1", false},  // benchmarking
    Case{"2001:10::1", false},
    Case{"2001:20::1", false},  // ORCHID
    Case{"2001:1ff:ffff::1", false},
    Case{"2001:200::1", true},
    Case{"2001:db7:ffff::1", true},
    Case{"2001:db8::1", false},
    Case{"2001:db8:ffff:ffff::1", false},
    Case{"2001:db9::1", true},
    Case{"2001:4860:4860::8888", true},
    Case{"2002::1", false},
    Case{"2002:0808:0808::1", false},  // 6to4 of a public address too
    Case{"2002:7f00:1::1", false},
    Case{"2003::1", true},
    Case{"2606:4700:4700::1111", true},
    Case{"2620:4f:8000::1", false},
    Case{"2a00:1450:4001::1", true},
    Case{"3ffe:ffff::1", true},
    Case{"3fff::1", false},
    Case{"3fff:fff:ffff::1", false},
    Case{"3fff:1000::1", true},
    Case{"4000::1", false},
    Case{"5f00::1", false},  // segment routing
    Case{"fbff::1", false},
    Case{"fc00::1", false},
    Case{"fd12:3456::1", false},
    Case{"fe80::1", false},
    Case{"febf::1", false},
    Case{"fec0::1", false},
    Case{"ff00::", false},
    Case{"ff02::1", false},
    Case{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", false},
};
static_assert(kCases.size() >= 60);

bool allows(const AddressGuard& guard, const char* address, std::uint16_t port = 443) {
    return guard.allows(boost::asio::ip::make_address(address), port);
}

TEST(AddressGuard, RefusesSpecialPurposeRangesAndNothingElse) {
    const AddressGuard guard({});
    for (const Case& c : kCases) {
        EXPECT_EQ(allows(guard, c.address), c.allowed) << c.address;
    }
}

// Fetch Standard section 2.9.
TEST(AddressGuard, RefusesPortsOfOtherServices) {
    const AddressGuard guard({});
    for (const int port : {0, 1, 22, 25, 53, 110, 143, 465, 587, 993, 2049, 5060, 6000, 6667, 10080}) {
        EXPECT_FALSE(allows(guard, "8.8.8.8", static_cast<std::uint16_t>(port))) << port;
        EXPECT_FALSE(AddressGuard::allows_port(static_cast<std::uint16_t>(port))) << port;
    }
    for (const int port : {80, 81, 443, 591, 3000, 6379, 8000, 8080, 8443, 9999, 65535}) {
        EXPECT_TRUE(allows(guard, "8.8.8.8", static_cast<std::uint16_t>(port))) << port;
    }
}

TEST(AddressGuard, TheAllowListOpensItsRangesOnly) {
    const AddressGuard guard({"127.0.0.0/8", "10.1.2.3/32", "172.16.5.9/20", "fd00:1::/34", "::1/128"});
    for (const char* address : {"127.0.0.1", "127.255.255.255", "10.1.2.3", "172.16.0.1", "172.16.15.255", "::1",
                                "fd00:1::1", "fd00:1:3fff::1"}) {
        EXPECT_TRUE(allows(guard, address)) << address;
    }
    for (const char* address : {"10.1.2.2", "10.1.2.4", "172.16.16.0", "::2", "fd00:1:4000::1", "fd00:2::1",
                                "::ffff:127.0.0.1", "192.168.0.1"}) {
        EXPECT_FALSE(allows(guard, address)) << address;
    }
}

TEST(AddressGuard, TheAllowListDoesNotOpenPorts) {
    const AddressGuard guard({"127.0.0.0/8"});
    EXPECT_FALSE(allows(guard, "127.0.0.1", 25));
}

TEST(AddressGuard, AllOfAFamilyCanBeAllowed) {
    const AddressGuard guard({"0.0.0.0/0", "::/0"});
    EXPECT_TRUE(allows(guard, "10.0.0.1"));
    EXPECT_TRUE(allows(guard, "::1"));
}

TEST(AddressGuard, RefusesATextThatIsNoCidr) {
    EXPECT_THROW(AddressGuard({"localhost"}), std::invalid_argument);
}

}  // namespace
}  // namespace grit::net
