// One waiter that others wake: the heart of a loop that sleeps until there is something to do.
#pragma once

#include "grit/base/clock.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

namespace grit {

/// An event that resets itself: a `notify()` before the wait is not lost.
/// Threads: the io_context's one thread only; one waiter.
class Wakeup {
  public:
    explicit Wakeup(boost::asio::io_context& context) : timer_(context) {}

    void notify();

    /// Resumes at the next `notify()`, at `until`, or when cancelled, whichever is first.
    [[nodiscard]] boost::asio::awaitable<void> wait_until(SteadyTime until);

  private:
    boost::asio::steady_timer timer_;
    bool notified_ = false;
};

}  // namespace grit
