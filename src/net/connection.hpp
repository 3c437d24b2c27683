// One TCP or TLS connection: every operation with its own time limit.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "grit/base/result.hpp"
#include "grit/metrics/metrics.hpp"
#include "grit/net/address_limits.hpp"
#include "grit/net/tls_context.hpp"

namespace grit::net {

/// What a read brought: bytes, or why there are none.
struct ReadResult {
    ErrorCode error;
    std::size_t bytes = 0;
};

/// Errors are those of Asio, OpenSSL and Beast as they come; `beast::error::timeout` is the limit of the operation, and
/// the connection is of no use after it. Destroying the connection closes it at once: no shutdown is waited for (a
/// peer need not answer one), and a TLS session stays fit to be resumed.
/// Threads: the io_context's one thread; one operation at a time.
class Connection {
  public:
    /// @param place  of the address to be dialled, held as long as the connection lives.
    Connection(boost::asio::io_context& context, AddressPlace place, metrics::Metrics& metrics);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// Connects to the address of the place. `done` runs exactly once, never within this call; it may run after the
    /// connection was destroyed, which ends the attempt.
    void connect(std::uint16_t port, std::chrono::nanoseconds limit, std::function<void(const ErrorCode&)> done);

    /// After connecting: small writes do not wait for each other (TCP_NODELAY).
    void send_at_once();

    /// Makes it a TLS connection to `host`.
    /// @param session_key  "host:port" of the URL.
    /// @return tls_certificate, or tls_handshake for all else, or the library's own for time-out and cancellation.
    [[nodiscard]] boost::asio::awaitable<ErrorCode> handshake(TlsContext& context, const std::string& host,
                                                              std::string session_key, std::chrono::nanoseconds limit);

    /// At least one byte, or an error. `asio::error::eof` is an orderly end, `ssl::error::stream_truncated` TLS cut
    /// off.
    [[nodiscard]] boost::asio::awaitable<ReadResult> read_some(std::span<std::byte> into,
                                                               std::chrono::nanoseconds limit);
    [[nodiscard]] boost::asio::awaitable<ErrorCode> write(std::string_view bytes, std::chrono::nanoseconds limit);

    [[nodiscard]] const boost::asio::ip::address& address() const noexcept { return place_.address(); }
    [[nodiscard]] bool secure() const noexcept { return tls_ != nullptr; }
    /// What is wrong with the server's certificate, which was let pass; empty if nothing is.
    [[nodiscard]] std::string waived_problem() const;

    /// Begins and ends the time in which nobody uses the connection.
    void set_idle(bool idle);
    /// Nothing has come that nobody asked for: a byte now is a late answer, an alert, or the end.
    [[nodiscard]] bool quiet();

  private:
    using Tls = boost::asio::ssl::stream<boost::beast::tcp_stream&>;

    [[nodiscard]] ErrorCode handshake_error(TlsContext& context, const ErrorCode& error);

    metrics::Metrics& metrics_;
    AddressPlace place_;
    boost::beast::tcp_stream tcp_;
    std::string session_key_;  // before tls_, which refers to it
    std::unique_ptr<Tls> tls_;
    bool idle_ = false;
};

}  // namespace grit::net
