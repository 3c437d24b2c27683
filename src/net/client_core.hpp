// The client's inside, which its exchanges refer to.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <string>
#include <vector>

#include "connection_pool.hpp"
#include "dial_order.hpp"
#include "grit/async/task_group.hpp"
#include "grit/metrics/metrics.hpp"
#include "grit/net/address_guard.hpp"
#include "grit/net/client.hpp"
#include "grit/net/resolver.hpp"
#include "grit/net/tls_context.hpp"

namespace grit::net {

class DialRace;

struct Client::Core {
    /// Everything that a client is given.
    struct Surroundings {
        Resolver& resolver;
        const AddressGuard& guard;
        TlsContext& tls;
        AddressLimits& limits;
        metrics::Metrics& metrics;
        const Clock& clock;
    };
    using Addresses = std::vector<boost::asio::ip::address>;

    Core(boost::asio::io_context& io, Options given, const Surroundings& around);
    ~Core();

    boost::asio::awaitable<Result<std::unique_ptr<Exchange>>> get(url::CanonicalUrl url, Deadline deadline,
                                                                  SendGate* gate);

    /// A new connection, ready for a request.
    boost::asio::awaitable<Result<std::unique_ptr<Connection>>> dial(const url::CanonicalUrl& url, Deadline deadline,
                                                                     SendGate* gate, Timings& timings);
    boost::asio::awaitable<Result<Addresses>> dialable_addresses(const url::CanonicalUrl& url, Deadline deadline,
                                                                 SendGate* gate);
    /// A kept connection whose address may still be used; nullptr if there is none.
    [[nodiscard]] std::unique_ptr<Connection> kept_connection(const std::string& origin, SendGate* gate);
    boost::asio::awaitable<Result<std::unique_ptr<Connection>>> connect(const Addresses& addresses, std::uint16_t port,
                                                                        Deadline deadline);
    void abandon_silent(DialRace& race);
    std::unique_ptr<Connection> judge(DialRace& race);
    [[nodiscard]] Errc failure_of(DialRace& race, Deadline deadline) const;
    boost::asio::awaitable<ErrorCode> secure(Connection& connection, const url::CanonicalUrl& url, Deadline deadline);
    [[nodiscard]] AddressPlace place_at(const boost::asio::ip::address& address);
    [[nodiscard]] std::uint16_t dialled_port(std::uint16_t port) const;
    [[nodiscard]] std::string request_for(const url::CanonicalUrl& url) const;

    /// What `Errc` is the end of a phase at its limit: its own, or the whole fetch's.
    [[nodiscard]] Errc timeout_error(Deadline deadline, Errc of_phase) const;

    void keep(const std::string& origin, std::unique_ptr<Connection> connection);
    /// Closes idle connections when their time is over, until the group is stopped.
    boost::asio::awaitable<void> reap();
    void stop();

    boost::asio::io_context& context;
    const Options options;
    Resolver& resolver;
    const AddressGuard& guard;
    TlsContext& tls;
    AddressLimits& limits;
    metrics::Metrics& metrics;
    const Clock& clock;
    ConnectionPool pool;
    FailedAddresses failed_addresses;
    boost::asio::steady_timer reap_timer;
    TaskGroup tasks;
    std::size_t exchanges = 0;
    std::size_t spare_dials = 0;  // under way beside another one of the same fetch
    bool stopping = false;
};

}  // namespace grit::net
