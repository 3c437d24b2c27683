// At most so many at a time, first come first served.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstddef>
#include <list>
#include <utility>

namespace grit {

/// A counted semaphore for coroutines of one thread.
/// Lifetime: outlives its permits and waiters.
class Limiter {
  public:
    Limiter(boost::asio::io_context& context, std::size_t limit) : context_(context), free_(limit) {}

    /// One of the places; gives it back when destroyed.
    class Permit {
      public:
        Permit() = default;
        explicit Permit(Limiter& limiter) : limiter_(&limiter) {}
        Permit(Permit&& other) noexcept : limiter_(std::exchange(other.limiter_, nullptr)) {}
        Permit& operator=(Permit&& other) noexcept {
            std::swap(limiter_, other.limiter_);
            return *this;
        }
        ~Permit() {
            if (limiter_ != nullptr) {
                limiter_->release();
            }
        }

      private:
        Limiter* limiter_ = nullptr;
    };

    /// Waits for a place. Cancellation: terminal; no place is taken then, and operation_aborted is thrown.
    [[nodiscard]] boost::asio::awaitable<Permit> acquire();

    [[nodiscard]] std::size_t free_places() const noexcept { return free_; }
    [[nodiscard]] std::size_t waiting() const noexcept { return waiters_.size(); }

  private:
    struct Waiter {
        explicit Waiter(boost::asio::io_context& context) : timer(context) {}
        boost::asio::steady_timer timer;
        bool granted = false;
    };
    void release();

    boost::asio::io_context& context_;
    std::size_t free_;
    std::list<Waiter> waiters_;
};

}  // namespace grit
