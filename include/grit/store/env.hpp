// The LMDB environment of one dataset: opening it safely, and hiding LMDB's traps.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "grit/store/txn.hpp"

struct MDB_env;

namespace grit::store {

/// The form of the tables. Another number in the file is refused in words.
inline constexpr std::uint32_t kSchema = 2;
/// Slots for readers, of this process and others (a training job's workers).
inline constexpr unsigned kMaxReaders = 1024;

struct EnvOptions {
    /// Address space, not disk: without MDB_WRITEMAP the file is as long as its pages. Halved until the system grants
    /// it (`ulimit -v`).
    std::uint64_t initial_map_bytes = std::uint64_t{256} << 30;
    /// For looking at the state beside a daemon that writes it. Needs write access to `lock.mdb` all the same.
    bool read_only = false;
    /// Called with LMDB's own words when it meets what can not be, before the process is aborted. It may end the process in
    /// a better way, and must do no more than a signal handler may.
    void (*on_impossible)(const char* words) = nullptr;
};

struct EnvStats {
    std::uint64_t map_bytes = 0;
    std::uint64_t used_bytes = 0;  ///< Pages ever used; free ones inside are used again.
    std::uint64_t file_bytes = 0;
};

/// What `Env::check_pages` has found.
struct PageReport {
    std::uint64_t pages = 0;  ///< Looked at.
    std::uint64_t damaged = 0;
    std::vector<std::string> places;  ///< "records: page 17 is no leaf": the first of them.
};

/// DIR/data.mdb and DIR/lock.mdb. Readers on any thread, one writer thread (`Writer`).
///
/// Every commit is durable when it returns. The map grows by itself, which waits for readers and makes new ones wait.
/// Threads: `read`, `stats`, `dataset_id`, `prefetch` from any thread.
/// Lifetime: must outlive its transactions. At most one Env per folder in a process (LMDB's file locks).
class Env {
  public:
    using Options = EnvOptions;

    /// Opens or makes the state. The folder is made (0750) where missing.
    /// Refused in words: a network file system, a file that is no LMDB file, was cut short, or is another program's, a
    /// newer or older schema, a folder without permission.
    [[nodiscard]] static Checked<std::unique_ptr<Env>> open(const std::filesystem::path& dir, Options options = {});

    ~Env();
    Env(const Env&) = delete;
    Env& operator=(const Env&) = delete;

    /// Begins a short reading transaction. May wait for a resize of the map (microseconds plus the longest reader).
    /// Errors: readers_full, out_of_memory, closed, io.
    [[nodiscard]] Result<ReadTxn> read();

    /// Has the system read what the file holds of these tables, in the order in which it lies on the disk, and does not
    /// wait for it: for a walk over a table that is scattered over a large file that no cache holds. Only a hint.
    /// @return bytes asked for.
    std::uint64_t prefetch(std::span<const Table> tables);

    /// Reads all pages of all tables, past the map, and looks whether they are what they should be: damage of the disk,
    /// which LMDB would believe. A reading transaction is open for one table at a time. What a page's rows say is not
    /// looked at.
    /// @param stop  ends it early.
    [[nodiscard]] Result<PageReport> check_pages(const std::atomic<bool>& stop);

    /// Also by a thread that has a reading transaction, and while a resize waits for it.
    [[nodiscard]] EnvStats stats() const;
    /// Whether that address is in the map: what a fault there says is that the file is not what its header speaks of, or
    /// the disk failed. For signal handlers too.
    [[nodiscard]] bool in_map(const void* address) const noexcept {
        const auto begin = map_begin_.load(std::memory_order_relaxed);
        const auto at = reinterpret_cast<std::uintptr_t>(address);
        return at >= begin && at - begin < map_bytes_.load(std::memory_order_relaxed);
    }

    /// The disk refused a header, and LMDB lets nobody in any more: what was committed holds, the last transaction may or
    /// may not be there, and only a new process, which opens the state anew, can tell. Threads: any.
    [[nodiscard]] bool closed() const noexcept { return closed_.load(std::memory_order_relaxed); }

    /// 32 hex digits made at random when the state was made: image roots are marked with it.
    [[nodiscard]] const std::string& dataset_id() const noexcept { return dataset_id_; }
    [[nodiscard]] const std::filesystem::path& folder() const noexcept { return dir_; }
    [[nodiscard]] const std::filesystem::path& file() const noexcept { return file_; }

  private:
    friend class Txn;
    friend class WriteTxn;
    friend class WriteSession;

    Env(std::filesystem::path dir, MDB_env* env, bool read_only);
    [[nodiscard]] static Checked<void> make(const std::filesystem::path& dir);
    [[nodiscard]] Checked<void> open_tables();
    [[nodiscard]] Checked<void> check_schema(MDB_txn* txn);
    [[nodiscard]] unsigned handle_of(Table table) const noexcept { return handles_[static_cast<std::size_t>(table)]; }

    // For the writer's thread alone: one durable transaction, with growth of the map.
    [[nodiscard]] Result<void> transact(const std::function<Result<void>(WriteTxn&)>& body);
    [[nodiscard]] Result<MDB_txn*> begin(unsigned flags);
    [[nodiscard]] Result<void> grow_map();
    [[nodiscard]] Result<void> adopt_map_size();
    [[nodiscard]] ErrorCode explain(int code) const;
    void after_commit();
    void note_closed();
    void note_map();

    std::filesystem::path dir_;
    std::filesystem::path file_;
    MDB_env* env_;
    bool read_only_;
    std::unique_ptr<MapGate> gate_;
    std::array<unsigned, kTableCount> handles_{};
    std::string dataset_id_;
    std::uint64_t commits_ = 0;
    std::atomic<bool> closed_{false};
    std::atomic<std::uintptr_t> map_begin_{0};
    std::atomic<std::size_t> map_bytes_{0};
};

/// Visits all rows of a table in short transactions of at most `rows` rows each: for exports and statistics beside a
/// running crawl. Rows written meanwhile may be seen or not; each row is seen at most once.
[[nodiscard]] Result<void> scan(Env& env, Table table, const RowVisitor& visit, std::size_t rows = 2048);

}  // namespace grit::store
