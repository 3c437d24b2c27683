#include "files_layout.hpp"

#include <fmt/format.h>

namespace grit::archive {
namespace {

// The bytes are safe under their temporary names and only the names are missing: no reason to ask anybody again.
bool can_be_published_later(const ErrorCode& error) {
    return error == Errc::disk_full || error == Errc::read_only || error == Errc::out_of_descriptors;
}

const auto kNoneIsRecorded = [](const std::string&) { return false; };

}  // namespace

// The transaction that clears the intents is the one that records the images: none of these is recorded.
Checked<Restored> FilesLayout::restore(std::span<const std::string> intents, std::span<const ShardMark>) {
    const auto removed = depot_.resolve_intents(intents, kNoneIsRecorded);
    if (!removed) {
        return Problem{"images without a record can not be removed: " + removed.error().message()};
    }
    // Before the state forgets them: a power cut would bring them back. (Also where an earlier start has removed them.)
    if (const auto synced = intents.empty() ? Result<void>() : depot_.sync(); !synced) {
        return Problem{"the image volume can not be synced: " + synced.error().message()};
    }
    Restored restored;
    restored.files_removed = *removed;
    return restored;
}

std::string FilesLayout::propose(const Arrival& arrival) const {
    return path_for(arrival.ordinal,
                    arrival.copy == 1 ? arrival.extension : fmt::format("{}.{}", arrival.copy, arrival.extension));
}

std::string FilesLayout::accept(Arrival arrival) {
    std::string location = propose(arrival);
    std::erase(withdrawn_, location);
    moves_.push_back(Move{std::move(arrival.temp_name), location});
    return location;
}

std::vector<std::string> FilesLayout::intents() const {
    std::vector<std::string> paths = withdrawn_;
    paths.reserve(paths.size() + moves_.size());
    for (const Move& move : moves_) {
        paths.push_back(move.path);
    }
    return paths;
}

Publishing FilesLayout::publish() {
    if (const auto removed = depot_.resolve_intents(withdrawn_, kNoneIsRecorded); !removed) {
        return Publishing{removed.error(), can_be_published_later(removed.error())};
    }
    const Published published = depot_.publish(moves_);
    if (published) {
        withdrawn_.clear();  // its sync was theirs, too
    }
    return published ? Publishing{} : Publishing{published.error, can_be_published_later(published.error)};
}

Result<void> FilesLayout::withdraw() {
    withdrawn_ = intents();
    moves_.clear();
    const auto removed = depot_.resolve_intents(withdrawn_, kNoneIsRecorded);
    return removed ? Result<void>() : Result<void>(removed.error());
}

Checked<void> FilesLayout::remove(std::span<const std::string> locations) {
    for (const std::string& location : locations) {
        if (const auto removed = depot_.remove(location); !removed) {
            return Problem{fmt::format("{} can not be removed: {}", location, removed.error().message())};
        }
    }
    if (const auto synced = depot_.sync(); !synced) {
        return Problem{"the image volume can not be synced: " + synced.error().message()};
    }
    return {};
}

Result<Extent> FilesLayout::find(std::string_view location) const {
    auto file = depot_.file_of(location);
    if (!file) {
        return file.error();
    }
    Extent extent{std::move(*file), 0, 0};
    if (const int error = depot_.system().size_of(extent.file, extent.size); error != 0) {
        return errc_of_errno(error);
    }
    return extent;
}

std::unique_ptr<Layout> make_files_layout(Depot& depot) {
    return std::make_unique<FilesLayout>(depot);
}

}  // namespace grit::archive
