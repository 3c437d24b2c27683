#include "reactor.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdio>
#include <exception>
#include <vector>

namespace grit::testweb {
namespace {

constexpr std::chrono::milliseconds kBeat{5};

void die(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const std::exception& e) {
        std::fprintf(stderr, "test web: %s\n", e.what());
    }
    std::abort();
}

}  // namespace

Reactor::Reactor() : io_(1), heartbeat_(io_), due_(Clock::now() + kBeat) {}

void Reactor::spawn(boost::asio::awaitable<void> child) {
    boost::asio::co_spawn(io_, std::move(child), [](const std::exception_ptr& error) {
        if (error) {
            die(error);
        }
    });
}

boost::asio::awaitable<void> Reactor::beat() {
    for (std::size_t turn = 0; !stopping_; ++turn) {
        due_ = Clock::now() + kBeat;
        heartbeat_.expires_at(due_);
        co_await heartbeat_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
        lateness_[turn % lateness_.size()] = Clock::now() - due_;
    }
}

std::int64_t Reactor::lag_ns() const {
    const Clock::duration worst = *std::max_element(lateness_.begin(), lateness_.end());
    const Clock::duration lag = std::max(worst, Clock::now() - due_);
    return std::max<std::int64_t>(0, std::chrono::duration_cast<std::chrono::nanoseconds>(lag).count());
}

void Reactor::run() {
    spawn(beat());
    io_.run();
}

void Reactor::stop() {
    boost::asio::post(io_, [this] {
        stopping_ = true;
        heartbeat_.cancel();
        const std::vector<Stoppable*> open(open_.begin(), open_.end());
        for (Stoppable* one : open) {
            one->close();
        }
    });
}

}  // namespace grit::testweb
