// The outcome journal: what has become of each URL, appended as it is committed, for other programs and for a rebuild of
// the state (docs/journal.md).
//
// It never says what did not happen and misses nothing: the state says how far it counts (store::JournalMark), in the
// transaction that a line belongs to, and the line is durable before that transaction commits. What lies behind the
// mark at the next start, or after a transaction that failed, is cut off.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "grit/base/clock.hpp"
#include "grit/base/log.hpp"
#include "grit/base/result.hpp"
#include "grit/journal/files.hpp"
#include "grit/journal/line.hpp"
#include "grit/store/env.hpp"
#include "grit/store/journal_rows.hpp"

namespace grit::metrics {
class Metrics;
}

namespace grit::journal {

class Sealer;

/// The calls that may fail, for tests. Each gives 0 or an errno.
class FileCalls {
  public:
    virtual ~FileCalls() = default;
    virtual int write(int descriptor, std::string_view bytes, std::size_t& written);
    virtual int sync(int descriptor);
};

struct JournalOptions {
    std::filesystem::path folder;  ///< Made where it is missing; its parent is not.
    std::uint64_t seal_bytes = std::uint64_t{64} << 20;  ///< Of lines, before they are compressed.
    Milliseconds seal_after{3'600'000};  ///< Since the file's first line.
    /// The state may be older than the journal, and what came since is given up: it stays in the folder, under other names.
    bool older_state = false;
};

/// Appends to one file at a time. A sealed file is one zstd frame with a checksum and its length, made aside by a thread
/// of its own: many readers take the end of a frame, or of a cut one, for the end of the file and say nothing.
///
/// Threads: one at a time, the writer's once it runs; `seal_due` from any. Blocks on the disk.
/// Lifetime: all that it is given outlives it. The destructor seals nothing: call `close`.
class Journal {
  public:
    using Options = JournalOptions;

    /// Cuts off what was never committed and goes on with the file that the state names. A file that is shorter than the
    /// state says, or missing, is said in the log and not gone on with: a gap in `seq` stays to be seen.
    /// Errors, in words: the folder can not be made, read or written; it has the journal of another dataset, or goes on behind what
    /// the state knows, as where that is a backup: nothing is touched then.
    [[nodiscard]] static Checked<std::unique_ptr<Journal>> open(Options options, store::Env& env, metrics::Metrics& metrics,
                                                                const Clock& clock, const Logger& log,
                                                                std::unique_ptr<FileCalls> calls = nullptr);
    ~Journal();
    Journal(const Journal&) = delete;
    Journal& operator=(const Journal&) = delete;

    /// Writes the lines behind the state's mark without a sync: a sync of the volume that comes anyway then covers them,
    /// and `write` of the same lines in the transaction has little left to do. Repeatable; only a saving.
    /// @param lines  by `text_of`. Errors: as `write`.
    [[nodiscard]] Result<void> stage(const store::Txn& txn, std::span<const std::string> lines);
    /// Inside of the transaction that the lines belong to, last of all: makes them durable and puts the mark. Repeatable
    /// as the transaction's body is; nothing of them stays if it does not commit.
    /// Errors: journal::Errc; those of the store.
    [[nodiscard]] Result<void> write(store::WriteTxn& txn, std::span<const std::string> lines);

    /// A sync that was to cover what was staged has failed: what is not known to be durable is given up, with its file,
    /// and written anew into the next one.
    void distrust();

    /// Whether the open file is large or old enough.
    [[nodiscard]] bool seal_due() const;
    /// Seals the open file if it is due. Never inside of a transaction.
    void seal_if_due();
    /// Seals the open file and waits for all that is being sealed. Nothing may be written afterwards.
    void close();

  private:
    Journal(Options options, store::Env& env, metrics::Metrics& metrics, const Clock& clock, const Logger& log,
            std::unique_ptr<FileCalls> calls);
    [[nodiscard]] Checked<void> prepare();
    [[nodiscard]] Checked<void> check_age(const std::vector<JournalFile>& files, const store::JournalMark& mark);
    [[nodiscard]] Checked<void> check_dataset(const std::vector<JournalFile>& files) const;
    [[nodiscard]] Checked<void> take_over(std::uint64_t number, const store::JournalMark& mark, std::optional<std::uint64_t> committed);
    [[nodiscard]] std::string path_of(std::uint64_t number, bool sealed) const;
    [[nodiscard]] Result<void> begin_file(const store::JournalMark& mark);
    [[nodiscard]] Result<std::string> header(const store::Txn& txn, const store::JournalMark& mark) const;
    [[nodiscard]] Result<void> cut_back(std::uint64_t bytes);
    [[nodiscard]] Result<void> append(std::string_view text);
    [[nodiscard]] Result<void> sync();
    void abandon();
    void seal(std::uint64_t bytes);

    Options options_;
    store::Env& env_;
    metrics::Metrics& metrics_;
    const Clock& clock_;
    const Logger& log_;
    std::unique_ptr<FileCalls> calls_;
    std::unique_ptr<Sealer> sealer_;

    int descriptor_ = -1;
    std::uint64_t number_ = 0;       // of the open file
    std::uint64_t last_number_ = 0;  // the highest that was ever used
    std::int64_t begun_ms_ = 0;      // wall time, for the open file's header
    std::uint64_t size_ = 0;         // of the open file
    std::uint64_t base_ = 0;         // where what is staged begins
    std::uint64_t base_seq_ = 0;     // its first line
    std::string staged_;
    std::uint64_t staged_lines_ = 0;
    bool durable_ = false;  // what is staged
    bool named_ = false;    // the file's name is durable
    std::atomic<std::uint64_t> counted_{0};  // bytes of the open file that are committed, as of the last look
    std::atomic<SteadyTime> opened_{SteadyTime::max()};
};

/// For a start with the journal switched off: leaves a gap in `seq`, so that nobody takes it for complete later.
[[nodiscard]] Result<void> mark_gap(store::WriteTxn& txn);

}  // namespace grit::journal
