#include "backup_job.hpp"

#include <utility>

namespace grit::daemon {

Checked<void> BackupJob::begin(const std::string& folder, std::uint32_t by_uid) {
    BackupState state;
    state.folder = folder;
    state.began_ms = clock_.wall_now().time_since_epoch().count();
    state.running = true;
    auto begun = job_.begin(std::move(state), "a backup is under way: one at a time (gritctl backup --stop ends it)",
                            [this](BackupState given) { run(std::move(given)); });
    if (begun) {
        log_.info("backup.begun", {{"dir", folder}, {"uid", by_uid}});
    }
    return begun;
}

void BackupJob::run(BackupState state) {
    const SteadyTime began = clock_.now();
    const std::uint64_t used = env_.stats().used_bytes;
    const auto look = [&](const dataset::CopyProgress& progress) {
        if (progress.files == 0) {
            state.state_grew_bytes = env_.stats().used_bytes - used;
        }
        state.progress = progress;
        state.seconds = std::chrono::duration<double>(clock_.now() - began).count();
        job_.publish(state);
        return !job_.stopping();
    };
    const auto made = dataset::back_up_state(env_, state.folder, clock_.wall_now(), look);
    state.running = false;
    state.stopped = !made && job_.stopping();
    state.problem = made || state.stopped ? std::string() : made.error().what;
    state.seconds = std::chrono::duration<double>(clock_.now() - began).count();
    job_.publish(state);
    if (made) {
        log_.info("backup.done", {{"dir", state.folder}, {"bytes", *made}, {"seconds", state.seconds}, {"state_grew_bytes", state.state_grew_bytes}});
    } else if (state.stopped) {
        log_.info("backup.stopped", {{"dir", state.folder}});
    } else {
        log_.error("backup.failed", {{"dir", state.folder}, {"problem", state.problem}});
    }
}

}  // namespace grit::daemon
