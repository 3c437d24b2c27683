// The control socket: HTTP/1.1 and JSON over a UNIX socket (docs/admin_api.md).
//
// Who may connect is decided by the socket file's mode and group alone; whoever can connect may do everything.
#pragma once

#include <sys/types.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "grit/admin/backend.hpp"
#include "grit/base/log.hpp"
#include "grit/base/result.hpp"

namespace grit::admin {

/// The version of `/v1`: within 1.x things are added, never changed or taken away (semver.org).
inline constexpr std::string_view kApiVersion = "1.0.0";

struct Options {
    std::string socket_path;                       ///< At most 106 bytes (sockaddr_un, less one for a temporary name).
    mode_t mode = 0660;                            ///< Of the socket file.
    std::size_t max_connections = 32;              ///< More are told 503 and closed.
    std::size_t max_streams = 24;                  ///< Exports and event streams among them: commands stay possible.
    std::size_t max_request_bytes = 64 * 1024;     ///< Of a request's head and of its body, each.
    std::chrono::milliseconds idle_limit{10'000};  ///< For a whole request to arrive.
    std::chrono::milliseconds write_limit{
        5'000};  ///< For one piece of an answer to be taken: slower readers are dropped.
    std::chrono::milliseconds event_interval{1'000};  ///< Between two looks at the status on `/v1/events`.
    std::chrono::milliseconds heartbeat{15'000};      ///< Longest silence on `/v1/events`.
};

/// Answers on the socket until stopped.
///
/// Threads: one thread runs `context` and touches the server; exports are made on a second thread of the server's own.
/// Lifetime: backend, logger and context outlive it. After a good `start()`: `stop()`, then await `join()`, then
/// destroy.
class Server {
  public:
    Server(boost::asio::io_context& context, Options options, Backend& backend, const Logger& logger);
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    /// Makes the socket file and begins to accept. A socket file that nobody answers on (a daemon that was killed) is
    /// replaced. A missing last folder of the path is made.
    /// @return a Problem if another daemon answers there, if the path is no socket, or for want of permission.
    [[nodiscard]] Checked<void> start();

    /// Accepts no more, cuts idle connections and exports, ends event streams with an `end` event. Takes the socket
    /// file away. Idempotent.
    void stop();

    /// Resumes when the last connection is closed.
    [[nodiscard]] boost::asio::awaitable<void> join();

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace grit::admin
