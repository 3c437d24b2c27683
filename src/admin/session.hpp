// One connection of the control socket: requests in, answers out, one after the other.
#pragma once

#include <sys/types.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <cstddef>
#include <string>

#include "grit/admin/server.hpp"
#include "router.hpp"

namespace grit::admin {

/// What all sessions of a server share. Lifetime: outlives them.
struct SessionContext {
    boost::asio::io_context& io;
    const Options& options;
    Backend& backend;
    const Logger& logger;
    boost::asio::thread_pool& workers;  ///< For what blocks.
    std::size_t sessions = 0;
    std::size_t streams = 0;  ///< Sessions that stream events or an export now.
};

/// Who is at the other end, as the kernel says (SO_PEERCRED). For the log: within a user namespace (systemd's
/// PrivateUsers=) strangers are all 65534.
struct Peer {
    uid_t uid = static_cast<uid_t>(-1);
    pid_t pid = 0;
};

/// Threads: the control thread only.
class Session {
  public:
    using Protocol = boost::asio::local::stream_protocol;
    using Stream = boost::beast::basic_stream<Protocol>;

    Session(Protocol::socket socket, Peer peer, SessionContext& shared);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    /// Ends when the peer leaves, breaks the rules, is too slow, or when cancelled.
    [[nodiscard]] boost::asio::awaitable<void> run();

  private:
    /// What a request says about how its answer is to be written.
    struct Terms {
        unsigned http_version = 11;
        bool keep_alive = false;
    };

    // All of these return true if the connection may serve another request.
    boost::asio::awaitable<bool> answer(Routed routed, Terms terms);
    boost::asio::awaitable<bool> write_reply(const Reply& reply, Terms terms);
    boost::asio::awaitable<bool> stream_events(EventsWanted wanted, Terms terms);
    boost::asio::awaitable<bool> stream_export(ExportWanted wanted, Terms terms);

    boost::asio::awaitable<bool> write_stream_head(std::string_view content_type, Terms terms);
    boost::asio::awaitable<bool> write_piece(const std::string& piece, Terms terms);
    boost::asio::awaitable<bool> end_stream(Terms terms);

    void log_dropped(bool stopped) const;
    void log_action(const Routed& routed) const;

    SessionContext& shared_;
    Router router_;
    Peer peer_;
    Stream stream_;
    boost::beast::flat_buffer buffer_;
};

}  // namespace grit::admin
