#include "grit/archive/depot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <limits>
#include <utility>

#include "grit/base/kill_point.hpp"
#include "held_images.hpp"

namespace grit::archive {
namespace {

constexpr mode_t kFolderMode = 0750;
constexpr mode_t kFileMode = 0640;
constexpr std::uint64_t kMinInodes = 1'000;
constexpr std::string_view kTempSuffix = ".part";

// Paths come from the state, which may be damaged: nothing outside the root is ever touched.
bool is_inside(std::string_view path) {
    if (path.empty() || path.front() == '/' || path.back() == '/' || path.find('\0') != std::string_view::npos ||
        path == ".gritd" || path.starts_with(".gritd/")) {
        return false;
    }
    while (!path.empty()) {
        const std::size_t slash = std::min(path.find('/'), path.size());
        const std::string_view part = path.substr(0, slash);
        if (part.empty() || part == "." || part == "..") {
            return false;
        }
        path.remove_prefix(std::min(slash + 1, path.size()));
    }
    return true;
}

bool is_temp_name(std::string_view name) {
    return !name.empty() && name.front() != '.' && name.find_first_of(std::string_view("/\0", 2)) == name.npos;
}

std::string folder_of(std::string_view path) {
    return std::string(path.substr(0, std::min(path.rfind('/'), path.size())));
}

}  // namespace

std::string Depot::temp_path(std::string_view name) const {
    return fmt::format("{}/.gritd/tmp/{}", options_.root, name);
}
std::string Depot::image_path(std::string_view path) const {
    return fmt::format("{}/{}", options_.root, path);
}

std::string Depot::new_temporary_name() {
    return fmt::format("{}-{}{}", run_, next_temporary_.fetch_add(1), kTempSuffix);
}

int Depot::create_temporary(const std::string& name, int& descriptor) {
    const int error = system_->create(temp_path(name), kFileMode, descriptor);
    if (error != 0) {
        descriptor = -1;
    }
    return error;
}

void Depot::hold_up_to(std::uint64_t bytes) {
    held_->allow(bytes);
}

std::optional<std::span<const std::byte>> Depot::held(std::string_view temp_name) const {
    return held_->find(temp_name);
}

void Depot::note_release(const std::string& temp_name) {
    const std::scoped_lock lock(temporaries_mutex_);
    released_.insert(temp_name);
}

void Depot::forget_temporary(const std::string& temp_name) {
    const std::scoped_lock lock(temporaries_mutex_);
    released_.erase(temp_name);
    durable_.erase(temp_name);
}

Result<void> Depot::sync() {
    // One at a time: the system tells of a failure once, and it must not be told to one who did not lose anything.
    const std::scoped_lock one(sync_mutex_);
    std::unordered_set<std::string> covered;
    {
        const std::scoped_lock lock(temporaries_mutex_);
        covered.swap(released_);
    }
    const int error = system_->sync_volume(root_descriptor_);
    const std::scoped_lock lock(temporaries_mutex_);
    if (error != 0) {
        ++failed_syncs_;
        // Also what was begun during the failed sync: nobody knows which bytes it was about.
        given_up_below_ = next_temporary_.load();
        return errc_of_errno(error);
    }
    // One that was released after an earlier failure may have lost bytes by that.
    std::erase_if(covered, [this](const std::string& name) { return number_of(name) < given_up_below_; });
    durable_.merge(covered);
    return {};
}

std::uint64_t Depot::failed_syncs() const {
    const std::scoped_lock lock(temporaries_mutex_);
    return failed_syncs_;
}

Result<void> Depot::sync_since(std::uint64_t failed) {
    const Result<void> synced = sync();
    return synced && failed_syncs() != failed ? Result<void>(Errc::io) : synced;
}

// Of a temporary of this Depot; the largest for others, which were never begun here.
std::uint64_t Depot::number_of(std::string_view temp_name) const {
    if (!owns(temp_name)) {
        return std::numeric_limits<std::uint64_t>::max();
    }
    temp_name.remove_prefix(std::min(run_.size() + 1, temp_name.size()));
    std::uint64_t number = 0;
    std::from_chars(temp_name.data(), temp_name.data() + temp_name.size(), number);
    return number;
}

bool Depot::was_given_up(std::string_view temp_name) const {
    const std::scoped_lock lock(temporaries_mutex_);
    return number_of(temp_name) < given_up_below_ && !durable_.contains(std::string(temp_name));
}

int Depot::make_shard_folder(const std::string& path) {
    const std::string folder = folder_of(path);
    {
        const std::scoped_lock lock(folders_mutex_);
        if (folder == path || folders_.contains(folder)) {
            return 0;
        }
    }
    if (const int error = system_->make_folder(image_path(folder), kFolderMode); error != 0 && error != EEXIST) {
        return error;
    }
    kill_point("publish.folder_made");
    const std::scoped_lock lock(folders_mutex_);
    folders_.insert(folder);
    return 0;
}

void Depot::forget_shard_folder(const std::string& path) {
    const std::scoped_lock lock(folders_mutex_);
    folders_.erase(folder_of(path));
}

int Depot::move_into_place(const Move& move) {
    const std::string from = temp_path(move.temp_name);
    const std::string to = image_path(move.path);
    for (int attempt = 0;; ++attempt) {
        if (const int error = make_shard_folder(move.path); error != 0) {
            return error;
        }
        const int error = system_->rename(from, to);
        if (error != ENOENT || attempt == 1) {
            return error;
        }
        if (const int missing = system_->look(from); missing == 0) {
            forget_shard_folder(move.path);  // somebody removed the folder
            continue;
        } else if (missing != ENOENT) {
            return missing;
        }
        // In place from an earlier call, whose sync may have failed. Renamed back and forth the name is written anew.
        if (const int back = system_->rename(to, from); back != 0) {
            return back;
        }
    }
}

Published Depot::publish(std::span<const Move> moves) {
    Published result;
    const std::uint64_t failed = failed_syncs();
    for (const Move& move : moves) {
        if (!is_inside(move.path) || !is_temp_name(move.temp_name)) {
            result.error = Errc::bad_path;
            return result;
        }
        if (was_given_up(move.temp_name)) {
            result.error = Errc::io;
            return result;
        }
        if (const int error = move_into_place(move); error != 0) {
            result.error = errc_of_errno(error);
            return result;
        }
        kill_point("publish.renamed");
        ++result.done;
    }
    if (const Result<void> synced = moves.empty() ? Result<void>() : sync_since(failed); !synced) {
        result.error = synced.error();
        return result;
    }
    for (const Move& move : moves) {
        forget_temporary(move.temp_name);
    }
    return result;
}

Result<void> Depot::discard(std::string_view temp_name) {
    if (!is_temp_name(temp_name)) {
        return Errc::bad_path;
    }
    forget_temporary(std::string(temp_name));
    if (held_->drop(temp_name)) {
        return {};
    }
    const int error = system_->unlink(temp_path(temp_name));
    return error == 0 || error == ENOENT ? Result<void>() : errc_of_errno(error);
}

Result<void> Depot::remove(std::string_view path) {
    if (!is_inside(path)) {
        return Errc::bad_path;
    }
    const int error = system_->unlink(image_path(path));
    kill_point("removal.file_removed");
    return error == 0 || error == ENOENT ? Result<void>() : errc_of_errno(error);
}

Result<std::size_t> Depot::sweep_temporaries() {
    std::vector<std::string> names;
    if (const int error = system_->list(temp_path({}), names); error != 0) {
        return errc_of_errno(error);
    }
    std::size_t swept = 0;
    for (const std::string& name : names) {
        if (name.starts_with(run_) || !name.ends_with(kTempSuffix)) {
            continue;
        }
        if (const int error = system_->unlink(temp_path(name)); error != 0 && error != ENOENT) {
            return errc_of_errno(error);
        }
        kill_point("start.temporary_removed");
        ++swept;
    }
    return swept;
}

Result<std::size_t> Depot::resolve_intents(std::span<const std::string> paths,
                                           const std::function<bool(const std::string&)>& is_recorded) {
    std::size_t removed = 0;
    for (const std::string& path : paths) {
        if (is_recorded(path)) {
            continue;
        }
        if (!is_inside(path)) {
            return Errc::bad_path;
        }
        const int error = system_->unlink(image_path(path));
        if (error != 0 && error != ENOENT) {
            return errc_of_errno(error);
        }
        kill_point("start.image_removed");
        removed += error == 0 ? 1U : 0U;
    }
    return removed;
}

Result<std::string> Depot::file_of(std::string_view path) const {
    return is_inside(path) ? Result<std::string>(image_path(path)) : Result<std::string>(Errc::bad_path);
}

Result<std::string> Depot::temporary_file(std::string_view temp_name) const {
    return is_temp_name(temp_name) ? Result<std::string>(temp_path(temp_name)) : Result<std::string>(Errc::bad_path);
}

Result<void> Depot::probe() {
    TempImage image = create();
    const std::array<std::byte, 4096> bytes{};
    auto done = image.append(bytes);
    done = done ? image.close() : done;
    return done ? sync() : done;
}

Result<Volume> Depot::free_space() const {
    Volume volume;
    if (const int error = system_->measure(options_.root, volume); error != 0) {
        return errc_of_errno(error);
    }
    return volume;
}

std::uint64_t Depot::resume_bytes(std::uint64_t min_free_bytes) noexcept {
    constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;
    return min_free_bytes +
           (min_free_bytes < kGiB ? min_free_bytes / 10 : std::max<std::uint64_t>(kGiB, min_free_bytes / 50));
}

bool Depot::is_below_floor(const Volume& volume) const noexcept {
    return volume.free_bytes < options_.min_free_bytes || volume.free_inodes < kMinInodes;
}

bool Depot::is_above_resume_level(const Volume& volume) const noexcept {
    return volume.free_bytes >= resume_bytes(options_.min_free_bytes) && volume.free_inodes >= 2 * kMinInodes;
}

bool Depot::below_floor() const {
    const Result<Volume> volume = free_space();
    return !volume || is_below_floor(*volume);
}

bool Depot::above_resume_level() const {
    const Result<Volume> volume = free_space();
    return volume && is_above_resume_level(*volume);
}

bool Depot::has_released() const {
    const std::scoped_lock lock(temporaries_mutex_);
    return !released_.empty();
}

}  // namespace grit::archive
