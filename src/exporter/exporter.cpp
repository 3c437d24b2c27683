#include "grit/exporter/exporter.hpp"

#include <fmt/format.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <optional>
#include <utility>

#include "grit/config/endpoint.hpp"
#include "page.hpp"

namespace grit::exporter {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;

namespace {

constexpr auto kAsTuple = asio::as_tuple(asio::use_awaitable);
// After a failed accept (no descriptors left, as a rule): trying again at once would spin.
constexpr std::chrono::milliseconds kAcceptPause{200};
// How long, and for how many pieces, a client that is still sending is listened to after its answer. A close with
// unread bytes is a reset, which may take the answer with it (RFC 9112 9.6).
constexpr std::chrono::milliseconds kLinger{1'000};
constexpr int kLingerReads = 64;

asio::awaitable<void> linger(beast::tcp_stream& stream) {
    ErrorCode ignored;
    stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
    stream.expires_after(kLinger);
    std::array<char, 4096> scrap{};
    const auto into = asio::buffer(scrap);
    for (int reads = 0; reads < kLingerReads; ++reads) {
        const auto [error, bytes] = co_await stream.async_read_some(into, kAsTuple);
        if (error) {
            co_return;
        }
    }
}

// True if bytes came that are no HTTP request, rather than that the client left or the socket failed.
bool is_bad_request(const ErrorCode& error) {
    const auto& http_errors = http::make_error_code(http::error::bad_method).category();
    return error.category() == http_errors && error != http::error::end_of_stream &&
           error != http::error::partial_message;
}

Page refusal_of(const ErrorCode& error) {
    return error == http::error::header_limit || error == http::error::buffer_overflow
               ? text_page(http::status::request_header_fields_too_large, "the head of the request is too long")
               : text_page(http::status::bad_request, "this is no HTTP request");
}

}  // namespace

// Lists a stream while its coroutine lives.
class Exporter::OpenStream {
  public:
    OpenStream(std::set<beast::tcp_stream*>& open, beast::tcp_stream& stream) : open_(open), stream_(&stream) {
        open_.insert(stream_);
    }
    ~OpenStream() { open_.erase(stream_); }
    OpenStream(const OpenStream&) = delete;
    OpenStream& operator=(const OpenStream&) = delete;

  private:
    std::set<beast::tcp_stream*>& open_;
    beast::tcp_stream* stream_;
};

Exporter::Exporter(asio::io_context& context, std::string listen, const metrics::Metrics& metrics,
                   std::function<bool()> healthy, std::function<Readiness()> ready, const Logger& log, Limits limits)
    : context_(context),
      listen_(std::move(listen)),
      metrics_(metrics),
      healthy_(std::move(healthy)),
      ready_(std::move(ready)),
      log_(log),
      limits_(limits),
      acceptor_(context),
      places_(context, limits.connections),
      tasks_(context) {}

Checked<void> Exporter::start() {
    const auto wanted = config::parse_endpoint(listen_);
    if (!wanted) {
        return Problem{fmt::format("metrics.listen {} is no address and port", listen_)};
    }
    const tcp::endpoint endpoint(asio::ip::make_address(wanted->address), wanted->port);
    if (const ErrorCode error = listen_on(endpoint)) {
        ErrorCode ignored;
        acceptor_.close(ignored);
        return Problem{fmt::format("can not listen on metrics.listen {}: {}", listen_, error.message())};
    }
    log_.info("exporter.listening", {{"address", wanted->address}, {"port", port_}});
    tasks_.spawn(accept_all());
    return {};
}

ErrorCode Exporter::listen_on(const tcp::endpoint& endpoint) {
    ErrorCode error;
    acceptor_.open(endpoint.protocol(), error);
    if (!error) {
        acceptor_.set_option(tcp::acceptor::reuse_address(true), error);  // A restart need not wait for TIME_WAIT.
    }
    if (!error) {
        acceptor_.bind(endpoint, error);
    }
    if (!error) {
        acceptor_.listen(asio::socket_base::max_listen_connections, error);
    }
    if (!error) {
        port_ = acceptor_.local_endpoint(error).port();
    }
    return error;
}

void Exporter::stop() {
    ErrorCode ignored;
    acceptor_.close(ignored);
    tasks_.stop();
    // Cancellation alone is not enough: a read of Beast is a chain of socket reads, and a signal that falls between
    // two of them (one is complete, its handler not run yet) is lost. A closed socket can not be read again.
    for (beast::tcp_stream* stream : open_) {
        stream->close();
    }
}

asio::awaitable<void> Exporter::accept_all() {
    asio::steady_timer pause(context_);
    while (acceptor_.is_open()) {
        Limiter::Permit place = co_await places_.acquire();
        auto [error, socket] = co_await acceptor_.async_accept(kAsTuple);
        if (!error) {
            tasks_.spawn(serve(std::move(socket), std::move(place)));
        } else if (error != asio::error::operation_aborted) {
            log_.warning("exporter.accept_failed", {{"error", error.message()}});
            pause.expires_after(kAcceptPause);
            co_await pause.async_wait(kAsTuple);
        }
    }
}

asio::awaitable<void> Exporter::serve(tcp::socket socket, [[maybe_unused]] Limiter::Permit place) {
    beast::tcp_stream stream(std::move(socket));
    const OpenStream listed(open_, stream);
    if (tasks_.stopping()) {
        co_return;
    }
    stream.expires_after(limits_.request);  // For all that follows, until it is set again.
    http::request_parser<http::empty_body> parser;
    parser.header_limit(limits_.header_bytes);
    beast::flat_buffer buffer(2 * limits_.header_bytes);
    const auto [read_error, read] = co_await http::async_read_header(stream, buffer, parser, kAsTuple);
    if (read_error && !is_bad_request(read_error)) {
        co_return;  // The client left or said nothing in time, or we stop.
    }
    const auto& request = parser.get();
    const bool head_only = !read_error && request.method() == http::verb::head;
    const auto response = response_of(read_error ? refusal_of(read_error) : page_for(request), head_only);
    http::response_serializer<http::string_body> serializer(response);
    const auto [write_error, written] = co_await http::async_write(stream, serializer, kAsTuple);
    if (!write_error) {
        co_await linger(stream);
    }
}

Page Exporter::page_for(const Request& request) const {
    if (request.method() != http::verb::get && request.method() != http::verb::head) {
        return text_page(http::status::method_not_allowed, "GET and HEAD alone");
    }
    const std::string_view path = path_of({request.target().data(), request.target().size()});
    if (path == "/metrics") {
        return metrics_page(metrics_.text());
    }
    if (path == "/healthz") {
        return healthy_() ? text_page(http::status::ok, "ok")
                          : text_page(http::status::service_unavailable, "not healthy");
    }
    if (path == "/readyz") {
        Readiness readiness = ready_();
        return readiness.ok ? text_page(http::status::ok, "ready")
                            : text_page(http::status::service_unavailable, std::move(readiness.why));
    }
    return path == "/" ? home_page() : text_page(http::status::not_found, "there is /metrics, /healthz and /readyz");
}

}  // namespace grit::exporter
