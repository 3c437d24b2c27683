// Looks at the volumes: whether each is there, has room, and can come back.
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "grit/archive/marker.hpp"
#include "grit/base/kill_point.hpp"
#include "grit/base/quantity.hpp"
#include "volume_member.hpp"

namespace grit::archive {
namespace {

// A return waits so long for the end of the group under way, then the next look tries again.
constexpr Milliseconds kGroupPatience{1'000};

// Nothing is said of a volume by a process that has no descriptors left.
bool is_ours(int error) { return error == EMFILE || error == ENFILE || error == ENOMEM; }

}  // namespace

void Volumes::look(std::size_t index) {
    Member& member = *members_[index];
    VolumeState state{};
    {
        const std::scoped_lock lock(mutex_);
        member.look_began = clock_.now();
        state = member.state;
    }
    if (state == VolumeState::out) {
        try_back(index);
    } else if (state != VolumeState::lost) {
        check(member);
    }
    const std::scoped_lock lock(mutex_);
    member.look_began.reset();
    if (member.state == VolumeState::out) {
        member.mount.guard->let_go_of_all();
    }
}

// By its path, and not by what was opened: that is how everybody else finds it.
Volumes::Seen Volumes::examine(const Member& member, const Mount& mount) const {
    const std::unique_ptr<FileSystem> system = new_system();
    Seen seen;
    if (const int error = system->measure(member.root, seen.space); error != 0) {
        const bool is_gone = error == ENOENT || error == ENOTDIR;
        seen.problem = is_gone          ? fmt::format("is not mounted any more: there is no {}", member.root)
                       : is_ours(error) ? ""
                                        : fmt::format("does not answer: {}", words_of(error));
        return seen;
    }
    std::string marker;
    const int error = system->read_small(fmt::format("{}/{}", member.root, kMarkerFile), marker);
    if (is_ours(error)) {
        return seen;
    }
    const Marker wanted{options_.dataset_id, member.name};
    std::uint64_t device = 0;
    std::uint64_t above = 0;
    const bool has_device = system->device_of(member.root, device) == 0 && system->device_of(member.root + "/..", above) == 0;
    const bool was_unmounted = mount.is_mount_point && has_device && device == above;
    if (was_unmounted || error == ENOENT || error == ENOTDIR) {
        seen.problem = fmt::format("is not mounted any more: {} has no .gritd/dataset of this dataset", member.root);
    } else if (error != 0) {
        seen.problem = fmt::format("its marker .gritd/dataset can not be read: {}", words_of(error));
    } else if (parse_marker(marker) != wanted) {
        seen.problem = fmt::format("another volume is at {}", member.root);
    } else if (!has_device || device != mount.device) {
        seen.problem = fmt::format("was mounted anew at {}", member.root);
    } else if (seen.space.read_only && !alone()) {
        // A root that is alone says so by itself, and nothing has to be fetched again.
        seen.problem = "is mounted read-only";
    }
    return seen;
}

void Volumes::check(Member& member) {
    Seen seen = examine(member, mount_of(member));
    if (!seen.problem.empty()) {
        take_out(member, std::move(seen.problem));
        return;
    }
    const std::scoped_lock lock(mutex_);
    if (member.state != VolumeState::out && member.state != VolumeState::lost) {
        apply_space(member, seen.space);
    }
}

// With hysteresis: full from the floor on, in use again with a margin above it.
void Volumes::apply_space(Member& member, const Volume& space) {
    if (space.total_bytes == 0) {
        return;  // not measured
    }
    member.space = space;
    const Depot& depot = *member.mount.depot;
    if (member.state != VolumeState::full && depot.is_below_floor(space)) {
        set_state(member, VolumeState::full, fmt::format("less than storage.min_free is free below {}", member.root));
    } else if (member.state == VolumeState::full && depot.is_above_resume_level(space) && clock_.now() >= member.full_until) {
        set_state(member, VolumeState::in_use, {});
    }
}

// Back again ----------------------------------------------------------------------------------------------------------

void Volumes::try_back(std::size_t index) {
    Member& member = *members_[index];
    {
        const std::scoped_lock lock(mutex_);
        if (clock_.now() < member.out_at + member.rest) {
            return;
        }
    }
    if (auto joined = rejoin(index); !joined) {
        const std::scoped_lock lock(mutex_);
        if (member.state == VolumeState::out) {
            member.why = std::move(joined.error().what);
        }
    }
}

// As at a start. Nothing of a group is planned on a volume that is out, so what it left behind does not change meanwhile.
Checked<void> Volumes::rejoin(std::size_t index) {
    Member& member = *members_[index];
    const Mount old = mount_of(member);
    auto mount = open_mount(index, true);
    if (!mount) {
        return mount.error();
    }
    if (old.is_mount_point && !mount->is_mount_point) {
        return Problem{fmt::format("is not mounted any more: {} is a plain folder", member.root)};
    }
    Volume space;
    if (const int error = mount->guard->measure(member.root, space); error != 0) {
        return Problem{fmt::format("does not answer: {}", words_of(error))};
    }
    if (space.read_only) {
        return Problem{"is mounted read-only"};
    }
    const bool is_full = mount->depot->is_below_floor(space);
    if (const auto probed = is_full ? Result<void>() : mount->depot->probe(); !probed) {
        return Problem{"a probe could not be written: " + probed.error().message()};
    }
    kill_point("volume_back.probed");
    if (const auto swept = mount->depot->sweep_temporaries(); !swept) {
        return Problem{"left-over temporaries can not be removed: " + swept.error().message()};
    }
    kill_point("volume_back.swept");
    std::vector<std::string> intents;
    std::vector<ShardMark> marks;
    {
        std::unique_lock lock(mutex_);
        if (!wait_for_group_end(lock)) {
            return Problem{member.why};  // the next look has its turn
        }
        intents = old.layout->intents();
        for (const auto& [shard, mark] : member.marks) {
            marks.push_back(mark);
        }
    }
    const auto restored = mount->layout->restore(intents, marks);
    if (!restored) {
        return restored.error();
    }
    kill_point("volume_back.restored");
    std::unique_lock lock(mutex_);
    if (!wait_for_group_end(lock) || member.state != VolumeState::out) {
        return Problem{member.why};
    }
    retired_.push_back(member.mount.depot);
    retired_.back()->hold_up_to(0);  // nobody discards what it holds
    member.mount = std::move(*mount);
    member.look_began = clock_.now();  // the look that found it out took as long as it had to
    set_state(member, VolumeState::in_use, {});
    apply_space(member, space);
    return {};
}

// Groups follow each other at once on a busy crawl: a moment between two of them has to be waited for.
bool Volumes::wait_for_group_end(std::unique_lock<std::mutex>& lock) {
    return group_end_.wait_for(lock, kGroupPatience, [this] { return !in_group_; });
}

// Watching ------------------------------------------------------------------------------------------------------------

void Volumes::watch(Milliseconds every) {
    watching_ = true;
    for (std::size_t i = 0; i < members_.size(); ++i) {
        watchers_.emplace_back([this, i, every] { run_watch(i, every); });
    }
}

void Volumes::run_watch(std::size_t index, Milliseconds every) {
    std::unique_lock lock(watch_mutex_);
    while (watching_) {
        lock.unlock();
        look(index);
        lock.lock();
        watch_change_.wait_for(lock, every, [this] { return !watching_; });
    }
}

void Volumes::stop_watch() {
    {
        const std::scoped_lock lock(watch_mutex_);
        watching_ = false;
    }
    watch_change_.notify_all();
    for (std::thread& watcher : watchers_) {
        watcher.join();
    }
    watchers_.clear();
}

void Volumes::tick() {
    const SteadyTime now = clock_.now();
    for (const auto& member : members_) {
        bool hangs = false;
        {
            const std::scoped_lock lock(mutex_);
            hangs = member->look_began && now - *member->look_began > kAnswerWithin;
        }
        if (hangs && !alone()) {
            take_out(*member, fmt::format("has not answered for {}", format_duration(kAnswerWithin)), true);
        }
    }
}

}  // namespace grit::archive
