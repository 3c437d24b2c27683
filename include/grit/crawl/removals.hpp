// Files that no record names any more, and that are to be removed: the rows `due` of the table `removals`.
//
// Whoever gives images up notes their files in the transaction that takes their names; here they are removed, durably, and
// the rows then: a power failure brings back neither without the other.
#pragma once

#include "grit/archive/layout.hpp"
#include "grit/base/log.hpp"
#include "grit/store/env.hpp"
#include "grit/store/writer.hpp"

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

namespace grit::crawl {

/// What became of the files that were due.
struct DueFiles {
    std::uint64_t removed = 0;
    std::uint64_t left = 0;  ///< On volumes that are out: they stay due.
    std::string why_left;    ///< In words, of each such volume; empty: none is left.
};

/// Threads: `remove_due` from any that may block; the others from one. Two that remove take turns, since a path whose row has
/// gone may be a new image's at once.
/// Lifetime: all that it is given outlives it.
class Removals {
  public:
    Removals(store::Env& env, store::Writer& writer, archive::Layout& layout, const Logger& log);
    ~Removals();
    Removals(const Removals&) = delete;
    Removals& operator=(const Removals&) = delete;

    /// Blocks on the disk and on the writer. What lies on a volume that is out is left, and hinders nothing else; of one that
    /// is lost only the rows go.
    /// Errors, in words: a file on a volume that is not out can not be removed; the state can not be read or written.
    /// @param stopping  looked at between portions.
    [[nodiscard]] Checked<DueFiles> remove_due(const std::function<bool()>& stopping);

    /// The same beside everything else, on a thread that gives way to all others: a volume is back. The log tells.
    void begin();
    /// Ends that thread. Idempotent; waits.
    void stop();

  private:
    // Rows of one portion.
    struct Portion {
        std::vector<std::string> due;
        bool is_last = true;
    };
    [[nodiscard]] Checked<Portion> next(std::string& from);
    [[nodiscard]] Checked<void> remove(const Portion& portion, DueFiles& done);
    [[nodiscard]] Checked<void> erase_rows(std::span<const std::string> paths);
    void run();

    store::Env& env_;
    store::Writer& writer_;
    archive::Layout& layout_;
    const Logger& log_;
    std::mutex turn_;  // held for a portion

    std::thread thread_;
    std::mutex mutex_;
    std::condition_variable change_;
    bool wanted_ = false;
    bool stopping_ = false;
};

}  // namespace grit::crawl
