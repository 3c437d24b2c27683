// Images on disk under one root: temporaries while they are fetched, then published under their names.
//
// The commit protocol, so that no record ever names a missing or torn image:
//   1. TempImage: append, close, release      bytes in ROOT/.gritd/tmp
//   2. Depot::sync                            bytes durable
//   3. store: put_intents(paths)              a crash from here on is cleaned up by resolve_intents
//   4. Depot::publish                         renamed into place, names durable
//   5. store: records, url_to_path, and empty intents, in one transaction
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "grit/archive/error.hpp"
#include "grit/archive/file_system.hpp"
#include "grit/archive/temp_source.hpp"

namespace grit::archive {

class Depot;
class HeldImages;

/// An image that is being fetched. Its file is made by the first `append`, or, where the Depot holds small images in memory, by the one
/// for which there is no room; it is removed by the destructor, unless it was released. Nothing is synced here: `Depot::sync` does
/// it for a whole batch.
///
/// Threads: one at a time; calls block on the disk. Lifetime: the Depot must outlive it.
class TempImage {
  public:
    ~TempImage();
    TempImage(TempImage&& other) noexcept;
    TempImage& operator=(TempImage&& other) noexcept;
    TempImage(const TempImage&) = delete;
    TempImage& operator=(const TempImage&) = delete;

    /// Writes all of `bytes` at the end. Best in large pieces: each is a system call.
    /// Errors: disk_full, read_only, io (also after close), out_of_descriptors, vanished. After an error the image is
    /// of no use.
    [[nodiscard]] Result<void> append(std::span<const std::byte> bytes);
    /// No more bytes, neither written nor read; frees the descriptor. Without it, so does the destructor. Errors: disk_full, io.
    [[nodiscard]] Result<void> close();
    /// Bytes of one that was shared. @return how many; 0 at its end alone. Errors: io, vanished, out_of_descriptors.
    [[nodiscard]] Result<std::size_t> read(std::uint64_t offset, std::span<std::byte> bytes);
    /// Gives the file away: from now on it is known by this name alone, to `publish` or `discard`. Only after close.
    [[nodiscard]] std::string release();

    /// Its name among the temporaries.
    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    /// How it came by its bytes.
    enum class Bytes : std::uint8_t { written, cloned, linked };
    [[nodiscard]] Bytes bytes() const noexcept { return bytes_; }
    /// Bytes appended, or shared.
    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

  private:
    friend class Depot;
    explicit TempImage(Depot& depot) noexcept : depot_(&depot) {}
    void drop() noexcept;
    [[nodiscard]] bool hold(std::span<const std::byte> bytes);
    [[nodiscard]] Result<void> make_file();
    [[nodiscard]] Result<void> write(std::span<const std::byte> bytes);

    Depot* depot_;
    std::string name_;  // empty until the first bytes
    std::vector<std::byte> held_;  // as long as there is no file
    bool has_file_ = false;
    int descriptor_ = -1;  // to append; of a closed one, to read
    std::uint64_t size_ = 0;
    bool closed_ = false;
    Bytes bytes_ = Bytes::written;
};

/// A temporary and the place it gets.
struct Move {
    std::string temp_name;
    std::string path;  ///< Relative to the root, as `path_for` gives it.
};

/// How far `publish` came. True if all is in place and durable.
struct Published {
    std::size_t done = 0;  ///< Moves in place. On an error it is the index that failed; all of them: the sync failed.
    ErrorCode error;
    explicit operator bool() const noexcept { return !error; }
};

struct DepotOptions {
    std::string root;                  ///< Absolute.
    std::uint64_t min_free_bytes = 0;  ///< Below it `below_floor` says so.
    std::string dataset_id;            ///< What the root is marked with (`store::Env::dataset_id`).
    bool has_images = false;           ///< The state names images: a root without our marker is then a volume that is
                                       ///< not mounted, not a new one.
    bool must_be_marked = false;       ///< It was this dataset's before: likewise.
    std::string volume = {};           ///< Its name, where there are several (volumes.hpp); the first has none.
};

/// One root of one dataset.
///
/// Threads: all functions from any thread at once, except that one path is published by one thread. All block on the
/// disk: for disk threads, never a shard's.
class Depot : public TempSource {
  public:
    using Options = DepotOptions;

    /// Opens or prepares a root: ROOT/.gritd/dataset (the marker) and ROOT/.gritd/tmp.
    ///
    /// A root that is missing is made, if its parent is there (else a volume is not mounted) and it is no named volume: those
    /// have to be there. Refused in words: a root of another dataset or with another name, one with files but without a
    /// marker, one without a marker though the state names images.
    /// @param system the machine's by default.
    [[nodiscard]] static Checked<std::unique_ptr<Depot>> open(Options options,
                                                              std::unique_ptr<FileSystem> system = nullptr);
    ~Depot() override;

    [[nodiscard]] TempImage create() override { return TempImage(*this); }
    [[nodiscard]] std::optional<TempImage> share(const LocalSource& source) override;
    [[nodiscard]] bool has_room_elsewhere() const override { return false; }
    /// The file system that it is on: st_dev.
    [[nodiscard]] std::uint64_t device() const noexcept { return device_; }
    /// Whether a temporary is this Depot's: by its name, which no other one gives.
    [[nodiscard]] bool owns(std::string_view temp_name) const noexcept { return temp_name.starts_with(run_); }
    /// Whether a failed sync has given it up.
    [[nodiscard]] bool was_given_up(std::string_view temp_name) const;
    /// Writes, syncs and removes a small file. Errors: those of append and sync.
    [[nodiscard]] Result<void> probe();

    /// Makes everything written to the root's file system durable.
    ///
    /// If it fails, the kernel may have dropped the bytes and a second try would say all is well (a known trap of
    /// fsync). So every temporary begun before the failure is given up, except those released before an earlier sync
    /// that worked: `publish` refuses it. Discard it, fetch again.
    /// Errors: io, disk_full.
    [[nodiscard]] Result<void> sync();
    /// How many syncs have failed up to now, whoever asked for them.
    [[nodiscard]] std::uint64_t failed_syncs() const;
    /// `sync` for who changed something that is no temporary (names, bytes of files that are there): the system tells of a
    /// failure once, so that one which another caller was told of may have been about these changes.
    /// @param failed  `failed_syncs` before the first of them. Errors: those of sync; io if there are more by now.
    [[nodiscard]] Result<void> sync_since(std::uint64_t failed);

    /// Renames temporaries into place, makes shard folders on the way, and makes the names durable.
    ///
    /// Repeatable until its records are committed: a temporary that already is at its place is done. Stops at the first
    /// error; nothing is lost by it. Errors: disk_full, read_only, io (also for what a failed sync gave up, and where another
    /// caller's sync failed meanwhile), vanished (neither at its old place nor at its new one), bad_path.
    [[nodiscard]] Published publish(std::span<const Move> moves);

    /// Removes a temporary. That there is none is no error.
    [[nodiscard]] Result<void> discard(std::string_view temp_name);
    /// Removes a published image. That there is none is no error. Errors: read_only, io, bad_path.
    [[nodiscard]] Result<void> remove(std::string_view path);

    /// Removes what earlier processes left among the temporaries; those of this Depot stay. @return how many.
    [[nodiscard]] Result<std::size_t> sweep_temporaries();
    /// After a crash: of the paths that were about to be published, removes those that no record names.
    /// @return how many files were removed.
    [[nodiscard]] Result<std::size_t> resolve_intents(std::span<const std::string> paths,
                                                      const std::function<bool(const std::string&)>& is_recorded);

    [[nodiscard]] Result<Volume> free_space() const;
    /// Time to pause: less than `min_free_bytes` or 1,000 inodes are free, or the volume does not answer.
    [[nodiscard]] bool below_floor() const;
    /// Time to go on: `resume_bytes` are free, so that a pause does not flap.
    [[nodiscard]] bool above_resume_level() const;
    /// The same of what was measured.
    [[nodiscard]] bool is_below_floor(const Volume& volume) const noexcept;
    [[nodiscard]] bool is_above_resume_level(const Volume& volume) const noexcept;
    /// Whether something was released since the last sync.
    [[nodiscard]] bool has_released() const;
    /// The floor and 1 GiB (2 % of the floor if that is more); below a floor of 1 GiB, the floor and a tenth.
    [[nodiscard]] static std::uint64_t resume_bytes(std::uint64_t min_free_bytes) noexcept;

    [[nodiscard]] const std::string& root() const noexcept { return options_.root; }
    /// As it was opened with.
    [[nodiscard]] bool has_images() const noexcept { return options_.has_images; }
    /// Where the file with that path is. Errors: bad_path.
    [[nodiscard]] Result<std::string> file_of(std::string_view path) const;
    /// From now on small images may be held in memory until they are discarded: for a layout that publishes by copying.
    /// @param bytes  of all of them together, at most; 0: none any more, those that are held are dropped.
    void hold_up_to(std::uint64_t bytes);
    /// The bytes of a temporary that is held, until it is discarded; nothing if it is a file.
    [[nodiscard]] std::optional<std::span<const std::byte>> held(std::string_view temp_name) const;
    /// Where a temporary is. Errors: bad_path.
    [[nodiscard]] Result<std::string> temporary_file(std::string_view temp_name) const;
    /// For the layouts, which write into the root.
    [[nodiscard]] FileSystem& system() const noexcept { return *system_; }

  private:
    friend class TempImage;

    Depot(Options options, std::unique_ptr<FileSystem> system, std::string run);
    [[nodiscard]] Checked<void> prepare();
    [[nodiscard]] Checked<void> prepare_root();
    [[nodiscard]] Checked<void> check_marker();
    [[nodiscard]] Checked<void> write_marker();
    [[nodiscard]] std::string marker() const;
    [[nodiscard]] std::string called() const;
    [[nodiscard]] Problem problem(std::string_view doing, int error) const;

    [[nodiscard]] std::string new_temporary_name();
    [[nodiscard]] int create_temporary(const std::string& name, int& descriptor);
    [[nodiscard]] bool clone(const LocalSource& source, TempImage& image);
    [[nodiscard]] bool link(const LocalSource& source, TempImage& image);
    [[nodiscard]] int move_into_place(const Move& move);
    [[nodiscard]] int make_shard_folder(const std::string& path);
    void forget_shard_folder(const std::string& path);
    void note_release(const std::string& temp_name);
    void forget_temporary(const std::string& temp_name);
    [[nodiscard]] std::uint64_t number_of(std::string_view temp_name) const;
    [[nodiscard]] std::string temp_path(std::string_view name) const;
    [[nodiscard]] std::string image_path(std::string_view path) const;

    Options options_;
    std::unique_ptr<FileSystem> system_;
    std::string run_;  // begins the names of this Depot's temporaries
    std::unique_ptr<HeldImages> held_;
    int root_descriptor_ = -1;
    std::uint64_t device_ = 0;
    std::atomic<bool> can_clone_{true};  // as long as the file system has not said that it can not
    std::atomic<std::uint64_t> next_temporary_{0};
    std::mutex sync_mutex_;
    mutable std::mutex temporaries_mutex_;
    std::unordered_set<std::string> released_;  // complete, waiting for a sync
    std::unordered_set<std::string> durable_;   // complete, and a sync worked since
    std::uint64_t failed_syncs_ = 0;
    std::uint64_t given_up_below_ = 0;          // temporaries with a smaller number met a failed sync
    std::mutex folders_mutex_;
    std::unordered_set<std::string> folders_;  // known to exist
};

}  // namespace grit::archive
