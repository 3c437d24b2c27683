// The HTTP listener that Prometheus scrapes and that load balancers and people ask "are you well?".
//
// It is not the control socket: it reads, and changes nothing.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <string>

#include "grit/async/limiter.hpp"
#include "grit/async/task_group.hpp"
#include "grit/base/log.hpp"
#include "grit/base/result.hpp"
#include "grit/metrics/metrics.hpp"

namespace grit::exporter {

struct Page;  // src/exporter/page.hpp

/// Whether gritd does its work now, and if not, why: one line for a person.
struct Readiness {
    bool ok = false;
    std::string why;
};

/// What one client may cost.
struct Limits {
    std::chrono::milliseconds request{5'000};  ///< From the connection to the end of the answer.
    std::size_t connections = 16;              ///< At a time; more wait in the kernel's queue.
    std::uint32_t header_bytes = 8 * 1024;     ///< Of a request's head; longer ones are answered with 431.
};

/// Serves GET and HEAD of `/metrics`, `/healthz` and `/readyz` (200, or 503 with the reason) and `/` (links).
///
/// Anything else is 404, another method 405. A connection carries one request and is closed: Prometheus reconnects, and
/// an idle client holds no place.
/// Threads: the io_context's one thread only, which also calls `healthy` and `ready`. Making the text of `/metrics`
/// takes that thread for about a millisecond, so give it an io_context that no shard runs on. Lifetime: call `stop()`
/// and await `join()` (or let the io_context run dry) before it is destroyed.
class Exporter {
  public:
    /// @param listen   "ip:port" or "[v6]:port"; port 0 takes any free one.
    /// @param healthy  false: a restart is in order.
    /// @param ready    false: alive, but not at work (starting, paused by a fault of its own).
    Exporter(boost::asio::io_context& context, std::string listen, const metrics::Metrics& metrics,
             std::function<bool()> healthy, std::function<Readiness()> ready, const Logger& log, Limits limits = {});
    Exporter(const Exporter&) = delete;
    Exporter& operator=(const Exporter&) = delete;

    /// Listens and begins to serve. Errors: the address is no address, is taken, or is not this machine's.
    [[nodiscard]] Checked<void> start();

    /// The port that is listened on, after `start()`.
    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

    /// Closes the listener and every connection. Idempotent.
    void stop();

    /// Resumes when nothing runs any more, after `stop()`.
    [[nodiscard]] boost::asio::awaitable<void> join() { return tasks_.join(); }

  private:
    class OpenStream;
    using Request = boost::beast::http::request<boost::beast::http::empty_body>;

    ErrorCode listen_on(const boost::asio::ip::tcp::endpoint& endpoint);
    boost::asio::awaitable<void> accept_all();
    boost::asio::awaitable<void> serve(boost::asio::ip::tcp::socket socket, Limiter::Permit place);
    [[nodiscard]] Page page_for(const Request& request) const;

    boost::asio::io_context& context_;
    std::string listen_;
    const metrics::Metrics& metrics_;
    std::function<bool()> healthy_;
    std::function<Readiness()> ready_;
    const Logger& log_;
    Limits limits_;
    boost::asio::ip::tcp::acceptor acceptor_;
    std::uint16_t port_ = 0;
    Limiter places_;
    std::set<boost::beast::tcp_stream*> open_;  // Owned by the children, each lists its own.
    TaskGroup tasks_;                           // Last: its children use the rest.
};

}  // namespace grit::exporter
