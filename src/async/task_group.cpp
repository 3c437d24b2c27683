#include "grit/async/task_group.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <cassert>
#include <exception>

namespace grit {
namespace asio = boost::asio;

namespace {

void rethrow_unless_cancelled(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const boost::system::system_error& e) {
        if (e.code() != asio::error::operation_aborted) {
            throw;
        }
    }
}

}  // namespace

TaskGroup::TaskGroup(asio::io_context& context) : context_(context), empty_(context) {
    empty_.expires_at(asio::steady_timer::time_point::max());
}

TaskGroup::~TaskGroup() { assert(children_.empty() && "stop() and join() a TaskGroup before it is destroyed"); }

void TaskGroup::spawn(asio::awaitable<void> task) {
    if (stopping_) {
        return;
    }
    const auto child = children_.emplace(children_.end());
    const auto on_end = [this, child](const std::exception_ptr& error) {
        finished(child);
        if (error) {
            rethrow_unless_cancelled(error);
        }
    };
    asio::co_spawn(context_, begin(std::move(task), *child), asio::bind_cancellation_slot(child->cancellation.slot(), on_end));
}

asio::awaitable<void> TaskGroup::begin(asio::awaitable<void> task, Child& child) {
    if (stopping_) {
        co_return;
    }
    child.begun = true;
    co_await std::move(task);
}

void TaskGroup::stop() {
    stopping_ = true;
    // A child that ends on the spot takes itself off the list, so the next one is found before the signal goes out. To one that
    // has not begun none is sent: what co_spawn does before it would throw it out of the loop. It sees for itself.
    for (auto child = children_.begin(); child != children_.end();) {
        if (const auto current = child++; current->begun) {
            current->cancellation.emit(asio::cancellation_type::terminal);
        }
    }
}

asio::awaitable<void> TaskGroup::join() {
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    while (!children_.empty()) {
        co_await empty_.async_wait(asio::as_tuple(asio::use_awaitable));
    }
}

void TaskGroup::finished(std::list<Child>::iterator child) {
    children_.erase(child);
    if (children_.empty()) {
        empty_.cancel();
    }
}

}  // namespace grit
