// Whether what is recorded is on the disk: images are read again, beside the crawl, and held against their records.
//
// With `repair`, of an image that is broken, each step repeatable and a kill at any moment harmless:
//   1. record  in one transaction: every spelling leaves `url_to_path`, its row leaves `content`, the record waits for
//              a retry (charged to nobody), the file is noted as given up (`store::Removal::broken`)
// and when all that was to be looked at was:
//   2. others  a walk over all records: those that name a file which is given up go the same way
//   3. notes   become `due`: nobody names these files any more
//   4. files   are removed, durably, then the notes (removals.hpp)
// So a file goes when nobody names it, and a repair that was cut or stopped is finished by any later one, or by the next
// start (`resumed`).
#pragma once

#include "grit/archive/volumes.hpp"
#include "grit/base/background_job.hpp"
#include "grit/base/clock.hpp"
#include "grit/base/log.hpp"
#include "grit/crawl/requeue.hpp"
#include "grit/store/writer.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace grit::journal {
class Journal;
}

namespace grit::crawl {

class Removals;

/// What an operator asks for.
struct VerifyOrder {
    std::uint64_t sample = 0;  ///< So many images, drawn by lot; 0: all.
    bool repair = false;
    std::uint32_t by_uid = 0;
    std::vector<std::string> lost = {};  ///< Volumes that are lost: instead of looking, all that they held is asked for again.
    bool resumed = false;  ///< With `repair`: looks at nothing, only finishes what an earlier one had given up.
};

struct VerifyState {
    VerifyOrder order;
    std::int64_t began_ms = 0;       ///< Wall time, ms since 1970.
    std::uint64_t images_total = 0;  ///< To be looked at, as of the beginning.
    std::uint64_t bytes_total = 0;   ///< 0: not known.
    std::uint64_t checked = 0;       ///< Files.
    std::uint64_t bytes_read = 0;
    std::uint64_t shared = 0;   ///< Records that share a file of another record: that is looked at once.
    std::uint64_t changed = 0;  ///< Were changed while they were looked at (an opt-out): nothing is said of them.
    std::uint64_t on_volumes_out = 0;  ///< Images on volumes that are out: not looked at, nothing is said of them.
    std::uint64_t missing = 0;
    std::uint64_t wrong_size = 0;
    std::uint64_t wrong_digest = 0;
    std::uint64_t wrong_header = 0;  ///< In tar shards.
    std::uint64_t unreadable = 0;
    std::uint64_t requeued = 0;      ///< Records, those that share a file included.
    std::uint64_t files_left = 0;    ///< Files due for removal that lie on volumes which are out: they go when those are back.
    std::uint64_t damaged_rows = 0;  ///< Records that can not be understood: logged.
    double seconds = 0;              ///< It has taken.
    bool running = false;
    bool stopped = false;  ///< Before its end, by an operator or by the end of the daemon.
    std::string list;      ///< Path of the list of what is broken.
    std::string problem;   ///< Why it failed.

    [[nodiscard]] std::uint64_t broken() const noexcept { return missing + wrong_size + wrong_digest + wrong_header + unreadable; }
};

/// One verify at a time, on a thread of its own that gives way to all others.
///
/// Reads records in short transactions, and files in the order of their paths, some thousands at a time. What lies in
/// the page cache is believed to be what lies on the disk.
/// Writes STATE/verify/TIME.jsonl, a line per image that is broken.
/// Threads: all functions from one thread. Lifetime: all that it is given outlives it.
class Verify {
  public:
    struct Parts {
        store::Env& env;
        store::Writer& writer;
        archive::Volumes& volumes;
        const Clock& clock;
        const Clock& schedule;  ///< Of when what is broken is asked again.
        const Logger& log;
        /// Told of what waits again. Called on the verify's thread.
        RequeueListener& listener;
        Removals& removals;
        /// Results handed in so far, and those of them that are on record. Called on the verify's thread.
        std::function<std::uint64_t()> submitted;
        std::function<std::uint64_t()> recorded;
        journal::Journal* journal = nullptr;  ///< nothing: none is written
    };

    explicit Verify(Parts parts);
    ~Verify();
    Verify(const Verify&) = delete;
    Verify& operator=(const Verify&) = delete;

    /// Errors, in words: one is under way already.
    [[nodiscard]] Checked<void> begin(const VerifyOrder& order);
    [[nodiscard]] bool running() const;
    /// Of the one under way, or the last one; nothing if there was none.
    [[nodiscard]] std::optional<VerifyState> state() const;
    /// The one under way ends soon; what it has found so far is told. Does not wait.
    void cancel();
    /// As `cancel`, and waits.
    void interrupt();
    /// As `cancel`, for good, and waits. Idempotent.
    void stop();

  private:
    class Work;
    friend class Work;

    Parts parts_;
    BackgroundJob<VerifyState> job_;
};

}  // namespace grit::crawl
