// A server whose every connection follows a script of the test, on threads of its own, over plain TCP or TLS.
#pragma once

#include <openssl/ssl.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "certificates.hpp"

namespace grit::net::test {

/// The server's end of one connection. Calls block; each fails quietly when the client is gone.
class Peer {
  public:
    Peer(int fd, SSL* ssl) : fd_(fd), ssl_(ssl) {}
    ~Peer();
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;

    /// The head of the next request; empty if the client closed.
    std::string read_request();
    /// Any bytes; empty if the client closed.
    std::string read_some();
    void send(std::string_view bytes);
    /// Past TLS, if there is any.
    void send_raw(std::string_view bytes);
    /// Whether the client has closed by then; what it says is dropped.
    [[nodiscard]] bool closed_within(std::chrono::milliseconds time);
    /// An orderly end: close_notify if this is TLS, then FIN.
    void close();
    /// FIN, and for TLS no close_notify.
    void cut();
    /// RST.
    void reset();
    /// Returns when the client has closed.
    void wait_closed();
    [[nodiscard]] bool resumed() const { return ssl_ != nullptr && SSL_session_reused(ssl_) == 1; }
    [[nodiscard]] std::string server_name() const;

  private:
    int fd_;
    SSL* ssl_;
    std::string received_;
};

class WebServer {
  public:
    using Script = std::function<void(Peer&)>;

    /// Plain TCP. The n-th connection follows the n-th script; the last one is followed by all later ones.
    explicit WebServer(std::vector<Script> scripts);
    /// TLS with that certificate.
    /// @param newest  TLS version it goes up to; 0: the library's. Of an old one also what OpenSSL calls insecure.
    WebServer(const Identity& identity, std::vector<Script> scripts, int newest = 0);
    /// Ends what clients have left open.
    ~WebServer();
    WebServer(const WebServer&) = delete;
    WebServer& operator=(const WebServer&) = delete;

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    [[nodiscard]] int accepted() const noexcept { return accepted_; }
    /// TLS handshakes that did not come to their end.
    [[nodiscard]] int failed_handshakes() const noexcept { return failed_handshakes_; }

  private:
    void listen();
    void accept();
    void serve(int fd, std::size_t number);

    const std::vector<Script> scripts_;
    SSL_CTX* tls_ = nullptr;
    int listener_ = -1;
    std::uint16_t port_ = 0;
    std::atomic<int> accepted_{0};
    std::atomic<int> failed_handshakes_{0};
    std::mutex mutex_;
    std::vector<int> open_;  // guarded by mutex_
    std::list<std::thread> connections_;
    std::thread acceptor_;
};

/// A flag that one thread sets and others wait for.
class Signal {
  public:
    void set() {
        const std::lock_guard lock(mutex_);
        set_ = true;
        changed_.notify_all();
    }
    void wait() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return set_; });
    }
    [[nodiscard]] bool is_set() {
        const std::lock_guard lock(mutex_);
        return set_;
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool set_ = false;
};

/// "HTTP/1.1 200 OK" with Content-Length.
[[nodiscard]] std::string ok(std::string_view body, std::string_view more_fields = "");

}  // namespace grit::net::test
