// From a URL to a connection that is ready for a request.
#include <algorithm>
#include <boost/asio/error.hpp>
#include <boost/beast/core/error.hpp>
#include <utility>

#include "client_core.hpp"
#include "time_left.hpp"

namespace grit::net {
namespace asio = boost::asio;
namespace ip = asio::ip;
using asio::awaitable;
using std::chrono::microseconds;

namespace {

// The connect limit is shared out among the addresses that are tried: with more, each would get too little.
constexpr std::size_t kMaxAddresses = 4;

// IPv4 comes first. Both families keep a place: the machine may have only one of them.
void keep_some(std::vector<ip::address>& addresses) {
    if (addresses.size() <= kMaxAddresses) {
        return;
    }
    const auto first_v6 =
        std::find_if(addresses.begin(), addresses.end(), [](const ip::address& a) { return a.is_v6(); });
    const auto v4 = static_cast<std::size_t>(first_v6 - addresses.begin());
    const std::size_t v6 =
        std::min(addresses.size() - v4, std::max(kMaxAddresses / 2, kMaxAddresses - std::min(v4, kMaxAddresses)));
    const std::size_t v4_kept = std::min(v4, kMaxAddresses - v6);
    addresses.erase(addresses.begin() + static_cast<std::ptrdiff_t>(v4_kept), first_v6);
    addresses.resize(v4_kept + v6);
}

// What keeps one address from being connected to, when neither time nor the caller does.
Errc connect_error(const ErrorCode& error) {
    switch (const Errc kind = classify(error)) {
        case Errc::connection_reset:
            return Errc::connect_refused;
        case Errc::connect_refused:
        case Errc::connect_timeout:
        case Errc::out_of_descriptors:
        case Errc::cancelled:
            return kind;
        default:
            return Errc::unreachable;
    }
}

class Stopwatch {
  public:
    explicit Stopwatch(const Clock& clock) : clock_(clock), start_(clock.now()) {}
    [[nodiscard]] microseconds elapsed() const {
        return std::chrono::duration_cast<microseconds>(clock_.now() - start_);
    }

  private:
    const Clock& clock_;
    SteadyTime start_;
};

}  // namespace

awaitable<Result<std::unique_ptr<Connection>>> Client::Core::dial(const url::CanonicalUrl& url, Deadline deadline,
                                                                  Timings& timings) {
    const Stopwatch resolving(clock);
    const Result<Addresses> addresses = co_await dialable_addresses(url, deadline);
    timings.dns = resolving.elapsed();
    if (!addresses) {
        co_return addresses.error();
    }
    const Stopwatch connecting(clock);
    Result<std::unique_ptr<Connection>> connection = co_await connect(*addresses, dialled_port(url.port), deadline);
    timings.connect = connecting.elapsed();
    if (connection && url.scheme == url::Scheme::https) {
        const Stopwatch securing(clock);
        const ErrorCode error = co_await secure(**connection, url, deadline);
        timings.tls = securing.elapsed();
        if (error) {
            co_return error;
        }
    }
    co_return connection;
}

awaitable<Result<Client::Core::Addresses>> Client::Core::dialable_addresses(const url::CanonicalUrl& url,
                                                                            Deadline deadline) {
    if (!AddressGuard::allows_port(url.port)) {
        co_return make_error_code(Errc::address_refused);
    }
    Result<Addresses> addresses = co_await resolver.resolve(url.host, deadline);
    if (!addresses) {
        co_return addresses.error();
    }
    std::erase_if(*addresses, [&](const ip::address& address) { return !guard.allows(address, url.port); });
    if (addresses->empty()) {
        co_return make_error_code(Errc::address_refused);
    }
    keep_some(*addresses);
    co_return addresses;
}

awaitable<Result<std::unique_ptr<Connection>>> Client::Core::connect(const Addresses& addresses, std::uint16_t port,
                                                                     Deadline deadline) {
    const Deadline limit = deadline.within(clock.now(), options.connect_timeout);
    Errc failure = Errc::unreachable;  // says least, so any other takes its place
    bool busy = false;
    for (std::size_t i = 0; i < addresses.size(); ++i) {
        AddressPlace place = place_at(addresses[i]);
        if (!place) {
            busy = true;
            continue;
        }
        auto connection = std::make_unique<Connection>(context, std::move(place), metrics);
        const auto share = time_left(limit, clock) / static_cast<long>(addresses.size() - i);
        const ErrorCode error = co_await connection->connect(port, share);
        if (!error) {
            co_return connection;
        }
        const bool late = error == boost::beast::error::timeout;
        const Errc kind = late ? timeout_error(deadline, Errc::connect_timeout) : connect_error(error);
        if (kind == Errc::cancelled || kind == Errc::out_of_descriptors || kind == Errc::timeout_total) {
            co_return make_error_code(kind);
        }
        failure = failure == Errc::unreachable ? kind : failure;
    }
    // An address that is busy is alive, whatever the others are.
    co_return make_error_code(busy ? Errc::address_busy : failure);
}

awaitable<ErrorCode> Client::Core::secure(Connection& connection, const url::CanonicalUrl& url, Deadline deadline) {
    const Deadline limit = deadline.within(clock.now(), options.connect_timeout);
    const std::string session_key = url.host + ':' + std::to_string(url.port);
    const ErrorCode error = co_await connection.handshake(tls, url.host, session_key, time_left(limit, clock));
    if (error == boost::beast::error::timeout) {
        co_return make_error_code(timeout_error(deadline, Errc::tls_handshake));
    }
    if (error == asio::error::operation_aborted) {
        co_return make_error_code(Errc::cancelled);
    }
    co_return error;
}

// Connections that nobody uses give way: else the idle ones of some hosts would shut out others on the same address.
AddressPlace Client::Core::place_at(const ip::address& address) {
    if (limits.try_acquire(address) || (pool.close_one_to(address) && limits.try_acquire(address))) {
        return AddressPlace(limits, address);
    }
    return AddressPlace();
}

std::uint16_t Client::Core::dialled_port(std::uint16_t port) const {
    const auto mapped = options.port_map.find(port);
    return mapped == options.port_map.end() ? port : mapped->second;
}

}  // namespace grit::net
