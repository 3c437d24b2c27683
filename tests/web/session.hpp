// Connections: from accept to close.
#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>

#include "certificates.hpp"
#include "image_forge.hpp"
#include "journal.hpp"
#include "reactor.hpp"
#include "script.hpp"

namespace grit::testweb {

/// What all connections share. Everything in it may be used from any thread.
struct Site {
    Site(std::vector<Rule> rules, std::uint64_t seed, std::size_t mean_bytes, const std::string& directory);

    Script script;
    ImageForge forge;
    Certificates certificates;
    Journal requests;
    Journal names;
    boost::asio::ssl::context tls;
    std::atomic<std::uint64_t> connections{0};
};

/// Takes connections until the reactor stops. Peers that are not on loopback are turned away.
/// Lifetime: reactor and site must outlive it.
boost::asio::awaitable<void> accept_loop(boost::asio::ip::tcp::acceptor acceptor, Reactor& reactor, Site& site,
                                         bool tls);

}  // namespace grit::testweb
