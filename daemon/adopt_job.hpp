// The taking over of what another program has fetched, noted beside the crawl.
#pragma once

#include "grit/base/background_job.hpp"
#include "grit/base/clock.hpp"
#include "grit/base/log.hpp"
#include "grit/dataset/adoption.hpp"
#include "grit/store/writer.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace grit::daemon {

struct AdoptState {
    bool forgets = false;  ///< Gives up what was noted, instead of noting more.
    std::uint64_t forgotten = 0;
    dataset::AdoptionOrder order;
    std::int64_t began_ms = 0;  ///< Wall time, ms since 1970.
    dataset::AdoptionProgress progress;
    double seconds = 0;
    bool running = false;
    bool stopped = false;
    std::string problem;
};

/// As BackgroundJob.
class AdoptJob {
  public:
    /// @param on_adoptions  told when the state has the first ones. Called on the job's thread.
    AdoptJob(store::Writer& writer, const Clock& clock, const Logger& log, std::function<void()> on_adoptions)
        : writer_(writer), clock_(clock), log_(log), on_adoptions_(std::move(on_adoptions)) {}

    /// Errors, in words: one is under way. What is wrong with the folder is told by the state.
    [[nodiscard]] Checked<void> begin(const dataset::AdoptionOrder& order, std::uint32_t by_uid);
    [[nodiscard]] std::optional<AdoptState> state() const { return job_.state(); }
    /// Gives up all that was noted and waits for its URL. Errors: as of `begin`.
    [[nodiscard]] Checked<void> begin_to_forget(std::uint32_t by_uid);
    /// What was noted until then stays so; what is not forgotten, too.
    void cancel() { job_.cancel(); }
    void stop() { job_.stop(); }

  private:
    [[nodiscard]] Checked<void> begin(AdoptState state);
    void note(AdoptState state);
    void forget(AdoptState state);
    void end(AdoptState& state, std::string problem);

    store::Writer& writer_;
    const Clock& clock_;
    const Logger& log_;
    std::function<void()> on_adoptions_;
    BackgroundJob<AdoptState> job_;
};

}  // namespace grit::daemon
