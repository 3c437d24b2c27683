// Several addresses of one host, dialled beside each other: who answers first is taken.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "connection.hpp"

namespace grit::net {

/// When destroyed, every connection that is still dialled is closed at once, and its place given back.
/// Threads: the io_context's one thread.
class DialRace {
  public:
    struct Attempt {
        std::unique_ptr<Connection> connection;  // null once it is taken or has failed
        boost::asio::ip::address address;
        std::optional<ErrorCode> end;  // how it ended
    };

    explicit DialRace(boost::asio::io_context& context);
    ~DialRace();
    DialRace(const DialRace&) = delete;
    DialRace& operator=(const DialRace&) = delete;

    void start(std::unique_ptr<Connection> connection, std::uint16_t port, std::chrono::nanoseconds limit);

    /// Ends the attempts that are under way, as timed out; they count as running until the system has let go of them.
    void give_up();

    /// Resumes when an attempt ends, or after the time; at once if none is under way.
    /// Cancellation: terminal; then it returns early, or throws.
    [[nodiscard]] boost::asio::awaitable<void> wait(std::chrono::nanoseconds time);

    /// In the order of their starts.
    [[nodiscard]] std::vector<Attempt>& attempts() noexcept;
    /// Attempts that have not ended.
    [[nodiscard]] std::size_t running() const noexcept;

  private:
    struct State;
    std::shared_ptr<State> state_;  // completions that come late hold it
};

}  // namespace grit::net
