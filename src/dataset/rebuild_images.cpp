#include "rebuild_images.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <span>
#include <system_error>
#include <utility>

#include "grit/media/digest.hpp"
#include "grit/media/inspector.hpp"

namespace grit::dataset {
namespace {

// Looked at in the order of their places: bounds memory, and what a disk has to seek.
constexpr std::size_t kAtOnce = 200'000;
constexpr std::size_t kMostLost = 5'000'000;

struct Named {
    std::string location;
    std::uint64_t size = 0;
    store::RecordKey key;
};

}  // namespace

void NamedOrdinals::add(Ordinal ordinal) {
    if (ordinal >= bits_.size()) {
        bits_.resize(std::max<std::size_t>(ordinal + 1, bits_.size() * 2));
    }
    bits_[ordinal] = true;
}

Checked<std::vector<LostImage>> find_lost_images(store::Env& env, const archive::Layout& layout,
                                                 const std::function<bool(std::uint64_t)>& on_count) {
    std::vector<LostImage> lost;
    std::vector<Named> some;
    std::uint64_t seen = 0;
    std::string problem;
    const auto look = [&] {
        std::sort(some.begin(), some.end(), [](const Named& a, const Named& b) { return a.location < b.location; });
        for (Named& one : some) {
            const auto found = layout.find(one.location);
            if (found && found->size == one.size) {
                continue;
            }
            if (!found && found.error() != archive::Errc::vanished && found.error() != archive::Errc::bad_path) {
                problem = fmt::format("{} can not be looked at: {}", one.location, found.error().message());
                return false;
            }
            LostImage& image = lost.emplace_back();
            image.key = one.key;
            image.record.location = std::move(one.location);
            image.why = found ? fmt::format("{} bytes instead of {}", found->size, one.size) : "missing";
        }
        seen += some.size();
        some.clear();
        if (lost.size() > kMostLost) {
            problem = fmt::format("over {} images are missing: is the whole volume there?", kMostLost);
        } else if (!on_count(seen)) {
            problem = "ended";
        }
        return problem.empty();
    };
    const auto scanned = store::scan_records(env, [&](const store::RecordKey& key, const store::Record& record) {
        if (!record.location.empty()) {
            some.push_back(Named{record.location, record.size, key});
        }
        return some.size() < kAtOnce || look();
    });
    if (!scanned) {
        return Problem{"the new state can not be read: " + scanned.error().message()};
    }
    if (!problem.empty() || !look()) {
        return Problem{problem};
    }
    for (LostImage& image : lost) {
        const auto txn = env.read();
        auto record = txn ? store::get_record(*txn, image.key) : Result<store::Record>(txn.error());
        if (!record) {
            return Problem{"the new state can not be read: " + record.error().message()};
        }
        image.record = std::move(*record);
    }
    return lost;
}

Checked<std::vector<LooseImage>> find_loose_images(const std::filesystem::path& root, const NamedOrdinals& named) {
    std::vector<LooseImage> loose;
    std::error_code error;
    for (std::filesystem::directory_iterator shard(root, error), end; !error && shard != end; shard.increment(error)) {
        const std::string name = shard->path().filename().string();
        if (name.empty() || name.find_first_not_of("0123456789") != std::string::npos || !shard->is_directory(error)) {
            continue;
        }
        for (std::filesystem::directory_iterator file(shard->path(), error); !error && file != end; file.increment(error)) {
            const std::string path = name + "/" + file->path().filename().string();
            const auto ordinal = archive::ordinal_of(path);
            if (ordinal && !named.contains(*ordinal) && file->is_regular_file(error)) {
                loose.push_back(LooseImage{path, *ordinal, file->file_size(error)});
            }
        }
    }
    if (error) {
        return Problem{fmt::format("{} can not be listed: {}", root.string(), error.message())};
    }
    std::sort(loose.begin(), loose.end(), [](const LooseImage& a, const LooseImage& b) { return a.path < b.path; });
    return loose;
}

Checked<store::Record> look_at_image(const std::filesystem::path& root, const LooseImage& image) {
    std::ifstream file(root / image.path, std::ios::binary);
    media::Inspector inspector;
    media::Digest digest;
    std::vector<char> piece(std::size_t{64} << 10);
    store::Record record;
    while (file.read(piece.data(), static_cast<std::streamsize>(piece.size())) || file.gcount() > 0) {
        const auto bytes = std::as_bytes(std::span(piece)).first(static_cast<std::size_t>(file.gcount()));
        inspector.feed(bytes);
        digest.update(bytes);
        record.size += bytes.size();
    }
    if (!file.eof() || record.size != image.size) {
        return Problem{image.path + " can not be read"};
    }
    if (inspector.finish() != media::Verdict::whole) {
        return Problem{image.path + " is no whole image"};
    }
    record.outcome = Outcome::stored;
    record.ordinal = image.ordinal;
    record.image_type = static_cast<std::uint8_t>(inspector.type());
    const auto dimensions = inspector.dimensions().value_or(media::Dimensions{});
    record.width = dimensions.width;
    record.height = dimensions.height;
    record.sha256 = digest.finish();
    record.location = image.path;
    return record;
}

}  // namespace grit::dataset
