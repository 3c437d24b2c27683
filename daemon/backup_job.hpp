// A backup of the state, made beside the crawl.
#pragma once

#include "grit/base/clock.hpp"
#include "grit/base/log.hpp"
#include "grit/dataset/state_copy.hpp"
#include "grit/store/env.hpp"

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace grit::daemon {

struct BackupState {
    std::string folder;
    std::int64_t began_ms = 0;  ///< Wall time, ms since 1970.
    dataset::CopyProgress progress;
    std::uint64_t state_grew_bytes = 0;  ///< By what was committed while the tables were copied.
    double seconds = 0;
    bool running = false;
    bool stopped = false;
    std::string problem;
};

/// One backup at a time, on a thread of its own that gives way to all others.
/// Threads: all functions from one thread. Lifetime: all that it is given outlives it.
class BackupJob {
  public:
    BackupJob(store::Env& env, const Clock& clock, const Logger& log) : env_(env), clock_(clock), log_(log) {}
    ~BackupJob() { stop(); }
    BackupJob(const BackupJob&) = delete;
    BackupJob& operator=(const BackupJob&) = delete;

    /// Errors, in words: one is under way. What is wrong with the folder is told by the state.
    [[nodiscard]] Checked<void> begin(const std::string& folder, std::uint32_t by_uid);
    /// Of the one under way, or the last one; nothing if there was none.
    [[nodiscard]] std::optional<BackupState> state() const;
    /// The one under way ends soon, and leaves nothing behind. Does not wait.
    void cancel() { stopping_ = true; }
    /// As `cancel`, for good, and waits. Idempotent.
    void stop();

  private:
    void run(BackupState state);
    void publish(const BackupState& state);

    store::Env& env_;
    const Clock& clock_;
    const Logger& log_;
    std::thread thread_;
    std::atomic<bool> stopping_{false};
    bool closed_ = false;
    mutable std::mutex mutex_;
    std::optional<BackupState> state_;
};

}  // namespace grit::daemon
