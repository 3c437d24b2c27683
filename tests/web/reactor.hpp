// One thread of the test web: its event loop, what runs on it, and how late it is.
#pragma once

#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <unordered_set>

namespace grit::testweb {

/// Something that holds a socket and ends soon after it was told to.
class Stoppable {
  public:
    virtual ~Stoppable() = default;
    virtual void close() = 0;
};

/// Owns an event loop and counts what runs on it: `run()` returns once everything spawned has ended.
/// Threads: `stop()` may be called from any; all else from the thread in `run()`, or before it.
class Reactor {
  public:
    Reactor();
    Reactor(const Reactor&) = delete;
    Reactor& operator=(const Reactor&) = delete;

    [[nodiscard]] boost::asio::io_context& io() noexcept { return io_; }

    /// Starts a child; an exception that leaves it ends the process with its text.
    void spawn(boost::asio::awaitable<void> child);

    /// Keeps `one` informed of a stop for as long as the guard lives.
    class Guard {
      public:
        Guard(Reactor& reactor, Stoppable& one) : reactor_(reactor), one_(one) {
            reactor_.open_.insert(&one_);
            if (reactor_.stopping_) {
                one_.close();
            }
        }
        ~Guard() { reactor_.open_.erase(&one_); }
        Guard(const Guard&) = delete;
        Guard& operator=(const Guard&) = delete;

      private:
        Reactor& reactor_;
        Stoppable& one_;
    };

    void run();
    /// Closes everything open; idempotent.
    void stop();
    [[nodiscard]] bool stopping() const noexcept { return stopping_; }

    /// How much earlier than now an event may have become ready, nanoseconds: the lateness of a heartbeat over its
    /// last beats, the overdue one included.
    [[nodiscard]] std::int64_t lag_ns() const;

  private:
    using Clock = std::chrono::steady_clock;
    boost::asio::awaitable<void> beat();

    boost::asio::io_context io_;
    boost::asio::steady_timer heartbeat_;
    Clock::time_point due_;
    std::array<Clock::duration, 4> lateness_{};
    std::unordered_set<Stoppable*> open_;
    bool stopping_ = false;
};

}  // namespace grit::testweb
