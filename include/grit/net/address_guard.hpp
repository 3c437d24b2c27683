// Which addresses a crawler may dial: public ones. URLs come from strangers, and so do the names' addresses.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace grit::net {

/// Refuses what IANA reserves and ports where something other than a web server listens.
///
/// Refused: every special-purpose range (loopback, private, shared, link-local, multicast, documentation, benchmarking,
/// ...), every IPv6 address outside global unicast, and IPv6 forms that carry an IPv4 address (mapped, compatible,
/// 6to4, Teredo, local NAT64). NAT64 64:ff9b::/96 is as good as the IPv4 address in it.
/// It is asked about the very address that is dialled, after the name was resolved: a name that is public now and
/// private a second later gains nothing.
/// Immutable. Threads: any at once.
/// Source: IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890); Fetch Standard section 2.9, "bad port".
class AddressGuard {
  public:
    /// @param allow  CIDRs exempt from the address rules (not from the ports), as in config `network.allow`.
    /// @throw std::invalid_argument for a text that is no CIDR: config has checked them.
    explicit AddressGuard(const std::vector<std::string>& allow);

    /// @param port  the port of the URL.
    [[nodiscard]] bool allows(const boost::asio::ip::address& address, std::uint16_t port) const noexcept;

    /// False for the ports that the Fetch Standard blocks: before the name is resolved.
    [[nodiscard]] static bool allows_port(std::uint16_t port) noexcept;

  private:
    [[nodiscard]] bool exempt(const boost::asio::ip::address& address) const noexcept;

    std::vector<boost::asio::ip::network_v4> allow_v4_;
    std::vector<boost::asio::ip::network_v6> allow_v6_;
};

}  // namespace grit::net
