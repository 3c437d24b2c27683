#include "adopt_job.hpp"

#include "grit/dataset/waiting_adoptions.hpp"

#include <utility>

namespace grit::daemon {

Checked<void> AdoptJob::begin(AdoptState state) {
    state.began_ms = clock_.wall_now().time_since_epoch().count();
    state.running = true;
    return job_.begin(std::move(state), "an adoption is under way: one at a time (gritctl adopt --stop ends it)",
                      [this](AdoptState given) { given.forgets ? forget(std::move(given)) : note(std::move(given)); });
}

Checked<void> AdoptJob::begin(const dataset::AdoptionOrder& order, std::uint32_t by_uid) {
    AdoptState state;
    state.order = order;
    auto begun = begin(std::move(state));
    if (begun) {
        log_.info("adopt.begun", {{"dir", order.folder}, {"failures", order.failures}, {"uid", by_uid}});
    }
    return begun;
}

Checked<void> AdoptJob::begin_to_forget(std::uint32_t by_uid) {
    AdoptState state;
    state.forgets = true;
    auto begun = begin(std::move(state));
    if (begun) {
        log_.info("adopt.forgetting", {{"uid", by_uid}});
    }
    return begun;
}

void AdoptJob::end(AdoptState& state, std::string problem) {
    state.running = false;
    state.problem = std::move(problem);
    if (!state.problem.empty()) {
        log_.error("adopt.failed", {{"dir", state.order.folder}, {"problem", state.problem}});
    }
    job_.publish(state);
}

void AdoptJob::note(AdoptState state) {
    const SteadyTime began = clock_.now();
    bool told = false;
    const auto look = [&](const dataset::AdoptionProgress& progress) {
        if (!std::exchange(told, true)) {
            on_adoptions_();
        }
        state.progress = progress;
        state.seconds = std::chrono::duration<double>(clock_.now() - began).count();
        job_.publish(state);
        return !job_.stopping();
    };
    const auto noted = dataset::note_adoptions(writer_, state.order, look);
    state.progress = noted ? *noted : state.progress;
    const dataset::AdoptionProgress& done = state.progress;
    for (const std::string& damage : done.damage) {
        log_.warning("adopt.shard_damaged", {{"problem", damage}});
    }
    state.stopped = job_.stopping();
    if (noted) {
        log_.info(state.stopped ? "adopt.stopped" : "adopt.done",
                  {{"dir", state.order.folder}, {"images", done.images}, {"final_failures", done.final_failures},
                   {"open_failures", done.open_failures}, {"damaged", done.damaged}, {"damaged_shards", done.damaged_shards},
                   {"seconds", state.seconds}});
    }
    end(state, noted ? std::string() : noted.error().what);
}

void AdoptJob::forget(AdoptState state) {
    const SteadyTime began = clock_.now();
    const auto look = [&](std::uint64_t forgotten) {
        state.forgotten = forgotten;
        state.seconds = std::chrono::duration<double>(clock_.now() - began).count();
        job_.publish(state);
        return !job_.stopping();
    };
    const auto done = dataset::forget_adoptions(writer_, look);
    state.stopped = job_.stopping();
    if (done) {
        log_.info(state.stopped ? "adopt.stopped" : "adopt.forgotten", {{"urls", *done}, {"seconds", state.seconds}});
    }
    end(state, done ? std::string() : done.error().what);
}

}  // namespace grit::daemon
