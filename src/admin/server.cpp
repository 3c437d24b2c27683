#include "grit/admin/server.hpp"

#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "grit/async/task_group.hpp"
#include "session.hpp"
#include "socket_file.hpp"

namespace grit::admin {
namespace asio = boost::asio;

namespace {

using Protocol = Session::Protocol;

// After accept(2) fails for want of descriptors or memory: long enough not to spin, short enough for an operator.
constexpr std::chrono::milliseconds kAcceptPause{100};

Peer peer_of(Protocol::socket& socket) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    Peer peer;
    if (::getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0) {
        peer.uid = credentials.uid;
        peer.pid = credentials.pid;
    }
    return peer;
}

// One write to a fresh socket always finds room, so nobody has to wait for it.
void refuse(Protocol::socket& socket) {
    static constexpr std::string_view kBusy =
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\nConnection: close\r\n"
        "Content-Length: 136\r\n\r\n"
        R"({"type":"about:blank","title":"Service Unavailable","status":503,"detail":"too many connections","hint":"try again when one is closed"})"
        "\n";
    static_assert(kBusy.size() - kBusy.find('{') == 136);
    ErrorCode ignored;
    socket.non_blocking(true, ignored);
    socket.write_some(asio::buffer(kBusy.data(), kBusy.size()), ignored);
    socket.shutdown(Protocol::socket::shutdown_both, ignored);
}

}  // namespace

class Server::Impl {
  public:
    Impl(asio::io_context& context, Options options, Backend& backend, const Logger& logger)
        : options_(std::move(options)),
          logger_(logger),
          context_(context),
          shared_{context, options_, backend, logger, workers_},
          children_(context),
          acceptor_(context) {}

    Checked<void> start();
    void stop();
    asio::awaitable<void> join() { co_await children_.join(); }

  private:
    asio::awaitable<void> accept_all();
    asio::awaitable<void> serve(Protocol::socket socket, Peer peer);

    Options options_;
    const Logger& logger_;
    asio::io_context& context_;
    asio::thread_pool workers_{2};  // exports, retries and look-ups: a long one leaves room for another
    SessionContext shared_;
    TaskGroup children_;
    SocketFile file_;
    Protocol::acceptor acceptor_;
};

Checked<void> Server::Impl::start() {
    auto file = SocketFile::listen(options_.socket_path, options_.mode);
    if (!file) {
        return file.error();
    }
    file_ = std::move(*file);
    ErrorCode error;
    acceptor_.assign(Protocol(), file_.release_descriptor(), error);
    if (error) {
        return Problem{"can not listen on the control socket: " + error.message()};
    }
    children_.spawn(accept_all());
    logger_.info("admin.listening", {{"socket", options_.socket_path}});
    return {};
}

void Server::Impl::stop() {
    ErrorCode ignored;
    acceptor_.close(ignored);
    file_.remove();
    children_.stop();
}

asio::awaitable<void> Server::Impl::accept_all() {
    asio::steady_timer pause(context_);
    while (acceptor_.is_open()) {
        Protocol::socket socket(context_);
        const auto [error] = co_await acceptor_.async_accept(socket, asio::as_tuple(asio::use_awaitable));
        if (error == asio::error::operation_aborted) {
            co_return;
        }
        if (error) {
            logger_.warning("admin.accept_failed", {{"error", error.message()}});
            pause.expires_after(kAcceptPause);
            co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
            continue;
        }
        if (shared_.sessions >= options_.max_connections) {
            logger_.warning("admin.connection_refused", {{"open", shared_.sessions}});
            refuse(socket);
            continue;
        }
        const Peer peer = peer_of(socket);
        children_.spawn(serve(std::move(socket), peer));
    }
}

asio::awaitable<void> Server::Impl::serve(Protocol::socket socket, Peer peer) {
    Session session(std::move(socket), peer, shared_);
    co_await session.run();
}

Server::Server(asio::io_context& context, Options options, Backend& backend, const Logger& logger)
    : impl_(std::make_unique<Impl>(context, std::move(options), backend, logger)) {}

Server::~Server() = default;

Checked<void> Server::start() {
    return impl_->start();
}

void Server::stop() {
    impl_->stop();
}

asio::awaitable<void> Server::join() {
    return impl_->join();
}

}  // namespace grit::admin
