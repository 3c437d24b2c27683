#include "adopt_job.hpp"

#include <utility>

namespace grit::daemon {

Checked<void> AdoptJob::begin(const dataset::AdoptionOrder& order, std::uint32_t by_uid) {
    AdoptState state;
    state.order = order;
    state.began_ms = clock_.wall_now().time_since_epoch().count();
    state.running = true;
    auto begun = job_.begin(std::move(state), "an adoption is under way: one at a time (gritctl adopt --stop ends it)",
                            [this](AdoptState given) { run(std::move(given)); });
    if (begun) {
        log_.info("adopt.begun", {{"dir", order.folder}, {"failures", order.failures}, {"uid", by_uid}});
    }
    return begun;
}

void AdoptJob::run(AdoptState state) {
    const SteadyTime began = clock_.now();
    const auto publish = [&](const dataset::AdoptionProgress& progress) {
        state.progress = progress;
        state.seconds = std::chrono::duration<double>(clock_.now() - began).count();
        job_.publish(state);
    };
    bool told = false;
    const auto look = [&](const dataset::AdoptionProgress& progress) {
        if (!std::exchange(told, true)) {
            on_adoptions_();
        }
        publish(progress);
        return !job_.stopping();
    };
    const auto noted = dataset::note_adoptions(writer_, state.order, look);
    state.running = false;
    state.stopped = job_.stopping();
    state.problem = noted ? std::string() : noted.error().what;
    publish(noted ? *noted : state.progress);
    const dataset::AdoptionProgress& done = state.progress;
    for (const std::string& damage : done.damage) {
        log_.warning("adopt.shard_damaged", {{"problem", damage}});
    }
    if (noted) {
        log_.info(state.stopped ? "adopt.stopped" : "adopt.done",
                  {{"dir", state.order.folder}, {"images", done.images}, {"final_failures", done.final_failures},
                   {"open_failures", done.open_failures}, {"damaged", done.damaged}, {"damaged_shards", done.damaged_shards},
                   {"seconds", state.seconds}});
    } else {
        log_.error("adopt.failed", {{"dir", state.order.folder}, {"problem", state.problem}});
    }
}

}  // namespace grit::daemon
