#include "session.hpp"

#include <fmt/format.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/http.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>

#include "event_feed.hpp"
#include "grit/async/offload.hpp"
#include "grit/base/version.hpp"

namespace grit::admin {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

namespace {

constexpr auto kAsTuple = asio::as_tuple(asio::use_awaitable);

// Counts a session or a stream while it lives, however it ends.
class Counted {
  public:
    explicit Counted(std::size_t& count) : count_(count) { ++count_; }
    ~Counted() { --count_; }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;

  private:
    std::size_t& count_;
};

// What to tell a peer whose request could not be read; nothing if there is nobody to tell.
std::optional<Reply> reply_to_broken(const ErrorCode& error, std::size_t max_bytes) {
    if (error == http::error::header_limit || error == beast::error::timeout || error == http::error::end_of_stream) {
        return error == http::error::header_limit
                   ? std::optional(problem(431, fmt::format("a request's head has at most {} bytes", max_bytes)))
                   : std::nullopt;
    }
    if (error == http::error::body_limit || error == http::error::buffer_overflow) {
        return problem(413, fmt::format("a request's body has at most {} bytes", max_bytes));
    }
    if (error.category() == http::make_error_code(http::error::bad_method).category()) {
        return problem(400, "this is no HTTP/1.1 request: " + error.message());
    }
    return std::nullopt;
}

std::string server_name() {
    return fmt::format("gritd/{}", grit::version());
}

// The blocking half of an export, run on a worker.
struct PullPiece {
    dataset::ExportSource* source;
    std::string* piece;
    Checked<bool> operator()() const { return source->next(*piece); }
};

}  // namespace

Session::Session(Protocol::socket socket, Peer peer, SessionContext& shared)
    : shared_(shared),
      router_(shared.backend),
      peer_(peer),
      stream_(std::move(socket)),
      buffer_(2 * shared.options.max_request_bytes) {
    ++shared_.sessions;
}

Session::~Session() {
    --shared_.sessions;
}

asio::awaitable<void> Session::run() {
    const std::size_t limit = shared_.options.max_request_bytes;
    for (bool go_on = true; go_on;) {
        http::request_parser<http::string_body> parser;
        parser.header_limit(static_cast<std::uint32_t>(limit));
        parser.body_limit(limit);
        stream_.expires_after(shared_.options.idle_limit);
        const auto [error, size] = co_await http::async_read(stream_, buffer_, parser, kAsTuple);
        if (error) {
            if (const auto broken = reply_to_broken(error, limit)) {
                const Terms close{};
                co_await write_reply(*broken, close);
            }
            break;
        }
        const auto& request = parser.get();
        const std::string_view method(request.method_string().data(), request.method_string().size());
        const std::string_view target(request.target().data(), request.target().size());
        const Call call{method, target, request.body(), peer_.uid};
        const Terms terms{request.version(), request.keep_alive()};
        Routed routed = router_.route(call);
        if (auto* work = std::get_if<WorkWanted>(&routed.answer)) {
            std::function<Reply()> run = std::move(work->run);
            routed.answer = co_await offload<Reply>(shared_.workers, std::move(run));
        }
        log_action(routed);
        go_on = co_await answer(std::move(routed), terms);
    }
    ErrorCode ignored;  // The peer may be gone already.
    stream_.socket().shutdown(Protocol::socket::shutdown_both, ignored);
}

asio::awaitable<bool> Session::answer(Routed routed, Terms terms) {
    const bool is_stream = !std::holds_alternative<Reply>(routed.answer);
    if (is_stream && shared_.streams >= shared_.options.max_streams) {
        const Reply busy = problem(503, fmt::format("{} exports and event streams are open already", shared_.streams),
                                   "close one of them (gritctl watch and export are such)");
        co_return co_await write_reply(busy, terms);
    }
    if (auto* events = std::get_if<EventsWanted>(&routed.answer)) {
        const Counted stream(shared_.streams);
        co_return co_await stream_events(*events, terms);
    }
    if (auto* wanted = std::get_if<ExportWanted>(&routed.answer)) {
        const Counted stream(shared_.streams);
        co_return co_await stream_export(std::move(*wanted), terms);
    }
    co_return co_await write_reply(std::get<Reply>(routed.answer), terms);
}

asio::awaitable<bool> Session::write_reply(const Reply& reply, Terms terms) {
    http::response<http::string_body> response(static_cast<http::status>(reply.status), terms.http_version);
    response.set(http::field::server, server_name());
    response.set(http::field::content_type, beast::string_view(reply.content_type.data(), reply.content_type.size()));
    if (!reply.allow.empty()) {
        response.set(http::field::allow, beast::string_view(reply.allow.data(), reply.allow.size()));
    }
    response.keep_alive(terms.keep_alive);
    response.body() = json::serialize(reply.body) + "\n";
    response.prepare_payload();
    stream_.expires_after(shared_.options.write_limit);
    const auto [error, size] = co_await http::async_write(stream_, response, kAsTuple);
    co_return !error && terms.keep_alive;
}

asio::awaitable<bool> Session::stream_events(EventsWanted wanted, Terms terms) {
    const bool begun = co_await write_stream_head("application/x-ndjson", terms);
    if (!begun) {
        co_return false;
    }
    // A stop that comes between two waits must not be thrown at the next one: it is looked for below.
    co_await asio::this_coro::throw_if_cancelled(false);
    EventFeed feed(shared_.backend, wanted, shared_.options.heartbeat);
    asio::steady_timer timer(shared_.io, std::chrono::steady_clock::now());
    for (bool stopped = false; !stopped;) {
        const std::string lines = feed.due(std::chrono::steady_clock::now());
        const bool taken = lines.empty() || co_await write_piece(lines, terms);
        const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
        stopped = state.cancelled() != asio::cancellation_type::none;
        if (!taken) {
            log_dropped(stopped);
            co_return false;
        }
        if (!stopped) {
            timer.expires_after(shared_.options.event_interval);
            const auto [error] = co_await timer.async_wait(kAsTuple);
            stopped = static_cast<bool>(error);
        }
    }
    // The server stops: a last word, which the write limit bounds.
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    const std::string last = feed.end();
    const bool taken = co_await write_piece(last, terms);
    if (taken) {
        co_await end_stream(terms);
    }
    co_return false;
}

asio::awaitable<bool> Session::stream_export(ExportWanted wanted, Terms terms) {
    const bool begun = co_await write_stream_head(wanted.content_type, terms);
    if (!begun) {
        co_return false;
    }
    std::string piece;
    for (;;) {
        const PullPiece pull{wanted.source.get(), &piece};
        const Checked<bool> more = co_await offload<Checked<bool>>(shared_.workers, pull);
        if (!more) {
            // The head is out, so the reader can only be told by a text that visibly breaks off (RFC 9112 section 8).
            shared_.logger.error("admin.export_failed", {{"error", more.error().what}});
            co_return false;
        }
        if (!*more) {
            co_return co_await end_stream(terms);
        }
        const bool taken = co_await write_piece(piece, terms);
        if (!taken) {
            co_return false;
        }
    }
}

asio::awaitable<bool> Session::write_stream_head(std::string_view content_type, Terms terms) {
    http::response<http::empty_body> head(http::status::ok, terms.http_version);
    head.set(http::field::server, server_name());
    head.set(http::field::content_type, beast::string_view(content_type.data(), content_type.size()));
    head.chunked(terms.http_version >= 11);
    head.keep_alive(terms.keep_alive && terms.http_version >= 11);
    http::response_serializer<http::empty_body> serializer(head);
    stream_.expires_after(shared_.options.write_limit);
    const auto [error, size] = co_await http::async_write_header(stream_, serializer, kAsTuple);
    co_return !error;
}

asio::awaitable<bool> Session::write_piece(const std::string& piece, Terms terms) {
    stream_.expires_after(shared_.options.write_limit);
    const asio::const_buffer bytes(piece.data(), piece.size());
    if (terms.http_version < 11) {  // HTTP/1.0 has no chunks: the end of the connection is the end of the text.
        const auto [error, size] = co_await asio::async_write(stream_, bytes, kAsTuple);
        co_return !error;
    }
    const auto chunk = http::make_chunk(bytes);
    const auto [error, size] = co_await asio::async_write(stream_, chunk, kAsTuple);
    co_return !error;
}

asio::awaitable<bool> Session::end_stream(Terms terms) {
    if (terms.http_version < 11) {
        co_return false;
    }
    stream_.expires_after(shared_.options.write_limit);
    const auto last = http::make_chunk_last();
    const auto [error, size] = co_await asio::async_write(stream_, last, kAsTuple);
    co_return !error && terms.keep_alive;
}

void Session::log_dropped(bool stopped) const {
    if (!stopped) {
        shared_.logger.info("admin.reader_dropped", {{"uid", peer_.uid}, {"pid", peer_.pid}});
    }
}

void Session::log_action(const Routed& routed) const {
    if (routed.action.empty()) {
        return;
    }
    const auto* reply = std::get_if<Reply>(&routed.answer);
    const unsigned status = reply != nullptr ? reply->status : 200;
    shared_.logger.info("admin.call",
                        {{"action", routed.action}, {"status", status}, {"uid", peer_.uid}, {"pid", peer_.pid}});
}

}  // namespace grit::admin
