// How a root becomes ours: folders and the marker.
#include <fmt/format.h>
#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "grit/archive/depot.hpp"
#include "grit/archive/marker.hpp"
#include "grit/base/kill_point.hpp"
#include "held_images.hpp"

namespace grit::archive {
namespace {

constexpr mode_t kFolderMode = 0750;
constexpr mode_t kFileMode = 0640;

std::string random_run() {
    std::uint64_t number = 0;
    if (getrandom(&number, sizeof number, 0) != static_cast<ssize_t>(sizeof number)) {
        return {};
    }
    return fmt::format("{:016x}", number);
}

}  // namespace

Depot::Depot(Options options, std::unique_ptr<FileSystem> system, std::string run)
    : options_(std::move(options)), system_(std::move(system)), run_(std::move(run)), held_(std::make_unique<HeldImages>()) {}

Depot::~Depot() {
    if (root_descriptor_ >= 0) {
        system_->close(root_descriptor_);
    }
}

Checked<std::unique_ptr<Depot>> Depot::open(Options options, std::unique_ptr<FileSystem> system) {
    if (system == nullptr) {
        system = std::make_unique<RealFileSystem>();
    }
    while (options.root.size() > 1 && options.root.ends_with('/')) {
        options.root.pop_back();
    }
    std::string run = random_run();
    if (run.empty() || options.dataset_id.empty()) {
        return Problem{"the image root needs a dataset identity and random numbers"};
    }
    std::unique_ptr<Depot> depot(new Depot(std::move(options), std::move(system), std::move(run)));
    if (auto prepared = depot->prepare(); !prepared) {
        return prepared.error();
    }
    return depot;
}

Problem Depot::problem(std::string_view doing, int error) const {
    return Problem{fmt::format("{}: {}: {}", called(), doing, std::generic_category().message(error))};
}

std::string Depot::called() const {
    return options_.volume.empty() ? "image root " + options_.root
                                   : fmt::format("image volume {} ({})", options_.volume, options_.root);
}

std::string Depot::marker() const {
    return text_of(Marker{options_.dataset_id, options_.volume});
}

Checked<void> Depot::prepare() {
    if (auto root = prepare_root(); !root) {
        return root;
    }
    if (const int error = system_->open_folder(options_.root, root_descriptor_); error != 0) {
        return problem("can not be opened", error);
    }
    system_->anchor(options_.root, root_descriptor_);
    if (const int error = system_->device_of(options_.root, device_); error != 0) {
        return problem("can not be looked at", error);
    }
    if (auto marker = check_marker(); !marker) {
        return marker;
    }
    if (const int error = system_->make_folder(options_.root + "/.gritd/tmp", kFolderMode);
        error != 0 && error != EEXIST) {
        return problem("the folder for temporaries can not be made", error);
    }
    return {};
}

Checked<void> Depot::prepare_root() {
    const int error = system_->look(options_.root);
    if (error == 0) {
        return {};
    }
    if (error != ENOENT) {
        return problem("can not be looked at", error);
    }
    if (options_.has_images || options_.must_be_marked) {
        return Problem{fmt::format("{} is missing, but the state names images in it: is its volume mounted? If its root "
                                   "was changed in the config, move the folder there first", called())};
    }
    if (!options_.volume.empty()) {
        return Problem{fmt::format("{} is missing: mount it, and make the folder on it if it is a new one", called())};
    }
    if (const int made = system_->make_folder(options_.root, kFolderMode); made != 0) {
        return problem(made == ENOENT ? "its parent folder is missing too (is the volume mounted?)" : "can not be made",
                       made);
    }
    return {};
}

Checked<void> Depot::check_marker() {
    std::string found;
    const int error = system_->read_small(fmt::format("{}/{}", options_.root, kMarkerFile), found);
    if (error == 0) {
        const Marker marked = parse_marker(found);
        if (marked == Marker{options_.dataset_id, options_.volume}) {
            // It may be in memory alone: an earlier start has made it, and could not sync it.
            const int unsynced = system_->sync_volume(root_descriptor_);
            return unsynced == 0 ? Checked<void>() : Checked<void>(problem("can not be synced", unsynced));
        }
        if (marked.dataset != options_.dataset_id) {
            return Problem{fmt::format("{} belongs to another dataset ({}; this state is {}): choose another root, or the state of "
                                       "these images. If that was lost, restore it from a backup, or have gritctl rebuild make it anew",
                                       called(), marked.dataset, options_.dataset_id)};
        }
        const std::string name = marked.volume.empty() ? "the first one, storage.root" : marked.volume;
        return Problem{fmt::format("{} is another volume of this dataset: {}. Are roots mixed up in the config?", called(), name)};
    }
    if (error != ENOENT) {
        return problem("its marker .gritd/dataset can not be read", error);
    }
    if (options_.has_images || options_.must_be_marked) {
        return Problem{fmt::format("{} has no marker of this dataset, but the state names images in it: is its volume mounted? If "
                                   "its root was changed in the config, move the old folder there first, with its .gritd",
                                   called())};
    }
    std::vector<std::string> names;
    if (const int listed = system_->list(options_.root, names); listed != 0) {
        return problem("can not be listed", listed);
    }
    // .gritd without a marker is what a crash in the middle of this leaves, and the journal's folder may outlive a marker
    // whose sync had failed (it says itself whose it is); lost+found is what mkfs makes.
    std::erase_if(names, [](const std::string& name) { return name == ".gritd" || name == "outcomes" || name == "lost+found"; });
    if (!names.empty()) {
        return Problem{
            fmt::format("{} has files in it ({}, ...) but no marker of gritd: choose an empty folder", called(),
                        *std::min_element(names.begin(), names.end()))};
    }
    return write_marker();
}

// Complete or not there, also after a power loss: written aside, synced, renamed, synced.
Checked<void> Depot::write_marker() {
    const std::string folder = options_.root + "/.gritd";
    if (const int error = system_->make_folder(folder, kFolderMode); error != 0 && error != EEXIST) {
        return problem("can not be written", error);
    }
    const std::string aside = folder + "/dataset.new";
    system_->unlink(aside);
    int descriptor = -1;
    if (const int error = system_->create(aside, kFileMode, descriptor); error != 0) {
        return problem("its marker can not be made", error);
    }
    kill_point("root.marker_created");
    const std::string text = marker();
    std::size_t written = 0;
    int error = system_->write(descriptor, std::as_bytes(std::span(text)), written);
    const int closed = system_->close(descriptor);
    error = error != 0 ? error : closed;
    error = error == 0 && written != text.size() ? ENOSPC : error;
    error = error != 0 ? error : system_->sync_volume(root_descriptor_);
    kill_point("root.marker_written");
    error = error != 0 ? error : system_->rename(aside, folder + "/dataset");
    kill_point("root.marker_named");
    error = error != 0 ? error : system_->sync_volume(root_descriptor_);
    return error == 0 ? Checked<void>() : Checked<void>(problem("its marker can not be written", error));
}

}  // namespace grit::archive
