// Reads the annotations into the frontier, run by run, on a thread of its own.
#pragma once

#include "grit/annotations/reader.hpp"
#include "grit/base/clock.hpp"
#include "grit/base/log.hpp"
#include "grit/base/outcome.hpp"
#include "grit/base/result.hpp"
#include "grit/config/config.hpp"
#include "grit/frontier/host_table.hpp"
#include "grit/store/rows.hpp"
#include "grit/store/tables.hpp"
#include "grit/store/writer.hpp"

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace grit::journal {
class Journal;
}
namespace grit::metrics {
class Metrics;
}

namespace grit::crawl {

class Quarantine;

/// How far the input has been read.
struct IngestProgress {
    std::uint64_t bytes_read = 0;                ///< of the input as stored
    std::optional<std::uint64_t> bytes_total;    ///< nothing if an input is a pipe
    bool complete = false;                       ///< every input was read to its end
    bool reads_again = false;                    ///< lines that the state kept, and lost, are still to come (`keep_lines`)
    std::string problem;                         ///< why reading stopped; empty if it did not
};

/// Every line becomes one ordinal: a candidate in a run, a record (`bad_url`, `scheme_refused`), or a line of
/// `quarantine.jsonl`. A run, what became of its bad lines and how far the input is read are one transaction, so that a
/// kill at any moment neither loses nor repeats a line.
///
/// Threads: construct, `start`, `stop`, `rescan` from one; `progress` from any. The listener is called on the writer's
/// thread. Lifetime: all that it is given outlives it.
class Ingestor {
  public:
    struct Options {
        config::Input input;
        std::filesystem::path state_dir;
        /// --once: an unfinished last line counts as it stands. Else a writer may still be at it: it is left alone.
        bool accept_unfinished_tail = false;
        bool keep_lines = false;  ///< The layout puts the annotations beside the images: the state keeps them.
        std::size_t first_run_lines = 2'000;          ///< small, so that fetching starts at once
        std::size_t run_bytes = std::size_t{16} << 20;  ///< memory of a full run; two are held at a time
        /// Told of a fault of our own that is being waited out; on any thread.
        std::function<void(Outcome, const std::string&)> on_fault;
        journal::Journal* journal = nullptr;  ///< nothing: none is written
    };
    /// A run is in the state.
    using OnRun = std::function<void(RunId, const std::vector<store::RunHost>&)>;

    Ingestor(Options options, store::Env& env, store::Writer& writer, frontier::HostTable& hosts,
             metrics::Metrics& metrics, const Logger& log, OnRun on_run);
    ~Ingestor();
    Ingestor(const Ingestor&) = delete;
    Ingestor& operator=(const Ingestor&) = delete;

    void start();
    /// Looks at the inputs again: for appended lines and new files.
    void rescan();
    /// Ends at the next line; what was read and not committed is read again at the next start. Joins.
    void stop();

    [[nodiscard]] IngestProgress progress() const;

  private:
    struct Run;
    struct RunJob;

    void work();
    [[nodiscard]] Checked<void> read_inputs();
    [[nodiscard]] Checked<void> read_input(const std::string& path);
    [[nodiscard]] Checked<void> load_inputs();
    [[nodiscard]] Checked<void> open_quarantine();
    [[nodiscard]] Checked<std::unique_ptr<annotations::Reader>> open_input(const std::string& path, const store::InputRow* known);
    void take(const annotations::Line& line);
    [[nodiscard]] Checked<void> quarantine(const annotations::BadLine& line, const std::string& path);
    [[nodiscard]] Ordinal ordinal_of(std::uint64_t line);
    void expect_again(const std::vector<std::string>& paths);
    void came_again(store::InputId id, const store::InputRow& input);
    [[nodiscard]] bool run_is_full() const;
    // How far an input is read, as its row remembers it.
    struct Place {
        std::uint64_t offset = 0;
        std::uint64_t line = 0;
        std::uint64_t size = 0;
        annotations::FirstBlock first_block;
    };
    [[nodiscard]] static Place place_of(const annotations::Reader& reader);
    void commit_run(const Place& place, std::size_t input, bool done);
    [[nodiscard]] bool on_idle();
    void wait_for_commits(std::size_t at_most);
    void commit_failed(std::unique_ptr<RunJob> job, const ErrorCode& error);
    void commit_again();
    [[nodiscard]] Checked<void> wait_out_quarantine_fault(int error);
    [[nodiscard]] bool wait_out_fault(Outcome outcome, const std::string& what);

    Options options_;
    store::Env& env_;
    store::Writer& writer_;
    frontier::HostTable& hosts_;
    metrics::Metrics& metrics_;
    const Logger& log_;
    OnRun on_run_;

    // The ingest thread's own.
    std::vector<std::pair<std::string, store::InputRow>> inputs_;  // by input id
    store::Totals totals_;                                         // as it will be when all submitted runs are in
    std::unique_ptr<Run> run_;
    std::size_t input_ = 0;  // in inputs_: the one that is being read
    Place place_;            // in it, behind the last line taken
    std::size_t runs_made_ = 0;
    bool stdin_is_read_ = false;
    std::unique_ptr<Quarantine> quarantine_;

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    IngestProgress progress_;
    std::set<store::InputId> again_;  // with lines that are read again
    std::size_t in_commit_ = 0;
    std::unique_ptr<RunJob> failed_;  // still counted as in commit
    bool rescan_ = true;
    std::atomic<bool> stopping_{false};
    std::thread thread_;
};

}  // namespace grit::crawl
