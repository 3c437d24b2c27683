#include "dns_server.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "dns_wire.hpp"

namespace grit::testweb {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using asio::ip::tcp;
using asio::ip::udp;
using boost::system::error_code;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

struct DnsReply {
    std::string message;  ///< empty: none is sent
    std::chrono::milliseconds delay{0};
};

DnsReply answer(std::string_view query, Site& site, unsigned addresses, bool tcp) {
    const std::optional<DnsQuestion> question = parse_dns_query(query);
    if (!question) {
        return {};
    }
    const Rule* rule = site.script.for_name(question->name, std::chrono::steady_clock::now());
    DnsBehaviour how = rule != nullptr ? *rule->dns : DnsBehaviour();
    if (tcp && how.answer == DnsAnswer::truncated) {
        how.answer = DnsAnswer::addresses;  // "ask over TCP" is fulfilled
    }
    std::string line = fmt::format(R"({{"t_ns":{},"transport":"{}","name":)", wall_ns(), tcp ? "tcp" : "udp");
    append_json_text(line, question->name);
    fmt::format_to(std::back_inserter(line), R"(,"type":{},"answer":"{}","delay_ms":{},"rule":)", question->type,
                   name_of(how.answer), how.delay.count());
    append_json_text(line, rule != nullptr ? rule->name : "");
    site.names.append(line + "}");
    if (how.answer == DnsAnswer::timeout) {
        return {};
    }
    return {make_dns_reply(*question, how, address_of(question->name, addresses)), how.delay};
}

template <class Socket>
class Closer final : public Stoppable {
  public:
    explicit Closer(Socket& socket) : socket_(socket) {}
    void close() override {
        error_code ignored;
        socket_.close(ignored);
    }

  private:
    Socket& socket_;
};

class TimerStop final : public Stoppable {
  public:
    explicit TimerStop(asio::steady_timer& timer) : timer_(timer) {}
    void close() override { timer_.cancel(); }

  private:
    asio::steady_timer& timer_;
};

// Waits, or less if the reactor stops.
awaitable<void> wait(std::chrono::milliseconds delay, Reactor& reactor) {
    asio::steady_timer timer(reactor.io(), delay);
    TimerStop stop(timer);
    const Reactor::Guard guard(reactor, stop);
    if (!reactor.stopping()) {
        co_await timer.async_wait(kTuple);
    }
}

awaitable<void> reply_later(std::shared_ptr<udp::socket> socket, udp::endpoint peer, DnsReply reply, Reactor& reactor) {
    co_await wait(reply.delay, reactor);
    error_code ignored;
    socket->send_to(asio::buffer(reply.message), peer, 0, ignored);
}

awaitable<void> tcp_client(tcp::socket socket, Reactor& reactor, Site& site, unsigned addresses) {
    Closer<tcp::socket> closer(socket);
    const Reactor::Guard guard(reactor, closer);
    while (true) {
        std::array<unsigned char, 2> length{};
        const auto [no_length, length_bytes] = co_await asio::async_read(socket, asio::buffer(length), kTuple);
        if (no_length) {
            co_return;
        }
        std::string query(std::size_t{length[0]} * 256 + length[1], '\0');
        const auto [no_query, query_bytes] = co_await asio::async_read(socket, asio::buffer(query), kTuple);
        if (no_query) {
            co_return;
        }
        const DnsReply reply = answer(query, site, addresses, true);
        co_await wait(reply.delay, reactor);
        if (reply.message.empty()) {
            continue;
        }
        std::string framed;
        framed += static_cast<char>(reply.message.size() >> 8);
        framed += static_cast<char>(reply.message.size() & 0xFF);
        framed += reply.message;
        const auto [no_write, written] = co_await asio::async_write(socket, asio::buffer(framed), kTuple);
        if (no_write) {
            co_return;
        }
    }
}

}  // namespace

std::string address_of(std::string_view name, unsigned addresses) {
    constexpr unsigned kPerBlock = 250;  // keeps clear of .0 and .255
    if (addresses <= 1) {
        return "127.0.0.1";
    }
    const auto index = static_cast<unsigned>(XXH3_64bits(name.data(), name.size()) % addresses);
    return fmt::format("127.0.{}.{}", index / kPerBlock, 1 + index % kPerBlock);
}

awaitable<void> dns_over_udp(udp::socket bound, Reactor& reactor, Site& site, unsigned addresses) {
    const auto socket = std::make_shared<udp::socket>(std::move(bound));
    Closer<udp::socket> closer(*socket);
    const Reactor::Guard guard(reactor, closer);
    std::array<char, 4096> buffer{};
    while (socket->is_open()) {
        udp::endpoint peer;
        const auto [error, bytes] = co_await socket->async_receive_from(asio::buffer(buffer), peer, kTuple);
        if (error || !peer.address().is_loopback()) {
            continue;
        }
        DnsReply reply = answer(std::string_view(buffer.data(), bytes), site, addresses, false);
        if (reply.message.empty()) {
            continue;
        }
        if (reply.delay.count() > 0) {
            reactor.spawn(reply_later(socket, peer, std::move(reply), reactor));
        } else {
            error_code ignored;
            socket->send_to(asio::buffer(reply.message), peer, 0, ignored);
        }
    }
}

awaitable<void> dns_over_tcp(tcp::acceptor acceptor, Reactor& reactor, Site& site, unsigned addresses) {
    Closer<tcp::acceptor> closer(acceptor);
    const Reactor::Guard guard(reactor, closer);
    while (acceptor.is_open()) {
        auto [error, socket] = co_await acceptor.async_accept(kTuple);
        if (!error) {
            reactor.spawn(tcp_client(std::move(socket), reactor, site, addresses));
        }
    }
}

}  // namespace grit::testweb
