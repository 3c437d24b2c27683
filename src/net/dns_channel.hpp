// One c-ares channel driven by an io_context: sockets and time-outs, nothing of names.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "dns_answer.hpp"

struct ares_channeldata;
struct ares_addrinfo;

namespace grit::net {

enum class DnsFamily { v4, v6 };

/// Threads: the io_context's one thread.
class DnsChannel {
  public:
    using OnAnswer = std::function<void(FamilyAnswer)>;

    /// @param servers  comma-separated; empty: those of resolv.conf.
    /// @throw std::runtime_error if c-ares refuses them or can not start.
    DnsChannel(boost::asio::io_context& context, const std::string& servers, std::chrono::milliseconds timeout,
               int tries);
    /// Drops what is outstanding: its callbacks do not run.
    ~DnsChannel();
    DnsChannel(const DnsChannel&) = delete;
    DnsChannel& operator=(const DnsChannel&) = delete;

    /// Asks for the addresses of one family. `on_answer` runs exactly once, perhaps within this call, never within a
    /// call of c-ares: it may ask again.
    void query(const std::string& host, DnsFamily family, OnAnswer on_answer);

    /// Queries that have no answer yet.
    [[nodiscard]] std::size_t outstanding() const noexcept { return outstanding_; }

  private:
    struct Socket;
    struct Query;
    static void on_socket_state(void* self, int fd, int readable, int writable);
    static void on_addrinfo(void* query, int status, int timeouts, ares_addrinfo* found);
    static int open_socket(int domain, int type, int protocol, void* self);

    void use_own_sockets();
    void watch(int fd, bool readable, bool writable);
    static void wait_readable(const std::shared_ptr<Socket>& socket);
    static void wait_writable(const std::shared_ptr<Socket>& socket);
    void process(int read_fd, int write_fd);
    void arm_timer();
    void deliver();

    boost::asio::io_context& context_;
    ares_channeldata* channel_ = nullptr;
    std::unordered_map<int, std::shared_ptr<Socket>> sockets_;
    boost::asio::steady_timer timer_;
    std::shared_ptr<DnsChannel*> self_;  // null within once the channel is gone: for handlers that come late
    std::vector<std::pair<OnAnswer, FamilyAnswer>> answers_;  // made within c-ares, delivered outside
    std::size_t outstanding_ = 0;
    bool timer_armed_ = false;
    bool delivering_ = false;
    bool no_socket_left_ = false;
};

}  // namespace grit::net
