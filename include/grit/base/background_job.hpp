// A long job beside everything else: begun, looked at and ended by an operator.
#pragma once

#include "grit/base/low_priority.hpp"
#include "grit/base/result.hpp"

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

namespace grit {

/// One job at a time, on a thread of its own that gives way to all others.
/// @tparam State  what is told of it; has a member `running`.
/// Threads: all functions from one thread, but `publish` and `stopping`, which are the job's. Lifetime: what the job refers
/// to outlives `stop()`.
template <class State>
class BackgroundJob {
  public:
    BackgroundJob() = default;
    ~BackgroundJob() { stop(); }
    BackgroundJob(const BackgroundJob&) = delete;
    BackgroundJob& operator=(const BackgroundJob&) = delete;

    /// @param busy  what is said where one is under way.
    /// @param work  ends soon once `stopping()`, and publishes a state that is not running at its end.
    /// Errors, in words: one is under way; it was stopped for good.
    [[nodiscard]] Checked<void> begin(State state, const std::string& busy, std::function<void(State)> work) {
        if (const auto last = this->state(); closed_ || (last && last->running)) {
            return Problem{closed_ ? "gritd is ending" : busy};
        }
        if (thread_.joinable()) {
            thread_.join();  // of the last one, which has ended
        }
        stopping_ = false;
        publish(state);
        thread_ = std::thread([work = std::move(work), state = std::move(state)]() mutable {
            give_way_to_others();
            work(std::move(state));
        });
        return {};
    }
    /// Of the one under way, or the last one; nothing if there was none.
    [[nodiscard]] std::optional<State> state() const {
        const std::lock_guard lock(mutex_);
        return state_;
    }
    void publish(const State& state) {
        const std::lock_guard lock(mutex_);
        state_ = state;
    }
    [[nodiscard]] bool stopping() const noexcept { return stopping_; }
    /// The same, for functions that look at it themselves. As long as this object.
    [[nodiscard]] const std::atomic<bool>& stop_flag() const noexcept { return stopping_; }
    /// The one under way ends soon. Does not wait.
    void cancel() noexcept { stopping_ = true; }
    /// As `cancel`, and waits: another one may begin.
    void interrupt() {
        cancel();
        if (thread_.joinable()) {
            thread_.join();
        }
    }
    /// As `interrupt`, for good. Idempotent.
    void stop() {
        closed_ = true;
        interrupt();
    }

  private:
    std::thread thread_;
    std::atomic<bool> stopping_{false};
    bool closed_ = false;
    mutable std::mutex mutex_;
    std::optional<State> state_;
};

}  // namespace grit
