#include "grit/async/wakeup.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace grit {
namespace asio = boost::asio;

void Wakeup::notify() {
    notified_ = true;
    timer_.cancel();
}

asio::awaitable<void> Wakeup::wait_until(SteadyTime until) {
    if (!notified_) {
        timer_.expires_at(until);
        co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
    }
    notified_ = false;
}

}  // namespace grit
