#include "web_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <stdexcept>
#include <utility>

namespace grit::net::test {

Peer::~Peer() {
    if (ssl_ != nullptr) {
        SSL_free(ssl_);
    }
}

std::string Peer::read_some() {
    std::array<char, 4096> buffer{};
    const auto got = ssl_ != nullptr ? SSL_read(ssl_, buffer.data(), buffer.size())
                                     : static_cast<int>(::recv(fd_, buffer.data(), buffer.size(), 0));
    return got > 0 ? std::string(buffer.data(), static_cast<std::size_t>(got)) : std::string();
}

std::string Peer::read_request() {
    for (;;) {
        if (const std::size_t end = received_.find("\r\n\r\n"); end != std::string::npos) {
            std::string head = received_.substr(0, end + 4);
            received_.erase(0, end + 4);
            return head;
        }
        const std::string more = read_some();
        if (more.empty()) {
            return more;
        }
        received_ += more;
    }
}

void Peer::send(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto sent = ssl_ != nullptr ? SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()))
                                          : static_cast<int>(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL));
        if (sent <= 0) {
            return;
        }
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
}

void Peer::send_raw(std::string_view bytes) {
    static_cast<void>(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL));
}

bool Peer::closed_within(std::chrono::milliseconds time) {
    pollfd waiting{fd_, POLLIN | POLLRDHUP, 0};
    if (::poll(&waiting, 1, static_cast<int>(time.count())) <= 0) {
        return false;
    }
    std::array<char, 256> dropped{};
    return ::recv(fd_, dropped.data(), dropped.size(), MSG_DONTWAIT) <= 0;
}

void Peer::close() {
    if (ssl_ != nullptr) {
        SSL_shutdown(ssl_);
    }
    cut();
}

void Peer::cut() {
    ::shutdown(fd_, SHUT_WR);
}

void Peer::reset() {
    const linger now{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    // RST goes out when the server closes the descriptor, which it does when the script returns.
}

void Peer::wait_closed() {
    while (!read_some().empty()) {
    }
}

std::string Peer::server_name() const {
    const char* const name = ssl_ == nullptr ? nullptr : SSL_get_servername(ssl_, TLSEXT_NAMETYPE_host_name);
    return name == nullptr ? std::string() : std::string(name);
}

WebServer::WebServer(std::vector<Script> scripts) : scripts_(std::move(scripts)) {
    listen();
}

WebServer::WebServer(const Identity& identity, std::vector<Script> scripts, int newest)
    : scripts_(std::move(scripts)), tls_(SSL_CTX_new(TLS_server_method())) {
    SSL_CTX_use_certificate(tls_, identity.certificate.get());
    SSL_CTX_use_PrivateKey(tls_, identity.key.get());
    SSL_CTX_set_session_cache_mode(tls_, SSL_SESS_CACHE_SERVER);
    if (newest != 0) {
        SSL_CTX_set_security_level(tls_, 0);  // TLS 1.1 and older sign with SHA-1
        SSL_CTX_set_min_proto_version(tls_, TLS1_VERSION);
        SSL_CTX_set_max_proto_version(tls_, newest);
    }
    listen();
}

void WebServer::listen() {
    std::signal(SIGPIPE, SIG_IGN);  // SSL_write has no MSG_NOSIGNAL
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 64) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
        throw std::runtime_error("no port to listen on");
    }
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept(); });
}

WebServer::~WebServer() {
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    ::close(listener_);
    {
        const std::lock_guard lock(mutex_);
        for (const int fd : open_) {
            ::shutdown(fd, SHUT_RDWR);
        }
    }
    for (std::thread& connection : connections_) {
        connection.join();
    }
    SSL_CTX_free(tls_);
}

void WebServer::accept() {
    for (;;) {
        const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (fd < 0) {
            return;
        }
        const auto number = static_cast<std::size_t>(accepted_++);
        {
            const std::lock_guard lock(mutex_);
            open_.push_back(fd);
        }
        connections_.emplace_back([this, fd, number] { serve(fd, number); });
    }
}

void WebServer::serve(int fd, std::size_t number) {
    {
        SSL* const ssl = tls_ == nullptr ? nullptr : SSL_new(tls_);
        Peer peer(fd, ssl);
        if (ssl != nullptr) {
            SSL_set_fd(ssl, fd);
        }
        if (ssl == nullptr || SSL_accept(ssl) == 1) {
            scripts_[std::min(number, scripts_.size() - 1)](peer);
            if (ssl != nullptr) {
                // As web servers do: a session is good for resumption only if its connection was shut down.
                SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
            }
        } else {
            ++failed_handshakes_;
        }
    }
    const std::lock_guard lock(mutex_);
    std::erase(open_, fd);
    ::close(fd);
}

std::string ok(std::string_view body, std::string_view more_fields) {
    return "HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n" + std::string(more_fields) +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

}  // namespace grit::net::test
