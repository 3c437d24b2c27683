#include "connection.hpp"

#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/error.hpp>
#include <cerrno>
#include <tuple>
#include <utility>

#include "grit/net/errc.hpp"

namespace grit::net {
namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::awaitable;
using metrics::ConnectionState;
using std::chrono::nanoseconds;

namespace {

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

ErrorCode timeout() {
    return make_error_code(beast::error::timeout);
}

metrics::TlsHandshake handshake_result(const ErrorCode& error, SSL* ssl) {
    if (error) {
        return metrics::TlsHandshake::failed;
    }
    return SSL_session_reused(ssl) == 1 ? metrics::TlsHandshake::resumed : metrics::TlsHandshake::full;
}

}  // namespace

Connection::Connection(asio::io_context& context, AddressPlace place, metrics::Metrics& metrics)
    : metrics_(metrics), place_(std::move(place)), tcp_(context) {
    metrics_.connections(ConnectionState::active).add();
}

Connection::~Connection() {
    if (tls_) {
        // OpenSSL takes the session of a connection that was freed without a shutdown for broken.
        SSL_set_shutdown(tls_->native_handle(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    }
    metrics_.connections(idle_ ? ConnectionState::idle : ConnectionState::active).subtract();
}

void Connection::connect(std::uint16_t port, nanoseconds limit, std::function<void(const ErrorCode&)> done) {
    const asio::ip::tcp::endpoint endpoint(place_.address(), port);
    tcp_.expires_after(std::max(limit, nanoseconds(0)));
    tcp_.async_connect(endpoint, [done = std::move(done)](const ErrorCode& error) { done(error); });
}

awaitable<ErrorCode> Connection::handshake(TlsContext& context, const std::string& host, std::string session_key,
                                           nanoseconds limit) {
    if (limit <= nanoseconds(0)) {
        co_return timeout();
    }
    session_key_ = std::move(session_key);
    tls_ = std::make_unique<Tls>(tcp_, context.native());
    if (!context.prepare(tls_->native_handle(), host, session_key_)) {
        co_return make_error_code(Errc::tls_handshake);
    }
    tcp_.expires_after(limit);
    ErrorCode error;
    std::tie(error) = co_await tls_->async_handshake(asio::ssl::stream_base::client, kTuple);
    metrics_.tls_handshakes(handshake_result(error, tls_->native_handle())).add();
    co_return error ? handshake_error(context, error) : error;
}

std::string Connection::waived_problem() const {
    const long verdict = tls_ ? SSL_get_verify_result(tls_->native_handle()) : X509_V_OK;
    return verdict == X509_V_OK ? std::string() : X509_verify_cert_error_string(verdict);
}

ErrorCode Connection::handshake_error(TlsContext& context, const ErrorCode& error) {
    if (error == beast::error::timeout || error == asio::error::operation_aborted) {
        return error;
    }
    context.forget(session_key_);  // a session that the server chokes on must not be offered again
    const SSL* const ssl = tls_->native_handle();
    const bool certificate = SSL_get_verify_mode(ssl) != SSL_VERIFY_NONE && SSL_get_verify_result(ssl) != X509_V_OK;
    return make_error_code(certificate ? Errc::tls_certificate : Errc::tls_handshake);
}

awaitable<ReadResult> Connection::read_some(std::span<std::byte> into, nanoseconds limit) {
    ReadResult result;
    if (limit <= nanoseconds(0)) {
        result.error = timeout();
        co_return result;
    }
    const asio::mutable_buffer buffer(into.data(), into.size());
    tcp_.expires_after(limit);
    if (tls_) {
        std::tie(result.error, result.bytes) = co_await tls_->async_read_some(buffer, kTuple);
    } else {
        std::tie(result.error, result.bytes) = co_await tcp_.async_read_some(buffer, kTuple);
    }
    co_return result;
}

awaitable<ErrorCode> Connection::write(std::string_view bytes, nanoseconds limit) {
    if (limit <= nanoseconds(0)) {
        co_return timeout();
    }
    const asio::const_buffer buffer(bytes.data(), bytes.size());
    tcp_.expires_after(limit);
    ErrorCode error;
    if (tls_) {
        std::tie(error, std::ignore) = co_await asio::async_write(*tls_, buffer, kTuple);
    } else {
        std::tie(error, std::ignore) = co_await asio::async_write(tcp_, buffer, kTuple);
    }
    co_return error;
}

void Connection::send_at_once() {
    ErrorCode ignored;  // only costs speed
    tcp_.socket().set_option(asio::ip::tcp::no_delay(true), ignored);
}

void Connection::set_idle(bool idle) {
    if (idle == idle_) {
        return;
    }
    idle_ = idle;
    metrics_.connections(idle ? ConnectionState::active : ConnectionState::idle).subtract();
    metrics_.connections(idle ? ConnectionState::idle : ConnectionState::active).add();
    if (idle) {
        tcp_.expires_never();
    }
}

bool Connection::quiet() {
    char byte = 0;
    const ssize_t got = ::recv(tcp_.socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

}  // namespace grit::net
