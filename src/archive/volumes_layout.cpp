// The volumes as one layout: each location goes to its volume, and a volume that fails takes only its own images with it.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "volume_member.hpp"

namespace grit::archive {

// Which volume -----------------------------------------------------------------------------------------------------------

Volumes::Mount Volumes::mount_of(const Member& member) const {
    const std::scoped_lock lock(mutex_);
    return member.mount;
}

std::shared_ptr<Depot> Volumes::first() const { return mount_of(*members_.front()).depot; }

bool Volumes::usable(const Member& member) const {
    const std::scoped_lock lock(mutex_);
    return is_there(member.state);
}

Volumes::Member* Volumes::owner_of(std::string_view temp_name) const {
    const std::scoped_lock lock(mutex_);
    const auto owner = std::find_if(members_.begin(), members_.end(),
                                    [&](const auto& member) { return member->mount.depot->owns(temp_name); });
    return owner == members_.end() ? nullptr : owner->get();
}

Volumes::Located Volumes::locate(std::string_view location) const {
    const std::string_view name = volume_of(location);
    const auto found = std::find_if(members_.begin(), members_.end(), [&](const auto& member) { return member->name == name; });
    if (found == members_.end()) {
        return {};
    }
    return {found->get(), location.substr(name.empty() ? 0 : std::min(name.size() + 1, location.size()))};
}

std::vector<std::string> Volumes::prefixed(const Member& member, std::vector<std::string> paths) const {
    for (std::string& path : paths) {
        path.insert(0, member.prefix);
    }
    return paths;
}

std::vector<std::string> Volumes::of_member(const Member& member, std::span<const std::string> locations) const {
    std::vector<std::string> paths;
    for (const std::string& location : locations) {
        if (const Located located = locate(location); located.member == &member) {
            paths.emplace_back(located.path);
        }
    }
    return paths;
}

std::vector<ShardMark> Volumes::of_member(const Member& member, std::span<const ShardMark> marks) const {
    std::vector<ShardMark> mine;
    std::copy_if(marks.begin(), marks.end(), std::back_inserter(mine),
                 [&](const ShardMark& mark) { return mark.volume == member.name; });
    return mine;
}

// A group ----------------------------------------------------------------------------------------------------------------

Sidecars Volumes::sidecars() const noexcept { return mount_of(*members_.front()).layout->sidecars(); }

// What is of a volume that is lost is gone with it.
Checked<Restored> Volumes::restore(std::span<const std::string> intents, std::span<const ShardMark> marks) {
    Restored all;
    for (const auto& member : members_) {
        const auto mine = of_member(*member, marks);
        auto restored = mount_of(*member).layout->restore(of_member(*member, intents), mine);
        if (!restored) {
            return restored.error();
        }
        all.files_removed += restored->files_removed;
        all.bytes_cut += restored->bytes_cut;
        for (std::string& damaged : restored->damaged) {
            all.damaged.push_back(member->prefix + damaged);
        }
        const std::scoped_lock lock(mutex_);
        for (const std::span<const ShardMark> some : {std::span<const ShardMark>(mine), std::span<const ShardMark>(restored->kept)}) {
            std::for_each(some.begin(), some.end(), [&member](const ShardMark& mark) { member->remember(mark); });
        }
    }
    return all;
}

Result<void> Volumes::sync() {
    begin_group();
    for (const auto& member : members_) {
        const Mount mount = mount_of(*member);
        if (!usable(*member) || (!alone() && !mount.depot->has_released())) {
            continue;
        }
        if (const auto synced = mount.layout->sync(); !synced) {
            if (alone()) {
                return synced;
            }
            failed(*member, synced.error());
        }
    }
    return {};
}

void Volumes::forget_group() {
    for (const auto& member : members_) {
        member->failed = false;
        member->published = false;
    }
    is_decided_ = false;
}

// From here until its end no volume comes back: what the group has on it is settled first.
void Volumes::begin_group() {
    forget_group();
    const std::scoped_lock lock(mutex_);
    in_group_ = true;
}

void Volumes::end_group() {
    forget_group();
    {
        const std::scoped_lock lock(mutex_);
        in_group_ = false;
    }
    group_end_.notify_all();
}

void Volumes::begin() {
    begin_group();
    for (const auto& member : members_) {
        Layout& layout = *mount_of(*member).layout;
        if (usable(*member)) {
            layout.begin();
        } else if (!layout.empty()) {
            // Published by a try that was not recorded, and the volume went out since: it is not to be forgotten.
            static_cast<void>(layout.withdraw());
        }
    }
}

std::string Volumes::propose(const Arrival& arrival) const {
    const Member* const owner = owner_of(arrival.temp_name);
    const Member& member = owner != nullptr ? *owner : *members_.front();
    return member.prefix + mount_of(member).layout->propose(arrival);
}

std::string Volumes::accept(Arrival arrival) {
    Member* const owner = owner_of(arrival.temp_name);
    const Member& member = owner != nullptr ? *owner : *members_.front();
    return member.prefix + mount_of(member).layout->accept(std::move(arrival));
}

std::vector<std::string> Volumes::intents() const {
    std::vector<std::string> all;
    for (const auto& member : members_) {
        auto mine = prefixed(*member, mount_of(*member).layout->intents());
        std::move(mine.begin(), mine.end(), std::back_inserter(all));
    }
    return all;
}

bool Volumes::empty() const noexcept {
    return std::all_of(members_.begin(), members_.end(), [this](const auto& member) { return mount_of(*member).layout->empty(); });
}

Publishing Volumes::publish() {
    for (const auto& member : members_) {
        Layout& layout = *mount_of(*member).layout;
        if (layout.empty() || member->failed) {
            continue;
        }
        const Publishing published = layout.publish();
        member->published = static_cast<bool>(published);
        if (published) {
            continue;
        }
        // Without descriptors no volume is any better; everything else is this volume's own, and the others do not wait for it.
        if (alone() || published.error == Errc::out_of_descriptors) {
            return published;
        }
        failed(*member, published.error);
        give_up_group_on(*member);
    }
    // Once for all that follows: one that goes out after this has the images of this group, and their records.
    for (const auto& member : members_) {
        if (member->published && !alone() && !usable(*member)) {
            give_up_group_on(*member);
        }
    }
    is_decided_ = true;
    return {};
}

// What can not be removed there now is left behind, and removed when the volume is back.
void Volumes::give_up_group_on(Member& member) {
    member.failed = true;
    member.published = false;
    static_cast<void>(mount_of(member).layout->withdraw());
}

bool Volumes::lost(std::string_view temp_name) const {
    const Member* const owner = owner_of(temp_name);
    if (owner == nullptr) {
        return true;  // of a mount that is no more
    }
    if (is_decided_ || alone()) {
        return owner->failed;
    }
    return owner->failed || !usable(*owner) || mount_of(*owner).depot->was_given_up(temp_name);
}

std::vector<std::string> Volumes::left_behind() const {
    std::vector<std::string> all;
    for (const auto& member : members_) {
        if (!member->published) {
            auto mine = prefixed(*member, mount_of(*member).layout->intents());
            std::move(mine.begin(), mine.end(), std::back_inserter(all));
        }
    }
    return all;
}

Result<void> Volumes::withdraw() {
    Result<void> all;
    for (const auto& member : members_) {
        const auto withdrawn = mount_of(*member).layout->withdraw();
        all = all && !withdrawn ? withdrawn : all;
    }
    end_group();
    return all;
}

std::vector<ShardMark> Volumes::marks() const {
    std::vector<ShardMark> all;
    for (const auto& member : members_) {
        if (!member->published) {
            continue;
        }
        for (ShardMark& mark : mount_of(*member).layout->marks()) {
            mark.volume = member->name;
            all.push_back(std::move(mark));
        }
    }
    return all;
}

void Volumes::committed() {
    for (const auto& member : members_) {
        if (!member->published) {
            continue;
        }
        const Mount mount = mount_of(*member);
        const std::vector<ShardMark> marks = mount.layout->marks();
        mount.layout->committed();
        const std::scoped_lock lock(mutex_);
        for (const ShardMark& mark : marks) {
            member->remember(mark);
        }
    }
    end_group();
}

void Volumes::close() {
    for (const auto& member : members_) {
        if (usable(*member)) {
            mount_of(*member).layout->close();
        }
    }
}

// Single images ----------------------------------------------------------------------------------------------------------

Result<void> Volumes::discard(std::string_view temp_name) {
    const Member* const owner = owner_of(temp_name);
    // Of a volume that is out, or was: swept when it is back.
    return owner != nullptr && usable(*owner) ? mount_of(*owner).layout->discard(temp_name) : Result<void>();
}

Result<std::size_t> Volumes::sweep_temporaries() {
    std::size_t swept = 0;
    for (const auto& member : members_) {
        const auto some = mount_of(*member).depot->sweep_temporaries();
        if (!some) {
            return some;
        }
        swept += *some;
    }
    return swept;
}

std::string Volumes::claim_of(std::string_view location) const {
    const Located located = locate(location);
    return located.member == nullptr ? std::string(location)
                                     : located.member->prefix + mount_of(*located.member).layout->claim_of(located.path);
}

Checked<void> Volumes::remove(std::span<const std::string> locations) {
    std::string problem;
    for (const auto& member : members_) {
        const std::vector<std::string> mine = of_member(*member, locations);
        VolumeState state{};
        std::string why;
        {
            const std::scoped_lock lock(mutex_);
            state = member->state;
            why = member->why;
        }
        if (mine.empty() || state == VolumeState::lost) {
            continue;
        }
        auto removed = state == VolumeState::out ? Checked<void>(Problem{fmt::format("volume {} is out: {}", member->called(), why)})
                                                 : remove_on(*member, mine);
        if (!removed) {
            problem += (problem.empty() ? "" : "; ") + removed.error().what;
        }
    }
    return problem.empty() ? Checked<void>() : Checked<void>(Problem{std::move(problem)});
}

Checked<void> Volumes::remove_on(const Member& member, std::span<const std::string> paths) const {
    const Mount mount = mount_of(member);
    auto removed = mount.layout->remove(paths);
    if (!removed || alone()) {
        return removed;
    }
    // A sync is believed only of a volume that was there all the time.
    const std::scoped_lock lock(mutex_);
    const bool was_there = member.mount.depot == mount.depot && is_there(member.state);
    return was_there ? removed : Checked<void>(Problem{fmt::format("volume {} went out: {}", member.called(), member.why)});
}

Result<Extent> Volumes::find(std::string_view location) const {
    const Located located = locate(location);
    if (located.member == nullptr || !usable(*located.member)) {
        return Errc::volume_out;
    }
    return mount_of(*located.member).layout->find(located.path);
}

Result<void> Volumes::check_headers(std::string_view location) const {
    const Located located = locate(location);
    if (located.member == nullptr || !usable(*located.member)) {
        return Errc::volume_out;
    }
    return mount_of(*located.member).layout->check_headers(located.path);
}

bool Volumes::is_out(std::string_view location) const {
    const Located located = locate(location);
    return located.member == nullptr || !usable(*located.member);
}

Checked<void> Volumes::confirm(std::string_view location) const {
    const Located located = locate(location);
    if (located.member == nullptr) {
        return Problem{fmt::format("{} is on a volume that is lost", location)};
    }
    const Seen seen = examine(*located.member, mount_of(*located.member));
    if (!seen.problem.empty()) {
        const Member& member = *located.member;
        return Problem{fmt::format("image {} {}", member.name.empty() ? "root " + member.root : "volume " + member.name, seen.problem)};
    }
    return {};
}

}  // namespace grit::archive
