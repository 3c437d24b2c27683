// An owner who does not want to be in the dataset: lists what is stored from a domain, and deletes it if asked to.
//
// The domain is blocked before, so nothing new is stored from it. Then, each step repeatable, so that a deletion that is
// cut at any moment is finished at the next start:
//   1. wait until what was fetched before the block is on record
//   2. list    every image of the domain, into a file
//   3. content its digests are forgotten, so that no new record comes to name a file of it; wait as in 1
//   4. others  which of the files do records of other domains name?
//   5. records become `opted_out` without an image, their names leave the map, the paths are noted as due for removal
//   6. files   are removed, then the notes; those on a volume that is out are waited for
//   7. ledger
#pragma once

#include "grit/archive/layout.hpp"
#include "grit/base/clock.hpp"
#include "grit/base/log.hpp"
#include "grit/frontier/host_table.hpp"
#include "grit/store/opt_out_rows.hpp"
#include "grit/store/writer.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace grit::journal {
class Journal;
}

namespace grit::crawl {

class Removals;

/// What an operator asks for.
struct OptOutOrder {
    std::string domain;  ///< Canonical, and blocked already unless it is a dry run.
    std::string reason;
    std::uint32_t by_uid = 0;
    bool erase = false;
    bool dry_run = false;  ///< Counts, and writes the list; leaves no other trace.
};

struct OptOutState {
    store::OptOutRow row;  ///< With `dry_run` the counters say what would be done.
    bool dry_run = false;
    bool running = false;
    std::string list;     ///< Path of the file of URLs.
    std::string problem;  ///< What is in the way. While it runs it is tried again.
    bool only_files_left = false;  ///< Its records are deleted: it changes none any more.
};

/// One opt-out at a time, on a thread of its own.
///
/// Which images are a domain's: those of the URLs whose host it is, or is above; and those that a redirect led to such a
/// host for. A file that another record names as well stays.
/// Writes STATE/optouts/DOMAIN-TIME.jsonl (a line per image) and a line of STATE/optouts.jsonl (the ledger).
/// Threads: all functions from one thread. Lifetime: all that it is given outlives it.
class OptOut {
  public:
    struct Parts {
        store::Env& env;
        store::Writer& writer;
        const archive::Layout& layout;
        const frontier::HostTable& hosts;
        const Clock& clock;
        const Logger& log;
        Removals& removals;
        /// Results handed in so far, and those of them that are on record. Called on the opt-out's thread.
        std::function<std::uint64_t()> submitted;
        std::function<std::uint64_t()> recorded;
        journal::Journal* journal = nullptr;  ///< nothing: none is written
    };

    explicit OptOut(Parts parts);
    ~OptOut();
    OptOut(const OptOut&) = delete;
    OptOut& operator=(const OptOut&) = delete;

    /// Goes on with what an earlier life had begun. Errors, in words: the state can not be read.
    [[nodiscard]] Checked<void> resume();
    /// Errors, in words: another one is under way; the state can not be written.
    [[nodiscard]] Checked<void> begin(const OptOutOrder& order);
    /// What was in the way may have passed (a volume is back): it is not waited any longer.
    void try_again();
    [[nodiscard]] bool running() const;
    /// Of the one under way, or the last one; nothing if there was none.
    [[nodiscard]] std::optional<OptOutState> state() const;
    /// Ends the thread soon; what is not finished is so after the next start. Idempotent.
    void stop();

  private:
    class Work;
    friend class Work;

    void start(store::OptOutRow row, bool dry_run);
    void run(Work& work);
    [[nodiscard]] bool wait(Milliseconds time);
    [[nodiscard]] bool wait_to_try_again();
    void publish(const Work& work, bool running, std::string problem);

    Parts parts_;
    std::thread thread_;
    mutable std::mutex mutex_;
    std::condition_variable wake_;
    bool stopping_ = false;
    bool try_again_ = false;
    std::optional<OptOutState> state_;
};

}  // namespace grit::crawl
