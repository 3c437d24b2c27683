#include "session.hpp"

#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <memory>

#include "reply.hpp"
#include "tls_site.hpp"

namespace grit::testweb {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::awaitable;
using asio::ip::tcp;
using boost::system::error_code;
using namespace std::chrono_literals;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr auto kForever = std::chrono::hours(24);
constexpr auto kCloseWait = 1s;  // how long an orderly close waits for the peer's

using TlsStream = asio::ssl::stream<tcp::socket>;

template <class Stream>
constexpr bool kIsTls = std::is_same_v<Stream, TlsStream>;

template <class Stream>
class Session final : public Stoppable, public std::enable_shared_from_this<Session<Stream>> {
  public:
    Session(Stream stream, Reactor& reactor, Site& site)
        : stream_(std::move(stream)), reactor_(reactor), site_(site), timer_(reactor.io()), id_(++site.connections) {
        error_code ignored;
        address_ = socket().local_endpoint(ignored).address().to_string();
    }

    void close() override {
        error_code ignored;
        socket().close(ignored);
        timer_.cancel();
    }

    awaitable<void> run() {
        const Reactor::Guard guard(reactor_, *this);
        if (co_await handshake()) {
            while (co_await one_exchange()) {
            }
        }
        close();
    }

  private:
    tcp::socket& socket() {
        if constexpr (kIsTls<Stream>) {
            return stream_.next_layer();
        } else {
            return stream_;
        }
    }

    awaitable<bool> handshake() {
        if constexpr (kIsTls<Stream>) {
            error_code ignored;
            note_.local_address = socket().local_endpoint(ignored).address().to_string();
            set_note(stream_.native_handle(), note_);
            const auto [error] = co_await stream_.async_handshake(asio::ssl::stream_base::server, kTuple);
            if (note_.stall) {
                co_await pause(kForever);
            }
            co_return !error;
        }
        co_return true;
    }

    // When the kernel had the head that was just read: it may have waited for its turn in the loop, or on a new
    // connection to be accepted. The kernel counts in ticks, so that it may have come `uncertain_ns` before.
    struct Arrival {
        std::int64_t at_ns;
        std::int64_t uncertain_ns;
    };
    Arrival arrival() {
        timespec tick{};
        clock_getres(CLOCK_MONOTONIC_COARSE, &tick);
        tcp_info info{};
        socklen_t size = sizeof(info);
        if (getsockopt(socket().native_handle(), IPPROTO_TCP, TCP_INFO, &info, &size) != 0) {
            return {wall_ns(), reactor_.lag_ns()};
        }
        const std::int64_t waited = std::int64_t{info.tcpi_last_data_recv} * 1'000'000;
        const std::int64_t surely = std::max<std::int64_t>(0, waited - tick.tv_nsec);
        return {wall_ns() - surely, waited - surely + tick.tv_nsec};
    }

    // True: the peer has closed its side (or the connection is broken), whatever still waits to be read.
    bool peer_is_gone() {
        if (!socket().is_open()) {
            return true;
        }
        pollfd poll{socket().native_handle(), POLLRDHUP, 0};
        return ::poll(&poll, 1, 0) == 1 && (poll.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
    }

    // Waits, but not for a peer that went away: what it left open would look open in the log.
    // @return whether the peer is still there.
    awaitable<bool> pause(std::chrono::steady_clock::duration duration) {
        using namespace asio::experimental::awaitable_operators;
        const auto until = std::chrono::steady_clock::now() + duration;
        timer_.expires_at(until);
        co_await (timer_.async_wait(kTuple) || socket().async_wait(tcp::socket::wait_read, kTuple));
        // Bytes that wait unread keep the socket readable: then look again every few milliseconds.
        while (!peer_is_gone() && std::chrono::steady_clock::now() < until) {
            timer_.expires_at(std::min(until, std::chrono::steady_clock::now() + 5ms));
            co_await timer_.async_wait(kTuple);
        }
        co_return !peer_is_gone();
    }

    // Sends all of `bytes`. The peer can not have had the last of them before `last_send_ns_`.
    awaitable<bool> send(std::string_view bytes) {
        while (!bytes.empty()) {
            last_send_ns_ = wall_ns();
            const auto [error, sent] =
                co_await stream_.async_write_some(asio::buffer(bytes.data(), bytes.size()), kTuple);
            if (error) {
                co_return false;
            }
            sent_bytes_ += sent;
            bytes.remove_prefix(sent);
        }
        co_return true;
    }

    awaitable<bool> drip(std::string_view bytes, std::uint32_t per_second) {
        constexpr auto kStep = 50ms;
        const std::size_t piece = std::max<std::size_t>(1, per_second / (1s / kStep));
        const auto wait =
            std::max<std::chrono::steady_clock::duration>(kStep, std::chrono::nanoseconds(1s) / per_second);
        while (!bytes.empty()) {
            const std::string_view now = bytes.substr(0, piece);
            bytes.remove_prefix(now.size());
            if (!co_await send(now) || (!bytes.empty() && !co_await pause(wait))) {
                co_return false;
            }
        }
        co_return true;
    }

    awaitable<void> send_endless(bool chunked) {
        const std::string filler(16 * 1024, 'x');
        const std::string piece = chunked ? "4000\r\n" + filler + "\r\n" : filler;
        while (co_await send(piece)) {
        }
    }

    // Closes in order: half-close or close_notify, then waits a little for the peer.
    awaitable<void> orderly_close() {
        if constexpr (kIsTls<Stream>) {
            timer_.expires_after(kCloseWait);
            timer_.async_wait([self = this->shared_from_this()](const error_code& error) {
                if (!error) {
                    self->close();
                }
            });
            co_await stream_.async_shutdown(kTuple);
        } else {
            error_code ignored;
            socket().shutdown(tcp::socket::shutdown_send, ignored);
            co_await pause(kCloseWait);
        }
    }

    void reset() {
        error_code ignored;
        socket().set_option(asio::socket_base::linger(true, 0), ignored);
        socket().close(ignored);
    }

    // Sends the reply up to its ending. @return whether it went out wholly.
    awaitable<bool> send_reply(const Reply& reply, const Behaviour* how) {
        if (how != nullptr && how->delay > 0ms && !co_await pause(how->delay)) {
            co_return false;
        }
        const std::string_view wire = reply.wire;
        if (how != nullptr && how->drip_bytes_per_second > 0) {
            co_return co_await send(wire.substr(0, reply.head_bytes)) &&
                co_await drip(wire.substr(reply.head_bytes), how->drip_bytes_per_second);
        }
        co_return co_await send(wire);
    }

    // What comes after the bytes, for endings that keep the request open. @return whether another request may come.
    awaitable<bool> finish(const Reply& reply, bool sent, RequestLine& line) {
        const bool clean = sent && reply.whole;
        if (sent && reply.ending == Ending::stall) {
            co_await pause(kForever);
        } else if (sent && reply.ending == Ending::endless) {
            co_await send_endless(reply.chunked);
        } else if (sent && reply.ending == Ending::reset) {
            reset();
        }
        line.complete = clean;
        line.ended_ns = clean ? last_send_ns_ : wall_ns();
        const std::uint64_t after_head = sent_bytes_ > reply.head_bytes ? sent_bytes_ - reply.head_bytes : 0;
        line.body_bytes = clean ? reply.body_bytes : after_head;
        site_.requests.append(to_json(line));
        if (sent && reply.ending == Ending::close) {
            co_await orderly_close();
        }
        co_return sent&& reply.ending == Ending::keep;
    }

    awaitable<bool> one_exchange() {
        http::request_parser<http::empty_body> parser;
        parser.header_limit(64 * 1024);
        const auto [error, bytes] = co_await http::async_read_header(stream_, buffer_, parser, kTuple);
        if (error) {
            co_return false;
        }
        RequestLine line;
        const Arrival arrived = arrival();
        line.arrived_ns = arrived.at_ns;
        line.lag_ns = arrived.uncertain_ns;
        const auto& request = parser.get();
        const Asked asked = asked_by(request, parser);
        describe(line, asked, request);
        // Limits count by arrival: however late this loop is, a client that keeps one has kept it.
        const std::chrono::nanoseconds late(wall_ns() - arrived.at_ns);
        const Rule* rule = site_.script.for_request(asked.host, asked.target, std::chrono::steady_clock::now() - late);
        const Behaviour* how = rule != nullptr ? &Script::behaviour_of(*rule, asked.target) : nullptr;
        const Reply reply = make_reply(asked, how, site_.forge);
        line.rule = rule != nullptr ? rule->name : "";
        line.status = reply.status;
        line.sha256 = reply.sha256;
        line.retry_after = reply.retry_after;
        line.location = reply.location;
        sent_bytes_ = 0;
        const bool sent = co_await send_reply(reply, how);
        co_return co_await finish(reply, sent, line);
    }

    template <class Request, class Parser>
    static Asked asked_by(const Request& request, const Parser& parser) {
        Asked asked;
        asked.method = std::string(request.method_string());
        asked.scheme = kIsTls<Stream> ? "https" : "http";
        asked.host = std::string(request[http::field::host]);
        // A port follows the last colon, unless that one is inside an IPv6 literal's brackets.
        const auto colon = asked.host.rfind(':');
        if (colon != std::string::npos && asked.host.find(']', colon) == std::string::npos) {
            asked.host.resize(colon);
        }
        for (char& c : asked.host) {
            c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
        }
        asked.target = std::string(request.target());
        // A body is not read: the bytes behind the head would be taken for the next request.
        asked.keep_alive = request.keep_alive() && !parser.chunked() && parser.content_length().value_or(0) == 0;
        return asked;
    }

    template <class Request>
    void describe(RequestLine& line, const Asked& asked, const Request& request) {
        line.connection = id_;
        line.address = address_;
        line.tls = kIsTls<Stream>;
        if constexpr (kIsTls<Stream>) {
            line.resumed = SSL_session_reused(stream_.native_handle()) == 1;
        }
        line.method = asked.method;
        line.host = asked.host;
        line.target = asked.target;
        line.user_agent = std::string(request[http::field::user_agent]);
    }

    Stream stream_;
    Reactor& reactor_;
    Site& site_;
    asio::steady_timer timer_;
    std::uint64_t id_;
    std::string address_;
    HandshakeNote note_;
    boost::beast::flat_buffer buffer_;
    std::int64_t last_send_ns_ = 0;
    std::uint64_t sent_bytes_ = 0;
};

class Listener final : public Stoppable {
  public:
    explicit Listener(tcp::acceptor& acceptor) : acceptor_(acceptor) {}
    void close() override {
        error_code ignored;
        acceptor_.close(ignored);
    }

  private:
    tcp::acceptor& acceptor_;
};

// By value: the session lives as long as its coroutine.
template <class Stream>
awaitable<void> run_session(std::shared_ptr<Session<Stream>> session) {
    co_await session->run();
}

template <class Stream>
void start_session(Stream stream, Reactor& reactor, Site& site) {
    reactor.spawn(run_session(std::make_shared<Session<Stream>>(std::move(stream), reactor, site)));
}

}  // namespace

awaitable<void> accept_loop(tcp::acceptor acceptor, Reactor& reactor, Site& site, bool tls) {
    Listener listener(acceptor);
    const Reactor::Guard guard(reactor, listener);
    while (acceptor.is_open()) {
        auto [error, socket] = co_await acceptor.async_accept(kTuple);
        if (error) {
            if (acceptor.is_open()) {  // out of descriptors: let some close
                asio::steady_timer timer(reactor.io(), 10ms);
                co_await timer.async_wait(kTuple);
            }
            continue;
        }
        error_code ignored;
        if (!socket.remote_endpoint(ignored).address().is_loopback()) {
            continue;
        }
        socket.set_option(tcp::no_delay(true), ignored);
        if (tls) {
            start_session(TlsStream(std::move(socket), site.tls), reactor, site);
        } else {
            start_session(std::move(socket), reactor, site);
        }
    }
}

}  // namespace grit::testweb
