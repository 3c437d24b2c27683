// Opening the volumes, their states, and whose turn it is.
#include "grit/archive/volumes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "grit/archive/marker.hpp"
#include "grit/base/quantity.hpp"
#include "volume_member.hpp"

namespace grit::archive {
namespace {

// A volume that said that it is full is believed for so long, whatever it says is free (a quota, blocks held back).
constexpr Milliseconds kFullFor{30'000};
// A return is tried after that, doubling with each time that it went out, so that a bad disk does not flap.
constexpr Milliseconds kFirstRest{3'000};
constexpr Milliseconds kLongestRest{300'000};
// Having been in use for so long is forgiveness.
constexpr Milliseconds kForgiven{3'600'000};

}  // namespace

std::string_view name_of(VolumeState state) noexcept {
    constexpr std::array<std::string_view, 4> kNames{"in_use", "full", "out", "lost"};
    return kNames[static_cast<std::size_t>(state)];
}

// Opening -------------------------------------------------------------------------------------------------------------

Volumes::Volumes(VolumesOptions options, const Clock& clock) : options_(std::move(options)), clock_(clock) {}

Volumes::~Volumes() { stop_watch(); }

std::unique_ptr<FileSystem> Volumes::new_system() const {
    return options_.make_system ? options_.make_system() : std::make_unique<RealFileSystem>();
}

Checked<std::unique_ptr<Volumes>> Volumes::open(VolumesOptions options, const Clock& clock) {
    std::unique_ptr<Volumes> volumes(new Volumes(std::move(options), clock));
    if (auto opened = volumes->open_all(); !opened) {
        return opened.error();
    }
    return volumes;
}

Checked<void> Volumes::open_all() {
    for (const VolumePlace& place : options_.places) {
        auto member = std::make_unique<Member>();
        member->name = place.name;
        member->root = place.root;
        member->prefix = place.name.empty() ? "" : place.name + "/";
        member->since = clock_.wall_now();
        members_.push_back(std::move(member));
        auto mount = open_mount(members_.size() - 1, false);
        if (!mount) {
            return mount.error();
        }
        members_.back()->mount = std::move(*mount);
    }
    if (auto linked = link_all(); !linked) {
        return linked;
    }
    armed_ = true;
    for (std::size_t i = 0; i < members_.size(); ++i) {
        look(i);
        if (members_[i]->state == VolumeState::out) {
            return Problem{fmt::format("image volume {} ({}) {}", members_[i]->called(), members_[i]->root, members_[i]->why)};
        }
    }
    return {};
}

Checked<Volumes::Mount> Volumes::open_mount(std::size_t index, bool is_return) {
    const Member& member = *members_[index];
    auto guard = std::make_unique<GuardedFileSystem>(
        new_system(), [this, index](int error, std::string_view doing) { refused(index, error, doing); });
    Mount mount;
    mount.guard = guard.get();
    Depot::Options options;
    options.root = member.root;
    options.volume = member.name;
    options.min_free_bytes = options_.min_free_bytes;
    options.dataset_id = options_.dataset_id;
    const auto& known = options_.known;
    const bool is_known = member.name.empty() || std::find(known.begin(), known.end(), member.name) != known.end();
    options.must_be_marked = is_return || (!member.name.empty() && is_known);
    // Of a named one that the state does not know, and that is marked: the state was made anew, and names what is there.
    std::string marker;
    const bool was_ours = !is_known && new_system()->read_small(fmt::format("{}/{}", member.root, kMarkerFile), marker) == 0;
    options.has_images = !is_return && options_.has_images && (member.name.empty() || was_ours);
    auto depot = Depot::open(std::move(options), std::move(guard));
    if (!depot) {
        return depot.error();
    }
    mount.depot = std::move(*depot);
    mount.layout = options_.make_layout(*mount.depot);
    std::uint64_t above = 0;
    int error = mount.guard->device_of(member.root, mount.device);
    error = error != 0 ? error : mount.guard->device_of(member.root + "/..", above);
    if (error != 0) {
        return Problem{fmt::format("image volume {} ({}) can not be looked at: {}", member.called(), member.root, words_of(error))};
    }
    mount.is_mount_point = mount.device != above;
    return mount;
}

// ROOT/NAME leads to each volume with a name; of one that is lost there is none.
Checked<void> Volumes::link_all() {
    FileSystem& system = *members_.front()->mount.guard;
    for (const auto& member : members_) {
        if (member->name.empty()) {
            continue;
        }
        if (auto linked = link(system, root() + "/" + member->name, member->root); !linked) {
            return linked;
        }
    }
    for (const std::string& name : options_.lost) {
        std::string target;
        const std::string path = root() + "/" + name;
        if (system.read_link(path, target) == 0) {
            system.unlink(path);
        }
    }
    return {};
}

Checked<void> Volumes::link(FileSystem& system, const std::string& path, const std::string& target) const {
    std::string found;
    int error = system.read_link(path, found);
    if (error == 0 && found == target) {
        return {};
    }
    if (error == EINVAL) {
        return Problem{fmt::format("{} is in the way: it has to be a link to the image volume {}. Move it, or give the volume "
                                   "another name",
                                   path, target)};
    }
    error = error == 0 ? system.unlink(path) : error == ENOENT ? 0 : error;  // the volume has moved: its marker says that it is the one
    error = error != 0 ? error : system.make_link(target, path);
    return error == 0 ? Checked<void>() : Checked<void>(Problem{fmt::format("the link {} can not be made: {}", path, words_of(error))});
}

// States --------------------------------------------------------------------------------------------------------------

void Volumes::set_state(Member& member, VolumeState state, std::string why) {
    if (member.state != state) {
        member.since = clock_.wall_now();
    }
    member.state = state;
    member.why = std::move(why);
}

// Of a volume that is alone it is the crawl that has to wait: as it does for any root.
void Volumes::refused(std::size_t index, int error, std::string_view doing) {
    if (!armed_ || alone()) {
        return;
    }
    std::string why = fmt::format("{} failed: {}", doing, words_of(error));
    if (errc_of_errno(error) == Errc::disk_full) {
        note_full(*members_[index], std::move(why));
    } else {
        take_out(*members_[index], std::move(why));
    }
}

void Volumes::note_full(Member& member, std::string why) {
    const std::scoped_lock lock(mutex_);
    if (is_there(member.state)) {
        set_state(member, VolumeState::full, std::move(why));
        member.full_until = clock_.now() + kFullFor;
    }
}

void Volumes::take_out(Member& member, std::string why, bool hangs) {
    Mount mount;
    {
        const std::scoped_lock lock(mutex_);
        if (!is_there(member.state)) {
            return;
        }
        const bool forgiven = clock_.wall_now() - member.since > kForgiven;
        member.rest = forgiven || member.rest == Milliseconds(0) ? kFirstRest : std::min(2 * member.rest, kLongestRest);
        set_state(member, VolumeState::out, std::move(why));
        ++member.times_out;
        member.out_at = clock_.now();
        mount = member.mount;
    }
    mount.guard->shut();
    if (!hangs) {
        mount.guard->let_go_of_all();  // else its watcher does, once the disk has answered
    }
}

void Volumes::failed(Member& member, const ErrorCode& error) {
    if (error == Errc::disk_full) {
        note_full(member, error.message());
    } else if (error == Errc::io || error == Errc::read_only) {
        take_out(member, error.message());
    }
}

Checked<void> Volumes::declare_lost(std::string_view name, const std::function<Checked<void>()>& note) {
    const auto found = std::find_if(members_.begin(), members_.end(), [name](const auto& one) { return one->called() == name; });
    if (found == members_.end()) {
        return Problem{fmt::format("there is no volume \"{}\"", name)};
    }
    Member& member = **found;
    if (member.name.empty()) {
        return Problem{"the first volume can not be lost: the others hang on it (storage.root)"};
    }
    std::unique_lock lock(mutex_);
    if (member.state != VolumeState::out && member.state != VolumeState::lost) {
        return Problem{fmt::format("volume {} is {}: only one that is out can be lost", name, name_of(member.state))};
    }
    const VolumeState before = member.state;
    const std::string why = member.why;
    // First, or it could come back while that is noted.
    set_state(member, VolumeState::lost, "an operator says so");
    lock.unlock();
    auto noted = note ? note() : Checked<void>();
    if (!noted && before == VolumeState::out) {
        lock.lock();
        set_state(member, before, why);
    }
    return noted;
}

std::vector<VolumeView> Volumes::views() const {
    const std::scoped_lock lock(mutex_);
    std::vector<VolumeView> views;
    for (const auto& member : members_) {
        views.push_back(VolumeView{member->called(), member->root, member->state, member->why, member->since, member->space,
                                   member->times_out});
    }
    for (const std::string& name : options_.lost) {
        views.push_back(VolumeView{name, {}, VolumeState::lost, "an operator says so", {}, std::nullopt, 0});
    }
    return views;
}

std::string Volumes::trouble() const {
    const std::scoped_lock lock(mutex_);
    std::string each;
    bool any_full = false;
    for (const auto& member : members_) {
        if (member->state == VolumeState::in_use) {
            return {};
        }
        any_full = any_full || member->state == VolumeState::full;
        each += fmt::format("{}{}: {}{}", each.empty() ? "" : "; ", member->called(),
                            member->state == VolumeState::full ? "" : fmt::format("{}, ", name_of(member->state)), member->why);
    }
    if (alone()) {
        const Member& only = *members_.front();
        return only.state == VolumeState::full ? "disk_full: " + only.why : fmt::format("store_error: image root {}: {}", only.root, only.why);
    }
    return fmt::format("{}: no image volume can be used: {}", any_full ? "disk_full" : "store_error", each);
}

bool Volumes::takes_images() const { return trouble().empty(); }

bool Volumes::has_room_elsewhere() const { return !alone() && takes_images(); }

// Turns ---------------------------------------------------------------------------------------------------------------

// Each gains its share of every turn; the one with the most has it, and pays a whole turn.
TempImage Volumes::create() {
    std::shared_ptr<Depot> depot;
    {
        const std::scoped_lock lock(mutex_);
        Member* next = nullptr;
        double all = 0;
        for (const auto& member : members_) {
            if (member->state != VolumeState::in_use) {
                continue;
            }
            const std::uint64_t free = member->space ? member->space->free_bytes : 0;
            const double share = static_cast<double>(free > options_.min_free_bytes ? free - options_.min_free_bytes : 1);
            all += share;
            member->credit += share;
            next = next == nullptr || member->credit > next->credit ? member.get() : next;
        }
        if (next == nullptr) {
            // Nobody begins a fetch then; what is under way may as well try.
            const auto full = std::find_if(members_.begin(), members_.end(),
                                           [](const auto& member) { return member->state == VolumeState::full; });
            next = full == members_.end() ? members_.front().get() : full->get();
        }
        next->credit -= all;
        depot = next->mount.depot;
    }
    return depot->create();
}

std::optional<TempImage> Volumes::share(const LocalSource& source) {
    std::shared_ptr<Depot> depot;
    {
        const std::scoped_lock lock(mutex_);
        const auto member = std::find_if(members_.begin(), members_.end(), [&source](const auto& one) {
            return one->state == VolumeState::in_use && one->mount.device == source.device;
        });
        depot = member == members_.end() ? nullptr : (*member)->mount.depot;
    }
    return depot == nullptr ? std::nullopt : depot->share(source);
}

}  // namespace grit::archive
