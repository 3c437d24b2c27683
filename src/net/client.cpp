#include "grit/net/client.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cassert>
#include <utility>

#include "client_core.hpp"
#include "exchange_state.hpp"
#include "time_left.hpp"

namespace grit::net {
namespace asio = boost::asio;
using asio::awaitable;

Client::Client(asio::io_context& context, Options options, Resolver& resolver, const AddressGuard& guard,
               TlsContext& tls, AddressLimits& limits, metrics::Metrics& metrics, const Clock& clock)
    : core_(std::make_unique<Core>(context, std::move(options),
                                   Core::Surroundings{resolver, guard, tls, limits, metrics, clock})) {}

Client::~Client() = default;

awaitable<Result<std::unique_ptr<Exchange>>> Client::get(url::CanonicalUrl url, Deadline deadline, SendGate* gate) {
    return core_->get(std::move(url), deadline, gate);
}

void Client::close_idle() {
    core_->pool.close_all();
}

std::size_t Client::idle_connections() const noexcept {
    return core_->pool.size();
}

void Client::stop() {
    core_->stop();
}

awaitable<void> Client::join() {
    return core_->tasks.join();
}

Client::Core::Core(asio::io_context& io, Options given, const Surroundings& around)
    : context(io),
      options(std::move(given)),
      resolver(around.resolver),
      guard(around.guard),
      tls(around.tls),
      limits(around.limits),
      metrics(around.metrics),
      clock(around.clock),
      pool(options.max_idle_connections, options.max_idle_time),
      reap_timer(io),
      tasks(io) {
    tasks.spawn(reap());
}

Client::Core::~Core() {
    assert(exchanges == 0 && "exchanges end before their client");
}

namespace {

constexpr Milliseconds kGiveWayInterval{250};

// The connection had been closed by the server, or was being closed, when the request went out: it was not processed,
// or a GET that was may be sent again (RFC 9110 section 9.2.2).
bool died_of_age(const Exchange::State& state, const ErrorCode& error) {
    return state.timings.reused && !state.reader.started() &&
           (error == Errc::connection_reset || error == Errc::tls_handshake);
}

}  // namespace

awaitable<Result<std::unique_ptr<Exchange>>> Client::Core::get(url::CanonicalUrl url, Deadline deadline,
                                                                     SendGate* gate) {
    if (stopping) {
        co_return make_error_code(Errc::cancelled);
    }
    const std::string origin = url.origin();
    const std::string request = request_for(url);
    Timings timings;
    std::unique_ptr<Connection> connection = kept_connection(origin, gate);
    timings.reused = connection != nullptr;
    for (;;) {
        if (!connection) {
            Result<std::unique_ptr<Connection>> dialled = co_await dial(url, deadline, gate, timings);
            if (!dialled) {
                co_return dialled.error();
            }
            connection = std::move(*dialled);
        }
        if (gate != nullptr && !gate->may_dial(connection->address())) {
            co_return make_error_code(Errc::address_refused);  // forbidden since it was dialled
        }
        if (gate != nullptr && !gate->may_send()) {
            keep(origin, std::move(connection));
            co_return make_error_code(Errc::not_sent);
        }
        metrics.connection_use(timings.reused ? metrics::ConnectionUse::reused : metrics::ConnectionUse::opened).add();
        auto state = std::make_unique<Exchange::State>(*this, origin, std::move(connection), deadline, timings);
        const ErrorCode error = co_await state->begin(request, gate);
        if (!error) {
            co_return std::make_unique<Exchange>(std::move(state));
        }
        if (!died_of_age(*state, error)) {
            co_return error;
        }
        timings = Timings();
    }
}

std::unique_ptr<Connection> Client::Core::kept_connection(const std::string& origin, SendGate* gate) {
    std::unique_ptr<Connection> connection = pool.take(origin, clock.now());
    while (connection && gate != nullptr && !gate->may_dial(connection->address())) {
        connection = pool.take(origin, clock.now());
    }
    return connection;
}

std::string Client::Core::request_for(const url::CanonicalUrl& url) const {
    // Any image as it lies there: an Accept that names formats makes servers convert.
    return "GET " + url.target + " HTTP/1.1\r\nHost: " + url.authority() + "\r\nUser-Agent: " + options.user_agent +
           "\r\nAccept: image/*,*/*;q=0.8\r\nAccept-Encoding: identity\r\nConnection: keep-alive\r\n\r\n";
}

Errc Client::Core::timeout_error(Deadline deadline, Errc of_phase) const {
    return deadline.expired(clock.now()) ? Errc::timeout_total : of_phase;
}

void Client::Core::keep(const std::string& origin, std::unique_ptr<Connection> connection) {
    if (stopping) {
        return;
    }
    pool.put(origin, std::move(connection), clock.now());
    if (pool.size() == 1) {
        reap_timer.cancel();
    }
}

awaitable<void> Client::Core::reap() {
    for (;;) {
        pool.close_expired(clock.now());
        // Other shards' hosts may wait for a place at an address: idle connections here must not hold it for long.
        if (pool.size() > 0) {
            for (const asio::ip::address& address : limits.wanted()) {
                pool.close_one_to(address);
            }
        }
        const auto until_expiry = time_left(Deadline(pool.next_expiry()), clock);
        reap_timer.expires_after(pool.size() > 0 ? std::min<std::chrono::nanoseconds>(until_expiry, kGiveWayInterval) : until_expiry);
        co_await reap_timer.async_wait(asio::as_tuple(asio::use_awaitable));
    }
}

void Client::Core::stop() {
    stopping = true;
    pool.close_all();
    tasks.stop();
}

}  // namespace grit::net
