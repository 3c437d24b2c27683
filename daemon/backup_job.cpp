#include "backup_job.hpp"

#include "grit/base/low_priority.hpp"

#include <utility>

namespace grit::daemon {

Checked<void> BackupJob::begin(const std::string& folder, std::uint32_t by_uid) {
    if (const auto last = state(); closed_ || (last && last->running)) {
        return Problem{closed_ ? "gritd is ending" : "a backup is under way: one at a time (gritctl backup --stop ends it)"};
    }
    if (thread_.joinable()) {
        thread_.join();  // of the last one, which has ended
    }
    stopping_ = false;
    BackupState state;
    state.folder = folder;
    state.began_ms = clock_.wall_now().time_since_epoch().count();
    state.running = true;
    publish(state);
    log_.info("backup.begun", {{"dir", folder}, {"uid", by_uid}});
    thread_ = std::thread([this, state = std::move(state)]() mutable { run(std::move(state)); });
    return {};
}

void BackupJob::run(BackupState state) {
    give_way_to_others();
    const SteadyTime began = clock_.now();
    const std::uint64_t used = env_.stats().used_bytes;
    const auto look = [&](const dataset::CopyProgress& progress) {
        if (progress.files == 0) {
            state.state_grew_bytes = env_.stats().used_bytes - used;
        }
        state.progress = progress;
        state.seconds = std::chrono::duration<double>(clock_.now() - began).count();
        publish(state);
        return !stopping_;
    };
    const auto made = dataset::back_up_state(env_, state.folder, clock_.wall_now(), look);
    state.running = false;
    state.stopped = !made && stopping_;
    state.problem = made || state.stopped ? std::string() : made.error().what;
    state.seconds = std::chrono::duration<double>(clock_.now() - began).count();
    publish(state);
    if (made) {
        log_.info("backup.done", {{"dir", state.folder}, {"bytes", *made}, {"seconds", state.seconds}, {"state_grew_bytes", state.state_grew_bytes}});
    } else if (state.stopped) {
        log_.info("backup.stopped", {{"dir", state.folder}});
    } else {
        log_.error("backup.failed", {{"dir", state.folder}, {"problem", state.problem}});
    }
}

std::optional<BackupState> BackupJob::state() const {
    const std::lock_guard lock(mutex_);
    return state_;
}

void BackupJob::publish(const BackupState& state) {
    const std::lock_guard lock(mutex_);
    state_ = state;
}

void BackupJob::stop() {
    closed_ = true;
    cancel();
    if (thread_.joinable()) {
        thread_.join();
    }
}

}  // namespace grit::daemon
