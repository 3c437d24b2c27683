#include "grit/net/exchange.hpp"

#include <algorithm>
#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/core/string.hpp>
#include <utility>

#include "exchange_state.hpp"
#include "time_left.hpp"

namespace grit::net {
namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::awaitable;
using std::chrono::microseconds;
using std::chrono::nanoseconds;
using Step = ResponseReader::Step;
using Piece = std::span<const std::byte>;

std::string_view ResponseHead::header(std::string_view name) const noexcept {
    for (const auto& [key, value] : fields) {
        if (beast::iequals(key, name)) {
            return value;
        }
    }
    return {};
}

std::vector<std::string_view> ResponseHead::headers(std::string_view name) const {
    std::vector<std::string_view> values;
    for (const auto& [key, value] : fields) {
        if (beast::iequals(key, name)) {
            values.emplace_back(value);
        }
    }
    return values;
}

Exchange::Exchange(std::unique_ptr<State> state) : state_(std::move(state)) {}

Exchange::~Exchange() {
    state_->give_back();
}

const ResponseHead& Exchange::head() const noexcept {
    return state_->head;
}

awaitable<Result<Piece>> Exchange::read_piece() {
    return state_->read_piece();
}

void Exchange::hurry(Milliseconds limit) noexcept {
    state_->deadline = state_->deadline.within(state_->client.clock.now(), limit);
}

Timings Exchange::timings() const noexcept {
    return state_->timings;
}

const std::string& Exchange::waived_problem() const noexcept {
    return state_->waived_problem;
}

std::string Exchange::remote_address() const {
    return state_->address.to_string();
}

Exchange::State::~State() {
    --client.exchanges;
}

awaitable<ErrorCode> Exchange::State::begin(const std::string& request, SendGate* gate) {
    const SteadyTime start = client.clock.now();
    const Deadline limit = deadline.within(start, client.options.first_byte_timeout);
    const ErrorCode unsent = co_await connection->write(request, time_left(limit, client.clock));
    if (unsent) {
        co_return head_error(unsent);
    }
    if (gate != nullptr) {
        gate->written();
    }
    co_return co_await read_head(limit);
}

awaitable<ErrorCode> Exchange::State::read_head(Deadline limit) {
    const SteadyTime start = client.clock.now();
    for (Step step = reader.advance_head(); step != Step::head; step = reader.advance_head()) {
        const std::span<std::byte> space = reader.space();
        if (step == Step::error || space.empty()) {
            co_return make_error_code(Errc::protocol_error);
        }
        const bool first = !reader.started();
        const ReadResult read = co_await connection->read_some(space, time_left(limit, client.clock));
        if (read.error) {
            co_return head_error(read.error);
        }
        reader.added(read.bytes);
        if (first) {
            timings.first_byte = std::chrono::duration_cast<microseconds>(client.clock.now() - start);
        }
    }
    head = reader.make_head();
    client.metrics.http_responses(metrics::code_class_of(head.status)).add();
    co_return ErrorCode();
}

ErrorCode Exchange::State::head_error(const ErrorCode& error) const {
    if (error == beast::error::timeout) {
        return client.timeout_error(deadline, Errc::timeout_first_byte);
    }
    // TLS 1.3 servers refuse a client after its part of the handshake: the alert meets the first read.
    const bool refused = error.category() == asio::error::get_ssl_category() && !reader.started();
    const Errc kind = refused ? Errc::tls_handshake : classify(error);
    return make_error_code(kind == Errc::cancelled || refused ? kind : Errc::connection_reset);
}

awaitable<Result<Piece>> Exchange::State::read_piece() {
    while (!failure && !at_end) {
        switch (reader.advance_body()) {
            case Step::piece:
                client.metrics.downloaded_bytes.add(reader.piece().size());
                co_return reader.piece();
            case Step::complete:
                co_return Piece();
            case Step::want_more:
                break;
            default:
                co_return fail(Errc::protocol_error);
        }
        failure = co_await fill();
    }
    if (failure) {
        co_return failure;
    }
    co_return Piece();
}

awaitable<ErrorCode> Exchange::State::fill() {
    if (too_slow()) {
        co_return fail(Errc::too_slow);
    }
    const std::span<std::byte> space = reader.space();
    if (space.empty()) {
        co_return fail(Errc::protocol_error);
    }
    const SteadyTime start = client.clock.now();
    const Deadline limit = deadline.within(start, client.options.idle_timeout);
    const ReadResult read = co_await connection->read_some(space, time_left(limit, client.clock));
    waited += client.clock.now() - start;
    received += read.bytes;
    reader.added(read.bytes);
    co_return read.error ? body_error(read.error) : ErrorCode();
}

// On average over the whole body, after a grace: a server may pause, but not for long.
bool Exchange::State::too_slow() const {
    const double seconds = std::chrono::duration<double>(waited).count();
    return client.options.min_rate > 0 && waited > client.options.idle_timeout &&
           static_cast<double>(received) < static_cast<double>(client.options.min_rate) * seconds;
}

ErrorCode Exchange::State::body_error(const ErrorCode& error) {
    if (error == beast::error::timeout) {
        return fail(client.timeout_error(deadline, Errc::too_slow));
    }
    const bool orderly = error == asio::error::eof;
    if (orderly || error == asio::ssl::error::stream_truncated) {
        if (!reader.ends_body(orderly)) {
            return fail(Errc::truncated_body);
        }
        at_end = true;
        connection.reset();
        return {};
    }
    return fail(classify(error) == Errc::cancelled ? Errc::cancelled : Errc::connection_reset);
}

ErrorCode Exchange::State::fail(Errc error) {
    failure = make_error_code(error);
    connection.reset();  // at once: others wait for its place at the address
    return failure;
}

// What is left of a small body (a redirect's, say) has mostly come already: then the connection need not be closed.
void Exchange::State::give_back() {
    if (!connection || !head.keep_alive) {
        return;
    }
    Step step = reader.advance_body();
    while (step == Step::piece) {
        step = reader.advance_body();
    }
    if (step == Step::complete && reader.ended_cleanly()) {
        client.keep(origin, std::move(connection));
    }
}

}  // namespace grit::net
