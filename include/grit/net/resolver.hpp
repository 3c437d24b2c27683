// Names to addresses: c-ares on the shard's own loop, with a cache.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "grit/async/deadline.hpp"
#include "grit/base/clock.hpp"
#include "grit/base/result.hpp"

namespace grit::metrics {
class Metrics;
}

namespace grit::net {

class NetworkWatch;

/// Asks DNS servers for the IPv4 and IPv6 addresses of names.
///
/// Names are absolute: search domains and /etc/hosts are for the machine's own names and are not used.
/// Several who ask for one name at a time share one lookup, which goes on when one of them gives up and fills the
/// cache when all of them do. Answers are cached by their TTL (the least of the chain), failures for a while too.
/// Threads: the io_context's one thread; construct resolvers one at a time (c-ares has a global start).
/// Lifetime: the owner lets every `resolve` end before the resolver is destroyed (asserted).
class Resolver {
  public:
    struct Options {
        std::vector<std::string> servers;           ///< "ip", "ip:port", "[v6]:port"; empty: those of resolv.conf.
        Milliseconds timeout{2'000};                ///< For the first try; c-ares doubles it with each round.
        int tries = 3;                              ///< Per server.
        std::size_t max_outstanding = 600;          ///< Queries in the air, two per name, 200 on a socket.
        std::size_t cache_entries = 50'000;         ///< Names; about 200 bytes each.
        Milliseconds min_ttl{60'000};               ///< A shorter TTL counts as this.
        Milliseconds max_ttl{6 * 60 * 60 * 1'000};  ///< A longer TTL counts as this.
        Milliseconds failure_ttl{60'000};           ///< How long dns_not_found and dns_failure are remembered.
        NetworkWatch* watch = nullptr;              ///< Told of every answer; outlives the resolver.
    };

    /// @throw std::runtime_error if a server's text is none, or c-ares can not start.
    Resolver(boost::asio::io_context& context, Options options, const Clock& clock, metrics::Metrics& metrics);
    ~Resolver();
    Resolver(const Resolver&) = delete;
    Resolver& operator=(const Resolver&) = delete;

    /// The addresses of a host, IPv4 ones first, each family in the order of the answer. Never empty; at most the first
    /// 16 of each family.
    ///
    /// @param host  as in `CanonicalUrl::host`; an address is its own and asks nobody.
    /// Errors: dns_not_found, dns_failure, timeout_total (the deadline passed), cancelled.
    /// Cancellation: terminal; others who wait for the name are not disturbed.
    [[nodiscard]] boost::asio::awaitable<Result<std::vector<boost::asio::ip::address>>> resolve(std::string host,
                                                                                                Deadline deadline);

    /// Asks about a host that is going to be resolved soon, unless its answer is known or half of the queries that may be
    /// in the air are: those that somebody waits for come first.
    void prefetch(std::string_view host);

    /// Whether any of the name servers answers a question, whatever the answer. Asks about a root server's name, which
    /// every server knows or can say that it does not know; never from the cache. Takes twelve seconds at most.
    /// @return true also if it could not be found out, for want of a descriptor or because the caller is being stopped.
    [[nodiscard]] boost::asio::awaitable<bool> alive();

    /// Names that somebody waits for or that are asked about now.
    [[nodiscard]] std::size_t lookups_in_flight() const noexcept;

  private:
    struct Core;
    std::unique_ptr<Core> core_;
};

}  // namespace grit::net
