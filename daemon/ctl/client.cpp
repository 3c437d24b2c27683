#include "client.hpp"

#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cstdint>
#include <optional>
#include <utility>

#include "grit/base/quantity.hpp"
#include "grit/base/result.hpp"
#include "grit/base/version.hpp"

namespace grit::ctl {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace json = boost::json;

namespace {

using Protocol = asio::local::stream_protocol;

// sockaddr_un's path without its end.
constexpr std::size_t kMaxSocketPath = 107;
// Of a whole answer: 10,000 hosts are some MB.
constexpr std::uint64_t kMaxReply = std::uint64_t{64} << 20;
constexpr std::size_t kStreamBuffer = 256 * 1024;

// One connection; every operation blocks until it is done or the daemon was silent for too long.
class Connection {
  public:
    Connection(const std::string& path, std::chrono::milliseconds limit)
        : path_(path), limit_(limit), stream_(context_) {}

    Fallible<void> open() {
        const Protocol::endpoint endpoint(path_);
        const ErrorCode error = wait([&](auto done) { stream_.async_connect(endpoint, done); });
        return error ? Fallible<void>(no_connection(error)) : Fallible<void>();
    }

    Fallible<void> send(std::string_view method, const std::string& target, const std::string& body) {
        http::request<http::string_body> request;
        request.version(11);
        request.method_string(beast::string_view(method.data(), method.size()));
        request.target(target);
        request.set(http::field::host, "grit");
        request.set(http::field::user_agent, fmt::format("gritctl/{}", grit::version()));
        request.keep_alive(false);
        if (!body.empty()) {
            request.set(http::field::content_type, "application/json");
            request.body() = body;
        }
        request.prepare_payload();
        const ErrorCode error = wait([&](auto done) { http::async_write(stream_, request, done); });
        // A daemon that refuses may close before it has read all: what it says is still there to be read.
        const bool may_read = !error || error == asio::error::broken_pipe || error == asio::error::connection_reset;
        return may_read ? Fallible<void>() : Fallible<void>(broken(error));
    }

    template <class Parser>
    Fallible<void> read_header(Parser& parser) {
        const ErrorCode error = wait([&](auto done) { http::async_read_header(stream_, buffer_, parser, done); });
        return error ? Fallible<void>(broken(error)) : Fallible<void>();
    }
    template <class Parser>
    Fallible<void> read(Parser& parser) {
        const ErrorCode error = wait([&](auto done) { http::async_read(stream_, buffer_, parser, done); });
        return error ? Fallible<void>(broken(error)) : Fallible<void>();
    }
    template <class Parser>
    Fallible<void> read_some(Parser& parser) {
        const ErrorCode error = wait([&](auto done) { http::async_read_some(stream_, buffer_, parser, done); });
        // need_buffer: the piece is full, which is what was asked for.
        return error && error != http::error::need_buffer ? Fallible<void>(broken(error)) : Fallible<void>();
    }

  private:
    template <class Start>
    ErrorCode wait(Start start) {
        ErrorCode result;
        stream_.expires_after(limit_);
        start([&result](const ErrorCode& error, auto&&...) { result = error; });
        context_.restart();
        context_.run();
        return result;
    }

    [[nodiscard]] Failure no_connection(const ErrorCode& error) const {
        if (error == boost::system::errc::permission_denied || error == boost::system::errc::operation_not_permitted) {
            return {ExitCode::not_permitted, fmt::format("not permitted to use the control socket {}", path_),
                    "join the group that owns the socket (ls -l shows it), or use sudo"};
        }
        if (error == boost::system::errc::no_such_file_or_directory || error == asio::error::connection_refused ||
            error == boost::system::errc::not_a_directory) {
            return {ExitCode::not_running, fmt::format("gritd is not running: nobody answers on {}", path_),
                    "start it, or name its socket with --socket PATH or --instance NAME"};
        }
        return broken(error);
    }

    [[nodiscard]] Failure broken(const ErrorCode& error) const {
        if (error == beast::error::timeout) {
            return {ExitCode::failed,
                    fmt::format("gritd does not answer on {} ({} of silence)", path_, format_duration(limit_)),
                    "its log tells what it is doing"};
        }
        return {ExitCode::failed, fmt::format("the connection to gritd on {} broke: {}", path_, error.message()),
                "gritd may have just ended; its log tells why"};
    }

    std::string path_;
    std::chrono::milliseconds limit_;
    asio::io_context context_{1};
    beast::basic_stream<Protocol> stream_;
    beast::flat_buffer buffer_;
};

std::string text_at(const json::object& object, std::string_view name) {
    const json::value* value = object.if_contains(name);
    return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

// What a problem+json says (RFC 9457).
Failure failure_of(unsigned status, const std::string& body) {
    Failure failure;
    failure.code = status == 404 ? ExitCode::not_found : status == 403 ? ExitCode::not_permitted : ExitCode::failed;
    ErrorCode error;
    const json::value problem = json::parse(body, error);
    if (!error && problem.is_object()) {
        failure.what = text_at(problem.get_object(), "detail");
        failure.hint = text_at(problem.get_object(), "hint");
    }
    if (failure.what.empty()) {
        failure.what = fmt::format("gritd answered with status {}", status);
    }
    return failure;
}

Fallible<std::unique_ptr<Connection>> connect(const std::string& path, std::chrono::milliseconds limit) {
    if (path.empty() || path.size() > kMaxSocketPath) {
        return Failure{ExitCode::usage,
                       fmt::format("\"{}\" can not be a socket: a path has 1 to {} bytes", path, kMaxSocketPath),
                       {}};
    }
    auto connection = std::make_unique<Connection>(path, limit);
    if (auto opened = connection->open(); !opened) {
        return opened.error();
    }
    return connection;
}

class HttpStream final : public ReplyStream {
  public:
    explicit HttpStream(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {
        parser_.body_limit(boost::none);
    }

    // Sends nothing; reads the head, and a problem if that is the answer.
    Fallible<void> begin() {
        if (auto read = connection_->read_header(parser_); !read) {
            return read;
        }
        const unsigned status = parser_.get().result_int();
        if (status < 400) {
            return {};
        }
        std::string body;
        std::string chunk;
        auto more = next(chunk);
        for (; more && *more && body.size() < kMaxReply; more = next(chunk)) {
            body += chunk;
        }
        return failure_of(status, body);
    }

    Fallible<bool> next(std::string& chunk) override {
        chunk.clear();
        while (chunk.empty() && !parser_.is_done()) {
            chunk.resize(kStreamBuffer);
            parser_.get().body().data = chunk.data();
            parser_.get().body().size = chunk.size();
            if (auto read = connection_->read_some(parser_); !read) {
                return read.error();
            }
            chunk.resize(kStreamBuffer - parser_.get().body().size);
        }
        return !chunk.empty();
    }

  private:
    std::unique_ptr<Connection> connection_;
    http::response_parser<http::buffer_body> parser_;
};

}  // namespace

Client::Client(std::string socket_path, std::chrono::milliseconds limit)
    : socket_path_(std::move(socket_path)), limit_(limit) {}

Fallible<json::value> Client::get(const std::string& target) const {
    return ask("GET", target, {});
}

Fallible<json::value> Client::post(const std::string& target, const json::value& body) const {
    return ask("POST", target, json::serialize(body));
}

Fallible<json::value> Client::remove(const std::string& target) const {
    return ask("DELETE", target, {});
}

Fallible<json::value> Client::ask(std::string_view method, const std::string& target, const std::string& body) const {
    auto connection = connect(socket_path_, limit_);
    if (!connection) {
        return connection.error();
    }
    if (auto sent = (*connection)->send(method, target, body); !sent) {
        return sent.error();
    }
    http::response_parser<http::string_body> parser;
    parser.body_limit(kMaxReply);
    if (auto read = (*connection)->read(parser); !read) {
        return read.error();
    }
    const unsigned status = parser.get().result_int();
    if (status >= 400) {
        return failure_of(status, parser.get().body());
    }
    ErrorCode error;
    json::value reply = json::parse(parser.get().body(), error);
    if (error) {
        return Failure{
            ExitCode::failed, fmt::format("what answers on {} is no gritd: {}", socket_path_, error.message()), {}};
    }
    return reply;
}

Fallible<std::unique_ptr<ReplyStream>> Client::stream(const std::string& target) const {
    auto connection = connect(socket_path_, limit_);
    if (!connection) {
        return connection.error();
    }
    if (auto sent = (*connection)->send("GET", target, {}); !sent) {
        return sent.error();
    }
    auto stream = std::make_unique<HttpStream>(std::move(*connection));
    if (auto begun = stream->begin(); !begun) {
        return begun.error();
    }
    return std::unique_ptr<ReplyStream>(std::move(stream));
}

std::string percent_encoded(std::string_view text) {
    constexpr std::string_view kUnreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    std::string encoded;
    for (const char c : text) {
        if (kUnreserved.find(c) != std::string_view::npos) {
            encoded.push_back(c);
        } else {
            encoded += fmt::format("%{:02X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
        }
    }
    return encoded;
}

}  // namespace grit::ctl
