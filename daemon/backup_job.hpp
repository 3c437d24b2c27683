// A backup of the state, made beside the crawl.
#pragma once

#include "grit/base/background_job.hpp"
#include "grit/base/clock.hpp"
#include "grit/base/log.hpp"
#include "grit/dataset/state_copy.hpp"
#include "grit/store/env.hpp"

#include <cstdint>
#include <optional>
#include <string>

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

/// As BackgroundJob.
class BackupJob {
  public:
    BackupJob(store::Env& env, const Clock& clock, const Logger& log) : env_(env), clock_(clock), log_(log) {}

    /// Errors, in words: one is under way. What is wrong with the folder is told by the state.
    [[nodiscard]] Checked<void> begin(const std::string& folder, std::uint32_t by_uid);
    [[nodiscard]] std::optional<BackupState> state() const { return job_.state(); }
    /// One that is cut leaves nothing behind.
    void cancel() { job_.cancel(); }
    void stop() { job_.stop(); }

  private:
    void run(BackupState state);

    store::Env& env_;
    const Clock& clock_;
    const Logger& log_;
    BackgroundJob<BackupState> job_;
};

}  // namespace grit::daemon
