// The name server of the test web: every name exists, unless a rule says otherwise.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>

#include "session.hpp"

namespace grit::testweb {

/// Serve queries until the reactor stops. Lifetime: reactor and site must outlive them.
/// @param addresses  names are spread over this many loopback addresses, 127.0.0.1 first.
boost::asio::awaitable<void> dns_over_udp(boost::asio::ip::udp::socket socket, Reactor& reactor, Site& site,
                                          unsigned addresses);
boost::asio::awaitable<void> dns_over_tcp(boost::asio::ip::tcp::acceptor acceptor, Reactor& reactor, Site& site,
                                          unsigned addresses);

/// 127.0.0.1 for one address; else one of 127.0.0.1, 127.0.0.2, ... by the name's hash.
[[nodiscard]] std::string address_of(std::string_view name, unsigned addresses);

}  // namespace grit::testweb
