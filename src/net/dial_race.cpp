#include "dial_race.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/error.hpp>
#include <utility>

namespace grit::net {
namespace asio = boost::asio;

struct DialRace::State {
    explicit State(asio::io_context& context) : wake(context) {}

    asio::steady_timer wake;
    std::vector<Attempt> attempts;
    std::size_t running = 0;
    std::size_t ended = 0;  // since the last wait
    bool over = false;
};

DialRace::DialRace(asio::io_context& context) : state_(std::make_shared<State>(context)) {}

DialRace::~DialRace() {
    state_->over = true;
    state_->attempts.clear();
}

void DialRace::start(std::unique_ptr<Connection> connection, std::uint16_t port, std::chrono::nanoseconds limit) {
    Connection& dialled = *connection;
    const std::size_t number = state_->attempts.size();
    state_->attempts.push_back(Attempt{std::move(connection), dialled.address(), std::nullopt});
    ++state_->running;
    dialled.connect(port, limit, [state = state_, number](const ErrorCode& error) {
        if (state->over) {
            return;
        }
        if (!state->attempts[number].end) {
            state->attempts[number].end = error;
        }
        --state->running;
        ++state->ended;
        state->wake.cancel();
    });
}

void DialRace::give_up() {
    for (Attempt& attempt : state_->attempts) {
        if (!attempt.end) {
            attempt.end = boost::beast::error::timeout;
            attempt.connection.reset();
        }
    }
}

asio::awaitable<void> DialRace::wait(std::chrono::nanoseconds time) {
    if (state_->running > 0 && state_->ended == 0) {
        state_->wake.expires_after(time);
        co_await state_->wake.async_wait(asio::as_tuple(asio::use_awaitable));
    }
    state_->ended = 0;
}

std::vector<DialRace::Attempt>& DialRace::attempts() noexcept {
    return state_->attempts;
}

std::size_t DialRace::running() const noexcept {
    return state_->running;
}

}  // namespace grit::net
