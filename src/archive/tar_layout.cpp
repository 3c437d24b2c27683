#include "tar_layout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <system_error>
#include <utility>

#include "grit/archive/place.hpp"
#include "grit/base/kill_point.hpp"

namespace grit::archive {
namespace {

bool can_be_published_later(Errc error) {
    return error == Errc::disk_full || error == Errc::read_only || error == Errc::out_of_descriptors;
}

}  // namespace

std::unique_ptr<Layout> make_tar_layout(Depot& depot, TarOptions options) {
    return std::make_unique<TarLayout>(depot, options);
}

// Planning ------------------------------------------------------------------------------------------------------------

std::optional<TarLayout::Location> TarLayout::parse(std::string_view location) {
    const auto place = archive::place_of(location);
    return place && place->is_tar && place->volume.empty() ? std::optional(Location{place->shard, place->name}) : std::nullopt;
}

std::string TarLayout::claim_of(std::string_view location) const {
    const auto parsed = parse(location);
    return parsed ? fmt::format("#{}", sample_name(parsed->member).key) : std::string(location);
}

void TarLayout::begin() {
    planned_.clear();
    {
        const std::lock_guard lock(mutex_);
        retire_if_damaged();
    }
    plan_shard_ = kept_open_ ? kept_open_->shard : kept_next_;
    plan_bytes_ = kept_open_ ? kept_open_->bytes : 0;
    plan_samples_ = kept_open_ ? kept_open_->samples : 0;
}

// Somebody has removed or cut the shard that is being filled: what is appended to it could not be read.
void TarLayout::retire_if_damaged() {
    if (!kept_open_ || open_ == nullptr || dirty_) {
        return;
    }
    std::uint64_t size = 0;
    const int error = depot_.system().size_of(depot_.file_of(shard_file_name(kept_open_->shard)).value(), size);
    if (error != ENOENT && (error != 0 || size >= kept_open_->bytes)) {
        return;
    }
    if (error == 0) {
        static_cast<void>(ShardIndexes::write(depot_, open_->number(), open_->index()));  // or it is read from the archive
    }
    retired_.push_back(ShardMark{kept_open_->shard, kept_open_->bytes, kept_open_->samples, true});
    open_.reset();
    kept_open_.reset();
}

TarLayout::Place TarLayout::place_of(const Arrival& arrival) const {
    Place place{plan_shard_, {}, plan_bytes_, plan_samples_};
    const std::uint64_t bytes = place.bytes + TarShard::bytes_of(arrival);
    if (place.samples >= options_.shard_images || (place.samples > 0 && bytes > options_.shard_bytes)) {
        place = Place{plan_shard_ + 1, {}, 0, 0};
    }
    const std::lock_guard lock(mutex_);
    const bool has_others = open_ != nullptr && open_->number() == place.shard;
    unsigned copy = arrival.copy;
    do {
        place.key = sample_key(arrival.ordinal, copy++);
    } while (has_others && open_->index().contains(place.key));
    return place;
}

std::string TarLayout::propose(const Arrival& arrival) const {
    const Place place = place_of(arrival);
    return fmt::format("{}#{}.{}", shard_file_name(place.shard), place.key,
                       options_.extension.empty() ? arrival.extension : options_.extension);
}

std::string TarLayout::accept(Arrival arrival) {
    std::string location = propose(arrival);
    Place place = place_of(arrival);
    if (!options_.extension.empty()) {
        arrival.extension = options_.extension;
    }
    plan_shard_ = place.shard;
    plan_bytes_ = place.bytes + TarShard::bytes_of(arrival);
    plan_samples_ = place.samples + 1;
    planned_.push_back(Planned{std::move(arrival), place.shard, std::move(place.key)});
    return location;
}

// So that a start knows how many shards a group may have begun: as many as it has images, if those are large.
std::vector<std::string> TarLayout::intents() const {
    const std::uint32_t end = std::max(next_, planned_.empty() ? 0 : planned_.back().shard + 1);
    return end > kept_next_ ? std::vector{shard_file_name(end - 1)} : std::vector<std::string>();
}

// Publishing ----------------------------------------------------------------------------------------------------------

Publishing TarLayout::publish() {
    const std::lock_guard lock(mutex_);
    bool sync_failed = false;
    int error = dirty_ ? cut_back() : 0;
    if (error == 0) {
        dirty_ = true;
        error = append_planned(sync_failed);
        if (error != 0) {
            // What can not be cut off now is cut off before anything else is appended.
            static_cast<void>(cut_back());
        }
    }
    if (error == 0) {
        return {};
    }
    marks_.clear();
    const Errc code = errc_of_errno(error);
    // After a failed sync the kernel may have dropped what was appended, and what it was copied from: fetched again.
    return Publishing{code, !sync_failed && can_be_published_later(code)};
}

int TarLayout::append_planned(bool& sync_failed) {
    marks_ = retired_;
    const std::uint64_t failed = depot_.failed_syncs();
    const std::uint32_t first_new = next_;
    for (const Planned& planned : planned_) {
        int error = open_ == nullptr || open_->number() != planned.shard ? go_to(planned.shard, sync_failed) : 0;
        error = error != 0 ? error : open_->append(planned.arrival, planned.key);
        if (error != 0) {
            return error;
        }
    }
    const bool full = open_ != nullptr && (open_->samples() >= options_.shard_images || open_->bytes() >= options_.shard_bytes);
    const bool has_new_names = next_ != first_new || full;
    if (const int error = full ? seal_open(sync_failed) : sync_open(sync_failed); error != 0) {
        return error;
    }
    if (!has_new_names) {
        return 0;
    }
    const auto synced = depot_.sync_since(failed);
    sync_failed = !synced;
    return synced ? 0 : EIO;
}

int TarLayout::go_to(std::uint32_t shard, bool& sync_failed) {
    if (shard != next_) {
        return EINVAL;
    }
    if (open_ != nullptr) {
        if (const int error = seal_open(sync_failed); error != 0) {
            return error;
        }
    }
    open_ = std::make_unique<TarShard>(depot_, shard);
    ++next_;
    const int error = open_->create();
    kill_point("shard.created");
    return error;
}

int TarLayout::sync_open(bool& sync_failed) {
    if (const int error = open_->flush(); error != 0) {
        return error;
    }
    kill_point("shard.written");
    const int error = open_->sync();
    sync_failed = error != 0;
    kill_point("shard.synced");
    marks_.push_back(ShardMark{open_->number(), open_->bytes(), open_->samples(), false});
    return error;
}

int TarLayout::seal_open(bool& sync_failed) {
    if (const int error = open_->seal(); error != 0) {
        return error;
    }
    if (const int error = sync_open(sync_failed); error != 0) {
        return error;
    }
    marks_.back().sealed = true;
    const int error = ShardIndexes::write(depot_, open_->number(), open_->index());
    open_.reset();
    kill_point("shard.indexed");
    return error;
}

int TarLayout::remove_shard(std::uint32_t shard) {
    indexes_.forget(shard);
    for (const std::string& name : {shard_index_name(shard), shard_file_name(shard)}) {
        const int error = depot_.system().unlink(depot_.file_of(name).value());
        if (error != 0 && error != ENOENT) {
            return error;
        }
    }
    return 0;
}

// Back to what the state says.
int TarLayout::cut_back() {
    if (open_ != nullptr && (!kept_open_ || open_->number() != kept_open_->shard)) {
        open_.reset();
    }
    for (; next_ > kept_next_; --next_) {
        if (const int error = remove_shard(next_ - 1); error != 0) {
            return error;
        }
    }
    if (kept_open_) {
        indexes_.forget(kept_open_->shard);
        const int unlinked = depot_.system().unlink(depot_.file_of(shard_index_name(kept_open_->shard)).value());
        if (unlinked != 0 && unlinked != ENOENT) {
            return unlinked;
        }
        int error = 0;
        if (open_ != nullptr) {
            error = open_->cut_back(kept_open_->bytes, kept_open_->samples);
        } else {
            auto shard = std::make_unique<TarShard>(depot_, kept_open_->shard);
            std::uint64_t cut = 0;
            error = shard->open(kept_open_->bytes, kept_open_->samples, cut);
            open_ = error == 0 ? std::move(shard) : nullptr;
        }
        if (error != 0) {
            return error;
        }
    }
    dirty_ = false;
    return 0;
}

Result<void> TarLayout::withdraw() {
    const std::lock_guard lock(mutex_);
    planned_.clear();
    marks_.clear();
    const int error = dirty_ ? cut_back() : 0;
    return error == 0 ? Result<void>() : Result<void>(errc_of_errno(error));
}

void TarLayout::committed() {
    const std::lock_guard lock(mutex_);
    if (planned_.empty()) {
        return;
    }
    kept_open_ = open_ ? std::optional(ShardMark{open_->number(), open_->bytes(), open_->samples(), false}) : std::nullopt;
    kept_next_ = next_;
    dirty_ = false;
    for (const Planned& planned : planned_) {
        static_cast<void>(depot_.discard(planned.arrival.temp_name));  // what stays is swept at the next start
        kill_point("shard.temporary_removed");
    }
    planned_.clear();
    marks_.clear();
    retired_.clear();
}

void TarLayout::close() {
    const std::lock_guard lock(mutex_);
    if ((dirty_ && cut_back() != 0) || open_ == nullptr) {
        return;
    }
    dirty_ = true;
    if (open_->write_end() == 0) {
        // So is the index: for who reads before the next start, which does without both.
        static_cast<void>(ShardIndexes::write(depot_, open_->number(), open_->index()));
    }
}

// Looking up and removing ---------------------------------------------------------------------------------------------

Result<ShardIndex*> TarLayout::index_of(std::uint32_t shard) const {
    if (is_open(shard)) {
        return &open_->index();
    }
    const auto found = indexes_.get(shard);
    return found ? Result<ShardIndex*>(&(*found)->index) : Result<ShardIndex*>(found.error());
}

Result<Extent> TarLayout::find(std::string_view location) const {
    const auto parsed = parse(location);
    if (!parsed) {
        return Errc::bad_path;
    }
    const std::lock_guard lock(mutex_);
    const auto index = index_of(parsed->shard);
    if (!index) {
        return index.error();
    }
    const TarMember* member = (*index)->find(parsed->member);
    if (member == nullptr) {
        return Errc::vanished;
    }
    return Extent{depot_.file_of(shard_file_name(parsed->shard)).value(), member->offset, member->size};
}

// Not under the lock: a slow disk holds up nobody who stores images. What an erasure changes meanwhile has no record any more.
Result<void> TarLayout::check_headers(std::string_view location) const {
    const auto parsed = parse(location);
    if (!parsed) {
        return Errc::bad_path;
    }
    std::vector<TarMember> members;
    {
        const std::lock_guard lock(mutex_);
        const auto index = index_of(parsed->shard);
        if (!index) {
            return index.error();
        }
        members = (*index)->sample(sample_name(parsed->member).key);
    }
    FileSystem& system = depot_.system();
    int descriptor = -1;
    if (const int error = system.open_file(depot_.file_of(shard_file_name(parsed->shard)).value(), false, descriptor); error != 0) {
        return errc_of_errno(error);
    }
    const int error = archive::check_headers(system, descriptor, members);
    system.close(descriptor);
    return error == EBADMSG ? Result<void>(Errc::bad_header) : error != 0 ? Result<void>(errc_of_errno(error)) : Result<void>();
}

Checked<void> TarLayout::remove(std::span<const std::string> locations) {
    std::map<std::uint32_t, std::vector<std::string>> doomed;
    for (const std::string& location : locations) {
        const auto parsed = parse(location);
        if (!parsed) {
            return Problem{fmt::format("{} can not be removed: {}", location, make_error_code(Errc::bad_path).message())};
        }
        doomed[parsed->shard].emplace_back(sample_name(parsed->member).key);
    }
    const std::lock_guard lock(mutex_);
    retire_if_damaged();
    const std::uint64_t failed = depot_.failed_syncs();
    for (const auto& [shard, keys] : doomed) {
        if (const int error = erase_samples(shard, keys); error != 0) {
            return Problem{fmt::format("images in {} can not be removed: {}", shard_file_name(shard),
                                       std::generic_category().message(error))};
        }
    }
    if (const auto synced = depot_.sync_since(failed); !synced) {
        return Problem{"the image volume can not be synced: " + synced.error().message()};
    }
    return {};
}

int TarLayout::erase_samples(std::uint32_t shard, const std::vector<std::string>& keys) {
    ShardIndex* index = nullptr;
    std::optional<std::uint64_t> torn_at;
    if (is_open(shard)) {
        index = &open_->index();
    } else if (const auto found = indexes_.get(shard)) {
        index = &(*found)->index;
        torn_at = (*found)->torn_at;
    } else {
        return found.error() == Errc::vanished ? remove_shard(shard) : EIO;
    }
    std::vector<std::vector<TarMember>> samples;
    std::vector<TarMember> members;
    for (const std::string& key : keys) {
        samples.push_back(index->sample(key));
        members.insert(members.end(), samples.back().begin(), samples.back().end());
    }
    if (members.empty() && !torn_at) {
        return 0;
    }
    if (const int error = members.empty() ? 0 : erase_in_file(shard, members, samples); error != 0) {
        return error;
    }
    for (const std::string& key : keys) {
        index->erase(key);
    }
    kill_point("erasure_shard.synced");
    if (is_open(shard)) {
        return 0;
    }
    // Who reads a torn shard from front to end is to find one.
    const bool is_kept = kept_open_ && kept_open_->shard == shard;
    const int error = torn_at && !is_kept ? end_archive(depot_.system(), depot_.file_of(shard_file_name(shard)).value(), *torn_at) : 0;
    if (torn_at) {
        kill_point("verify_shard.ended");
    }
    return error != 0 ? error : ShardIndexes::write(depot_, shard, *index);
}

// First the bytes, durably, then the headers: what was cut in between is still found, and erased again.
int TarLayout::erase_in_file(std::uint32_t shard, const std::vector<TarMember>& blanked,
                             const std::vector<std::vector<TarMember>>& samples) {
    FileSystem& system = depot_.system();
    int descriptor = -1;
    if (const int error = system.open_file(depot_.file_of(shard_file_name(shard)).value(), true, descriptor); error != 0) {
        return error;
    }
    int error = blank_members(system, descriptor, blanked);
    error = error != 0 ? error : system.sync_data(descriptor);
    kill_point("erasure_shard.blanked");
    for (const std::vector<TarMember>& sample : samples) {
        error = error != 0 ? error : erase_members(system, descriptor, sample);
        kill_point("erasure_shard.erased");
    }
    error = error != 0 ? error : system.sync_data(descriptor);
    system.close(descriptor);
    return error;
}

}  // namespace grit::archive
