// From a URL to a connection that is ready for a request.
#include <algorithm>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/beast/core/error.hpp>
#include <utility>

#include "client_core.hpp"
#include "dial_race.hpp"
#include "time_left.hpp"

namespace grit::net {
namespace asio = boost::asio;
namespace ip = asio::ip;
using asio::awaitable;
using std::chrono::microseconds;
using std::chrono::nanoseconds;

namespace {

// No other address would do better.
bool is_our_own(Errc error) {
    return error == Errc::cancelled || error == Errc::out_of_descriptors || error == Errc::timeout_total;
}

// The dials of one fetch beside its first one.
class SpareDials {
  public:
    SpareDials(std::size_t& of_all, std::size_t most) : of_all_(of_all), most_(most) {}
    ~SpareDials() { of_all_ -= taken_; }
    SpareDials(const SpareDials&) = delete;
    SpareDials& operator=(const SpareDials&) = delete;

    /// @param running  dials under way. @return whether there may be one more.
    [[nodiscard]] bool take(std::size_t running) {
        while (taken_ > 0 && taken_ >= running) {  // some have ended
            --taken_;
            --of_all_;
        }
        if (running == 0) {
            return true;
        }
        if (of_all_ >= most_) {
            return false;
        }
        ++taken_;
        ++of_all_;
        return true;
    }

  private:
    std::size_t& of_all_;
    const std::size_t most_;
    std::size_t taken_ = 0;
};

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
                                                                  SendGate* gate, Timings& timings) {
    const Stopwatch resolving(clock);
    const Result<Addresses> addresses = co_await dialable_addresses(url, deadline, gate);
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
                                                                            Deadline deadline, SendGate* gate) {
    if (!AddressGuard::allows_port(url.port)) {
        co_return make_error_code(Errc::address_refused);
    }
    Result<Addresses> addresses = co_await resolver.resolve(url.host, deadline);
    if (!addresses) {
        co_return addresses.error();
    }
    std::erase_if(*addresses, [&](const ip::address& address) {
        return !guard.allows(address, url.port) || (gate != nullptr && !gate->may_dial(address));
    });
    if (addresses->empty()) {
        co_return make_error_code(Errc::address_refused);
    }
    order_for_dial(*addresses, failed_addresses, clock.now());
    co_return addresses;
}

// RFC 8305 section 5: the next address is dialled when the last one has failed, or has not answered for a while.
awaitable<Result<std::unique_ptr<Connection>>> Client::Core::connect(const Addresses& addresses, std::uint16_t port,
                                                                     Deadline deadline) {
    const Deadline limit = deadline.within(clock.now(), options.connect_timeout);
    // Each gets its turn, however short the limit is.
    const auto share = time_left(limit, clock) / static_cast<long>(addresses.size());
    const nanoseconds delay = std::min<nanoseconds>(options.attempt_delay, share);
    DialRace race(context);
    SpareDials spare(spare_dials, options.max_spare_dials);
    SteadyTime last_start{};
    bool busy = false;
    std::size_t next = 0;
    while (next < addresses.size() || race.running() > 0) {
        bool may_start = next < addresses.size() && spare.take(race.running());
        if (next < addresses.size() && !may_start && clock.now() - last_start >= share) {
            may_start = true;
            abandon_silent(race);
        }
        if (may_start) {
            AddressPlace place = place_at(addresses[next++]);
            if (!place) {
                busy = true;
                continue;
            }
            last_start = clock.now();
            race.start(std::make_unique<Connection>(context, std::move(place), metrics), port, time_left(limit, clock));
        }
        co_await race.wait(next < addresses.size() ? delay : time_left(Deadline(), clock));
        if (std::unique_ptr<Connection> winner = judge(race)) {
            co_return winner;
        }
        const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
        if (state.cancelled() != asio::cancellation_type::none) {
            co_return make_error_code(Errc::cancelled);
        }
        if (const Errc failure = failure_of(race, deadline); failure != Errc::success && is_our_own(failure)) {
            co_return make_error_code(failure);
        }
    }
    // An address that is busy is alive, whatever the others are.
    co_return make_error_code(busy ? Errc::address_busy : failure_of(race, deadline));
}

// There is no descriptor to spare for another address beside those that are silent.
void Client::Core::abandon_silent(DialRace& race) {
    for (const DialRace::Attempt& attempt : race.attempts()) {
        if (!attempt.end) {
            failed_addresses.failed(attempt.address, clock.now());
        }
    }
    race.give_up();
}

// Takes the connection that stands, if there is one, and remembers which addresses are no good.
std::unique_ptr<Connection> Client::Core::judge(DialRace& race) {
    const SteadyTime now = clock.now();
    std::vector<DialRace::Attempt>& attempts = race.attempts();
    const auto winner = std::find_if(attempts.begin(), attempts.end(),
                                     [](const DialRace::Attempt& attempt) { return attempt.end && !*attempt.end; });
    for (auto attempt = attempts.begin(); attempt != attempts.end(); ++attempt) {
        const bool lost = attempt->end && *attempt->end;
        const bool overtaken = winner != attempts.end() && attempt < winner;
        if (!attempt->connection || (!lost && !overtaken)) {
            continue;
        }
        if (!lost || connect_error(*attempt->end, attempt->address) != Errc::out_of_descriptors) {
            failed_addresses.failed(attempt->address, now);
        }
        attempt->connection.reset();
    }
    if (winner == attempts.end()) {
        return nullptr;
    }
    failed_addresses.worked(winner->address);
    winner->connection->send_at_once();
    return std::move(winner->connection);
}

// What the attempts that ended amount to, the first one before later ones; `success` if none has.
Errc Client::Core::failure_of(DialRace& race, Deadline deadline) const {
    Errc failure = Errc::success;
    for (const DialRace::Attempt& attempt : race.attempts()) {
        if (!attempt.end) {
            continue;
        }
        const bool late = *attempt.end == boost::beast::error::timeout;
        const Errc kind =
            late ? timeout_error(deadline, Errc::connect_timeout) : connect_error(*attempt.end, attempt.address);
        if (is_our_own(kind)) {
            return kind;
        }
        if (failure == Errc::success || failure == Errc::unreachable) {  // which says least
            failure = kind;
        }
    }
    return failure;
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
