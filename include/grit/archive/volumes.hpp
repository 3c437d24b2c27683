// The image volumes of a dataset: one root, or several that fill by their free space, each with a Depot and a Layout of its own.
//
// The first volume is the root itself; another one has a name, and its images the locations "NAME/00012/000120005.jpg".
// ROOT/NAME is a symbolic link to where that volume is, so that ROOT/LOCATION names the file of every image: that and the form
// of locations are public promises.
//
// A volume that fails or vanishes is taken out: nothing is asked of it any more, images on their way to it are given up (the
// crawl fetches them again), and the others go on. It comes back by itself, as a root does at a start: the marker is looked
// at, a probe is written and synced, what no record names is removed.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "grit/archive/layout.hpp"
#include "grit/archive/temp_source.hpp"
#include "grit/base/clock.hpp"

namespace grit::archive {

class GuardedFileSystem;

/// What the first volume is called where a name is needed; no other one may be.
inline constexpr std::string_view kFirstVolume = "root";

enum class VolumeState : std::uint8_t {
    in_use,
    full,  ///< Below its floor, until there is a margin above it (`Depot::resume_bytes`).
    out,   ///< Failed or vanished.
    lost,  ///< An operator says so: it does not come back.
};
/// "in_use", "full", "out", "lost": static storage.
[[nodiscard]] std::string_view name_of(VolumeState state) noexcept;
/// Its images can be read.
[[nodiscard]] constexpr bool is_there(VolumeState state) noexcept { return state == VolumeState::in_use || state == VolumeState::full; }

/// Where a volume is.
struct VolumePlace {
    std::string name;  ///< Empty: the first one.
    std::string root;  ///< Absolute.
};

/// A look at one volume.
struct VolumeView {
    std::string name;  ///< `kFirstVolume` for the first.
    std::string root;
    VolumeState state = VolumeState::in_use;
    std::string why;            ///< In words, unless it is in use.
    WallTime since{};           ///< In this state.
    std::optional<Volume> space;  ///< As of the last look that was answered.
    std::uint64_t times_out = 0;  ///< Since the start.
};

struct VolumesOptions {
    std::vector<VolumePlace> places;  ///< The first one first, and without a name.
    std::vector<std::string> known;   ///< Names that the state remembers: those have to have their markers.
    std::vector<std::string> lost;    ///< Names of volumes that are gone for good and not yet forgotten. None is in `places`.
    std::uint64_t min_free_bytes = 0;
    std::string dataset_id;
    bool has_images = false;  ///< As of Depot::Options, for the first.
    std::function<std::unique_ptr<Layout>(Depot&)> make_layout;
    std::function<std::unique_ptr<FileSystem>()> make_system = {};  ///< The machine's by default. One per volume and use.
};

/// Threads: as Layout; `create`, `views`, `trouble`, `is_out`, `confirm` from any; `watch`, `stop_watch`, `tick` and `declare_lost`
/// from the control thread, none of them waits for a disk but `stop_watch`, and the last one as its note does.
/// Lifetime: the clock outlives it.
class Volumes final : public Layout, public TempSource {
  public:
    /// Opens all of them, as Depot::open does, and makes the links. Refused in words.
    [[nodiscard]] static Checked<std::unique_ptr<Volumes>> open(VolumesOptions options, const Clock& clock);
    ~Volumes() override;

    // TempSource.
    /// On a volume that is in use: each gets its share by its space above the floor.
    [[nodiscard]] TempImage create() override;
    /// On the volume in use that the file is on.
    [[nodiscard]] std::optional<TempImage> share(const LocalSource& source) override;
    [[nodiscard]] bool has_room_elsewhere() const override;

    // Layout. Of several volumes a failing one fails none of these; `lost` tells.
    [[nodiscard]] Sidecars sidecars() const noexcept override;
    [[nodiscard]] Checked<Restored> restore(std::span<const std::string> intents,
                                            std::span<const ShardMark> marks) override;
    [[nodiscard]] Result<void> sync() override;
    void begin() override;
    [[nodiscard]] std::string propose(const Arrival& arrival) const override;
    std::string accept(Arrival arrival) override;
    [[nodiscard]] std::vector<std::string> intents() const override;
    [[nodiscard]] bool empty() const noexcept override;
    [[nodiscard]] Publishing publish() override;
    [[nodiscard]] bool lost(std::string_view temp_name) const override;
    [[nodiscard]] bool takes_images() const override;
    [[nodiscard]] std::vector<std::string> left_behind() const override;
    [[nodiscard]] Result<void> withdraw() override;
    [[nodiscard]] std::vector<ShardMark> marks() const override;
    void committed() override;
    void close() override;
    [[nodiscard]] Result<void> discard(std::string_view temp_name) override;
    [[nodiscard]] std::string claim_of(std::string_view location) const override;
    /// Of a volume that is out: a Problem, after those of others were removed. Of one that is lost: done.
    [[nodiscard]] Checked<void> remove(std::span<const std::string> locations) override;
    /// Errors besides: volume_out.
    [[nodiscard]] Result<Extent> find(std::string_view location) const override;
    [[nodiscard]] Result<void> check_headers(std::string_view location) const override;
    [[nodiscard]] bool is_out(std::string_view location) const override;

    /// Temporaries of earlier processes, on all of them. @return how many.
    [[nodiscard]] Result<std::size_t> sweep_temporaries();

    [[nodiscard]] std::vector<VolumeView> views() const;
    /// Why no image can be stored now: "disk_full: ..." or "store_error: ..."; empty while one can.
    [[nodiscard]] std::string trouble() const;
    /// Looks whether the volume with that location is there now, by its marker: what is not found there is missing then.
    /// Blocks on the disk.
    [[nodiscard]] Checked<void> confirm(std::string_view location) const;
    /// Of the first one, for files that are of none of the images.
    [[nodiscard]] std::shared_ptr<Depot> first() const;
    /// Where the first one is.
    [[nodiscard]] const std::string& root() const noexcept { return options_.places.front().root; }
    [[nodiscard]] bool alone() const noexcept { return members_.size() == 1; }

    /// Looks at one volume once: its marker, its device, whether it can be written, its space; at one that is out, whether it
    /// can come back. Blocks on the disk.
    void look(std::size_t index);
    /// A thread per volume looks at it that often.
    void watch(Milliseconds every);
    /// Waits for the looks that are under way.
    void stop_watch();
    /// One of several that has not answered for `kAnswerWithin` is taken out.
    static constexpr Milliseconds kAnswerWithin{10'000};
    void tick();
    /// A volume that is out does not come back, and nothing more is removed from it.
    /// @param note  puts that on record, where the next start finds it. If it can not, the volume is out as before.
    /// Errors, in words: there is none of that name, it is the first, it is not out; that of `note`.
    [[nodiscard]] Checked<void> declare_lost(std::string_view name, const std::function<Checked<void>()>& note = {});

  private:
    // One life of a volume, from a start or a return to when it is out.
    struct Mount {
        std::shared_ptr<Depot> depot;
        std::shared_ptr<Layout> layout;
        GuardedFileSystem* guard = nullptr;  // the depot's
        std::uint64_t device = 0;
        bool is_mount_point = false;
    };
    struct Member;
    struct Seen {
        std::string problem;  // why it can not be used
        Volume space;
    };
    struct Located {
        Member* member = nullptr;  // none: of no volume that is in use
        std::string_view path;     // on that volume
    };

    Volumes(VolumesOptions options, const Clock& clock);
    [[nodiscard]] Checked<void> open_all();
    [[nodiscard]] Checked<Mount> open_mount(std::size_t index, bool is_return);
    [[nodiscard]] Checked<void> link_all();
    [[nodiscard]] Checked<void> link(FileSystem& system, const std::string& path, const std::string& target) const;
    [[nodiscard]] std::unique_ptr<FileSystem> new_system() const;

    void refused(std::size_t index, int error, std::string_view doing);
    void take_out(Member& member, std::string why, bool hangs = false);
    void note_full(Member& member, std::string why);
    void failed(Member& member, const ErrorCode& error);
    void check(Member& member);
    void try_back(std::size_t index);
    [[nodiscard]] Checked<void> rejoin(std::size_t index);
    [[nodiscard]] Seen examine(const Member& member, const Mount& mount) const;
    void apply_space(Member& member, const Volume& space);
    void set_state(Member& member, VolumeState state, std::string why);
    void run_watch(std::size_t index, Milliseconds every);

    void begin_group();
    void end_group();
    void forget_group();
    void give_up_group_on(Member& member);
    [[nodiscard]] Checked<void> remove_on(const Member& member, std::span<const std::string> paths) const;
    [[nodiscard]] bool wait_for_group_end(std::unique_lock<std::mutex>& lock);
    [[nodiscard]] Mount mount_of(const Member& member) const;
    [[nodiscard]] bool usable(const Member& member) const;
    [[nodiscard]] Member* owner_of(std::string_view temp_name) const;
    [[nodiscard]] Located locate(std::string_view location) const;
    [[nodiscard]] std::vector<std::string> prefixed(const Member& member, std::vector<std::string> paths) const;
    [[nodiscard]] std::vector<std::string> of_member(const Member& member, std::span<const std::string> locations) const;
    [[nodiscard]] std::vector<ShardMark> of_member(const Member& member, std::span<const ShardMark> marks) const;

    VolumesOptions options_;
    const Clock& clock_;
    std::vector<std::unique_ptr<Member>> members_;
    mutable std::mutex mutex_;              // guards the members' states, held for no call to a disk
    std::vector<std::shared_ptr<Depot>> retired_;  // temporaries may still refer to them
    bool in_group_ = false;
    std::condition_variable group_end_;
    bool is_decided_ = false;  // the group's: which of its images are lost
    bool armed_ = false;

    std::mutex watch_mutex_;
    std::condition_variable watch_change_;
    bool watching_ = false;
    std::vector<std::thread> watchers_;
};

}  // namespace grit::archive
