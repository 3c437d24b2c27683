// A server on a socket of its own, run by a thread of its own, and a client that knows nothing of our code.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>
#include <thread>

#include "fake_backend.hpp"
#include "grit/admin/server.hpp"
#include "temp_folder.hpp"

namespace grit::admin::test {

using grit::test::TempFolder;

/// A blocking connection to a UNIX socket; gives up after ten seconds of silence.
class UnixClient {
  public:
    explicit UnixClient(const std::string& path) : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        const timeval limit{10, 0};
        ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, path.data(), path.size());
        connected_ = ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    }
    ~UnixClient() { ::close(socket_); }
    UnixClient(const UnixClient&) = delete;
    UnixClient& operator=(const UnixClient&) = delete;

    [[nodiscard]] bool connected() const { return connected_; }
    void send(std::string_view bytes) { (void)!::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL); }

    /// True once the other side has closed, whatever is still unread; false after ten seconds.
    [[nodiscard]] bool wait_for_hangup() const {
        pollfd wanted{socket_, POLLRDHUP, 0};
        return ::poll(&wanted, 1, 10'000) == 1;
    }
    /// Everything until the other side closes (or until silence).
    std::string read_all() {
        while (read_some()) {
        }
        return std::move(received_);
    }
    /// Everything up to and with `mark`; whatever came if the connection ends before.
    std::string read_until(std::string_view mark) {
        std::size_t at = std::string::npos;
        while ((at = received_.find(mark)) == std::string::npos && read_some()) {
        }
        const std::size_t size = at == std::string::npos ? received_.size() : at + mark.size();
        std::string text = received_.substr(0, size);
        received_.erase(0, size);
        return text;
    }
    /// One answer with a Content-Length.
    std::string read_reply() {
        const std::string head = read_until("\r\n\r\n");
        const auto at = head.find("Content-Length: ");
        const std::size_t size = at == std::string::npos ? 0 : std::stoul(head.substr(at + 16));
        while (received_.size() < size && read_some()) {
        }
        std::string reply = head + received_.substr(0, size);
        received_.erase(0, size);
        return reply;
    }

  private:
    bool read_some() {
        char buffer[4096];
        const ssize_t size = ::recv(socket_, buffer, sizeof buffer, 0);
        if (size > 0) {
            received_.append(buffer, static_cast<std::size_t>(size));
        }
        return size > 0;
    }

    int socket_;
    bool connected_ = false;
    std::string received_;
};

class RunningServer {
  public:
    explicit RunningServer(Backend& backend, Options options = {}) : logger_(LogLevel::debug, log_) {
        if (options.socket_path.empty()) {
            options.socket_path = folder_ / "s";
        }
        path_ = options.socket_path;
        server_ = std::make_unique<Server>(context_, std::move(options), backend, logger_);
        const auto started = server_->start();
        EXPECT_TRUE(started) << started.error().what;
        thread_ = std::thread([this] { context_.run(); });
    }
    ~RunningServer() { stop(); }
    RunningServer(const RunningServer&) = delete;
    RunningServer& operator=(const RunningServer&) = delete;

    /// Stops and waits: the context runs out of work once the last connection is closed.
    void stop() {
        if (thread_.joinable()) {
            boost::asio::post(context_, [this] { server_->stop(); });
            thread_.join();
        }
    }

    [[nodiscard]] const std::string& path() const { return path_; }
    /// Only after `stop()`.
    [[nodiscard]] const std::string& log() const { return log_; }
    [[nodiscard]] const TempFolder& folder() const { return folder_; }

    /// Sends one request on a connection of its own and gives the whole answer.
    [[nodiscard]] std::string ask(std::string_view method, std::string_view target, std::string_view body = {}) const {
        UnixClient client(path_);
        client.send(std::string(method) + " " + std::string(target) +
                    " HTTP/1.1\r\nHost: grit\r\nConnection: close\r\n" +
                    "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body));
        return client.read_all();
    }

  private:
    TempFolder folder_;
    std::string path_;
    std::string log_;
    Logger logger_;
    boost::asio::io_context context_{1};
    std::unique_ptr<Server> server_;
    std::thread thread_;
};

}  // namespace grit::admin::test
