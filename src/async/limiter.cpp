#include "grit/async/limiter.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

namespace grit {
namespace asio = boost::asio;

asio::awaitable<Limiter::Permit> Limiter::acquire() {
    if (free_ > 0 && waiters_.empty()) {
        --free_;
        co_return Permit(*this);
    }
    co_await asio::this_coro::throw_if_cancelled(false);
    const auto waiter = waiters_.emplace(waiters_.end(), context_);
    waiter->timer.expires_at(asio::steady_timer::time_point::max());
    co_await waiter->timer.async_wait(asio::as_tuple(asio::use_awaitable));
    const bool granted = waiter->granted;
    waiters_.erase(waiter);
    co_await asio::this_coro::throw_if_cancelled(true);
    if (!granted) {
        throw boost::system::system_error(asio::error::operation_aborted);
    }
    co_return Permit(*this);
}

void Limiter::release() {
    for (Waiter& waiter : waiters_) {
        if (!waiter.granted) {
            waiter.granted = true;
            waiter.timer.cancel();
            return;
        }
    }
    ++free_;
}

}  // namespace grit
