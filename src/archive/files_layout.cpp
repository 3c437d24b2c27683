#include "files_layout.hpp"

#include <fmt/format.h>

namespace grit::archive {
namespace {

// The bytes are safe under their temporary names and only the names are missing: no reason to ask anybody again.
bool can_be_published_later(const ErrorCode& error) {
    return error == Errc::disk_full || error == Errc::read_only || error == Errc::out_of_descriptors;
}

// "00012/000120005.json" beside "00012/000120005.jpg".
std::string path_beside(std::string_view location, std::string_view extension) {
    return fmt::format("{}.{}", location.substr(0, location.rfind('.')), extension);
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
    // img2dataset's loaders look for .jpg, whatever the bytes are: it names all images by one format.
    const std::string extension = sidecars_ == Sidecars::img2dataset ? "jpg" : arrival.extension;
    return path_for(arrival.ordinal, arrival.copy == 1 ? extension : fmt::format("{}.{}", arrival.copy, extension));
}

std::string FilesLayout::accept(Arrival arrival) {
    std::string location = propose(arrival);
    std::erase(withdrawn_, location);
    moves_.push_back(Move{std::move(arrival.temp_name), location});
    for (Companion& companion : arrival.companions) {
        beside_.push_back(Beside{path_beside(location, companion.extension), std::move(companion.bytes), {}});
        std::erase(withdrawn_, beside_.back().path);
    }
    return location;
}

Result<void> FilesLayout::stage(Beside& file) {
    TempImage temporary = depot_.create();
    Result<void> done = temporary.append(std::as_bytes(std::span(file.bytes)));
    done = done ? temporary.close() : done;
    if (done) {
        file.temp_name = temporary.release();
    }
    return done;
}

// What was planned; temporaries of files beside images that were not renamed go.
void FilesLayout::forget() {
    for (const Beside& file : beside_) {
        if (!file.temp_name.empty()) {
            static_cast<void>(depot_.discard(file.temp_name));  // what stays is swept at the next start
        }
    }
    beside_.clear();
    moves_.clear();
}

void FilesLayout::committed() {
    beside_.clear();
    moves_.clear();
}

std::vector<std::string> FilesLayout::intents() const {
    std::vector<std::string> paths = withdrawn_;
    paths.reserve(paths.size() + moves_.size());
    for (const Move& move : moves_) {
        paths.push_back(move.path);
    }
    for (const Beside& file : beside_) {
        paths.push_back(file.path);
    }
    return paths;
}

Publishing FilesLayout::publish() {
    if (const auto removed = depot_.resolve_intents(withdrawn_, kNoneIsRecorded); !removed) {
        return Publishing{removed.error(), can_be_published_later(removed.error())};
    }
    std::vector<Move> moves = moves_;
    for (Beside& file : beside_) {
        if (const auto staged = file.temp_name.empty() ? stage(file) : Result<void>(); !staged) {
            return Publishing{staged.error(), can_be_published_later(staged.error())};
        }
        moves.push_back(Move{file.temp_name, file.path});
    }
    // The sync behind the renames covers the bytes of the files beside: until the records are written the intents name them.
    const Published published = depot_.publish(moves);
    if (published) {
        withdrawn_.clear();  // its sync was theirs, too
    }
    return published ? Publishing{} : Publishing{published.error, can_be_published_later(published.error)};
}

Result<void> FilesLayout::withdraw() {
    withdrawn_ = intents();
    forget();
    const auto removed = depot_.resolve_intents(withdrawn_, kNoneIsRecorded);
    return removed ? Result<void>() : Result<void>(removed.error());
}

Checked<void> FilesLayout::remove(std::span<const std::string> locations) {
    const std::uint64_t failed = depot_.failed_syncs();
    for (const std::string& location : locations) {
        if (const auto removed = depot_.remove(location); !removed) {
            return Problem{fmt::format("{} can not be removed: {}", location, removed.error().message())};
        }
        for (const char* extension : {"json", "txt"}) {
            const std::string path = path_beside(location, extension);
            if (const auto gone = sidecars_ == Sidecars::none ? Result<void>() : depot_.remove(path); !gone) {
                return Problem{fmt::format("{} can not be removed: {}", path, gone.error().message())};
            }
        }
    }
    if (const auto synced = depot_.sync_since(failed); !synced) {
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

std::unique_ptr<Layout> make_img2dataset_layout(Depot& depot) {
    return std::make_unique<FilesLayout>(depot, Sidecars::img2dataset);
}

}  // namespace grit::archive
