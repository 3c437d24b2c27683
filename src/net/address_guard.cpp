#include "grit/net/address_guard.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/ip/address_v4.hpp>
#include <boost/asio/ip/address_v6.hpp>
#include <stdexcept>

namespace grit::net {
namespace {

namespace ip = boost::asio::ip;

struct RangeV4 {
    std::uint32_t network;
    unsigned prefix;
};

constexpr std::uint32_t v4(unsigned a, unsigned b, unsigned c, unsigned d) {
    return (a << 24U) | (b << 16U) | (c << 8U) | d;
}

// IANA IPv4 Special-Purpose Address Registry, and multicast (RFC 5771). Those that the registry calls globally
// reachable (AS112, AMT) are in as well: no images live there.
constexpr std::array<RangeV4, 19> kRefusedV4{{
    {v4(0, 0, 0, 0), 8},        // this network
    {v4(10, 0, 0, 0), 8},       // private use
    {v4(100, 64, 0, 0), 10},    // shared by carriers (RFC 6598)
    {v4(127, 0, 0, 0), 8},      // loopback
    {v4(169, 254, 0, 0), 16},   // link-local, cloud metadata
    {v4(172, 16, 0, 0), 12},    // private use
    {v4(192, 0, 0, 0), 24},     // IETF protocol assignments
    {v4(192, 0, 2, 0), 24},     // documentation
    {v4(192, 31, 196, 0), 24},  // AS112
    {v4(192, 52, 193, 0), 24},  // AMT
    {v4(192, 88, 99, 0), 24},   // 6to4 relays
    {v4(192, 168, 0, 0), 16},   // private use
    {v4(192, 175, 48, 0), 24},  // AS112
    {v4(198, 18, 0, 0), 15},    // benchmarking
    {v4(198, 51, 100, 0), 24},  // documentation
    {v4(203, 0, 113, 0), 24},   // documentation
    {v4(224, 0, 0, 0), 4},      // multicast
    {v4(240, 0, 0, 0), 4},      // reserved, limited broadcast
    {v4(255, 255, 255, 255), 32},
}};

bool is_public(std::uint32_t address) {
    return std::none_of(kRefusedV4.begin(), kRefusedV4.end(), [address](const RangeV4& range) {
        return (address ^ range.network) >> (32U - range.prefix) == 0;
    });
}

struct RangeV6 {
    std::array<std::uint16_t, 4> network;  // the first four groups
    unsigned prefix;                       // at most 64
};

// IANA IPv6 Special-Purpose Address Registry, within global unicast 2000::/3; all else is refused anyway.
constexpr std::array<RangeV6, 5> kRefusedV6{{
    {{0x2001, 0x0000, 0, 0}, 23},       // IETF protocol assignments: Teredo, ORCHID, benchmarking
    {{0x2001, 0x0db8, 0, 0}, 32},       // documentation
    {{0x2002, 0x0000, 0, 0}, 16},       // 6to4
    {{0x2620, 0x004f, 0x8000, 0}, 48},  // AS112
    {{0x3fff, 0x0000, 0, 0}, 20},       // documentation
}};

std::uint64_t upper_half(const std::array<std::uint16_t, 4>& groups) {
    std::uint64_t value = 0;
    for (const std::uint16_t group : groups) {
        value = value << 16U | group;
    }
    return value;
}

std::uint64_t eight_bytes(const ip::address_v6::bytes_type& bytes, std::size_t from) {
    std::uint64_t value = 0;
    for (std::size_t i = from; i < from + 8; ++i) {
        value = value << 8U | bytes[i];
    }
    return value;
}

constexpr std::uint64_t kNat64UpperHalf = 0x0064'ff9b'0000'0000;  // 64:ff9b::/96 (RFC 6052 section 2.1)
constexpr std::uint64_t kGlobalUnicast = 1;                       // 2000::/3 (RFC 4291 section 2.4)

bool is_public(const ip::address_v6::bytes_type& bytes) {
    const std::uint64_t upper = eight_bytes(bytes, 0);
    const std::uint64_t lower = eight_bytes(bytes, 8);
    if (upper == kNat64UpperHalf && lower >> 32U == 0) {
        return is_public(static_cast<std::uint32_t>(lower));
    }
    if (upper >> 61U != kGlobalUnicast) {
        return false;
    }
    return std::none_of(kRefusedV6.begin(), kRefusedV6.end(), [upper](const RangeV6& range) {
        return (upper ^ upper_half(range.network)) >> (64U - range.prefix) == 0;
    });
}

// Fetch Standard section 2.9, sorted.
constexpr std::array<std::uint16_t, 83> kBadPorts{
    0,    1,    7,    9,    11,   13,   15,   17,   19,   20,   21,   22,   23,   25,   37,    42,   43,
    53,   69,   77,   79,   87,   95,   101,  102,  103,  104,  109,  110,  111,  113,  115,   117,  119,
    123,  135,  137,  139,  143,  161,  179,  389,  427,  465,  512,  513,  514,  515,  526,   530,  531,
    532,  540,  548,  554,  556,  563,  587,  601,  636,  989,  990,  993,  995,  1719, 1720,  1723, 2049,
    3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
};
static_assert(std::is_sorted(kBadPorts.begin(), kBadPorts.end()));

}  // namespace

AddressGuard::AddressGuard(const std::vector<std::string>& allow) {
    for (const std::string& cidr : allow) {
        boost::system::error_code error;
        const ip::network_v4 network4 = ip::make_network_v4(cidr, error);
        if (!error) {
            allow_v4_.push_back(network4.canonical());
            continue;
        }
        const ip::network_v6 network6 = ip::make_network_v6(cidr, error);
        if (error) {
            throw std::invalid_argument("no CIDR: " + cidr);
        }
        allow_v6_.push_back(network6.canonical());
    }
}

bool AddressGuard::exempt(const ip::address& address) const noexcept {
    if (address.is_v4()) {
        const std::uint32_t value = address.to_v4().to_uint();
        return std::any_of(allow_v4_.begin(), allow_v4_.end(), [value](const ip::network_v4& network) {
            return (value & network.netmask().to_uint()) == network.network().to_uint();
        });
    }
    const ip::address_v6::bytes_type bytes = address.to_v6().to_bytes();
    return std::any_of(allow_v6_.begin(), allow_v6_.end(), [&bytes](const ip::network_v6& network) {
        const ip::address_v6::bytes_type base = network.network().to_bytes();
        const unsigned prefix = network.prefix_length();
        const std::size_t whole = prefix / 8;
        const unsigned rest = prefix % 8;
        return std::equal(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(whole), base.begin()) &&
               (rest == 0 || (bytes[whole] ^ base[whole]) >> (8U - rest) == 0);
    });
}

bool AddressGuard::allows_port(std::uint16_t port) noexcept {
    return !std::binary_search(kBadPorts.begin(), kBadPorts.end(), port);
}

bool AddressGuard::allows(const ip::address& address, std::uint16_t port) const noexcept {
    if (!allows_port(port)) {
        return false;
    }
    const bool open = address.is_v4() ? is_public(address.to_v4().to_uint()) : is_public(address.to_v6().to_bytes());
    return open || exempt(address);
}

}  // namespace grit::net
