#include "shard_on_disk.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

#include "grit/archive/file_system.hpp"
#include "grit/archive/place.hpp"
#include "grit/archive/tar.hpp"

namespace grit::dataset {
namespace fs = std::filesystem;

namespace {

Problem unreadable(const fs::path& place, int error) {
    return Problem{fmt::format("{} can not be read: {}", place.string(), std::generic_category().message(error))};
}

// A shard of a million samples has an index of some 128 MiB.
constexpr std::uintmax_t kMaxIndexBytes = std::uintmax_t{512} << 20;

std::optional<archive::ShardIndex> index_beside(fs::path tar) {
    const fs::path index = tar.replace_extension(".idx");
    std::error_code error;
    std::ifstream file;
    if (fs::file_size(index, error) <= kMaxIndexBytes && !error) {
        file.open(index, std::ios::binary);
    }
    return file.is_open() ? archive::ShardIndex::parse(std::string(std::istreambuf_iterator<char>(file), {})) : std::nullopt;
}

bool is_beside(std::string_view extension) { return extension == "json" || extension == "txt"; }

}  // namespace

Checked<std::vector<std::uint32_t>> ShardOnDisk::list(const fs::path& root, bool is_tar) {
    std::vector<std::uint32_t> shards;
    std::error_code error;
    for (fs::directory_iterator entry(root, error), end; !error && entry != end; entry.increment(error)) {
        const std::string name = entry->path().filename().string();
        const auto shard = is_tar ? archive::number_of_tar(name) : archive::number_of_folder(name);
        std::error_code unknown;
        if (shard && (is_tar ? entry->is_regular_file(unknown) : entry->is_directory(unknown))) {
            shards.push_back(*shard);
        }
    }
    if (error) {
        return Problem{fmt::format("{} can not be listed: {}", root.string(), error.message())};
    }
    std::sort(shards.begin(), shards.end());
    return shards;
}

Checked<ShardOnDisk> ShardOnDisk::open(const fs::path& root, std::uint32_t shard, bool is_tar, bool by_archive) {
    ShardOnDisk opened(root / (is_tar ? archive::shard_file_name(shard) : archive::folder_name(shard)), shard, is_tar);
    if (auto read = is_tar ? opened.read_tar(by_archive) : Checked<void>(); !read) {
        return read.error();
    }
    return opened;
}

Checked<void> ShardOnDisk::read_tar(bool by_archive) {
    if (const int error = archive::RealFileSystem().size_of(place_.string(), bytes_); error != 0) {
        return error == ENOENT ? Checked<void>() : unreadable(place_, error);
    }
    if (auto index = by_archive ? std::nullopt : index_beside(place_)) {
        index_ = std::move(*index);
        index_.drop_torn(bytes_);
        return {};
    }
    const int error = walk();
    return error == 0 ? Checked<void>() : unreadable(place_, error);
}

int ShardOnDisk::walk() {
    archive::RealFileSystem system;
    int descriptor = -1;
    if (const int error = system.open_file(place_.string(), false, descriptor); error != 0) {
        return error;
    }
    std::string last;
    const auto end = archive::for_each_tar_member(system, descriptor, bytes_, [&](const archive::TarMember& member) {
        last = archive::sample_name(member.name).key;
        index_.add(member);
        return true;
    });
    system.close(descriptor);
    // The sidecar of the last one may be cut off: half a sample is none.
    const auto sample = index_.sample(last);
    if (std::none_of(sample.begin(), sample.end(), [](const archive::TarMember& one) { return archive::sample_name(one.name).extension == "json"; })) {
        index_.erase(last);
    }
    end_ = end ? *end : 0;
    return end ? 0 : EIO;
}

Result<archive::Extent> ShardOnDisk::find(std::string_view name) const {
    archive::Extent extent{place_.string(), 0, 0};
    if (!is_tar_) {
        extent.file = (place_ / name).string();
        const int error = archive::RealFileSystem().size_of(extent.file, extent.size);
        return error == 0 ? Result<archive::Extent>(std::move(extent)) : Result<archive::Extent>(archive::errc_of_errno(error));
    }
    const archive::TarMember* member = index_.find(name);
    if (member == nullptr) {
        return archive::Errc::vanished;
    }
    extent.offset = member->offset;
    extent.size = member->size;
    return extent;
}

Checked<std::vector<StoredSample>> ShardOnDisk::samples() const {
    return is_tar_ ? Checked<std::vector<StoredSample>>(members()) : files();
}

std::vector<StoredSample> ShardOnDisk::members() const {
    std::vector<StoredSample> samples;
    for (const std::string& key : index_.keys()) {
        StoredSample sample;
        sample.sidecar = key + ".json";
        for (const archive::TarMember& member : index_.sample(key)) {
            sample.end = std::max(sample.end, member.offset + archive::tar_padded(member.size));
            sample.image = is_beside(archive::sample_name(member.name).extension) ? std::move(sample.image) : member.name;
        }
        if (archive::ordinal_in(sample.image)) {
            samples.push_back(std::move(sample));
        }
    }
    return samples;
}

// What each file is costs no look at it: that comes with the folder.
Checked<std::vector<StoredSample>> ShardOnDisk::files() const {
    std::vector<StoredSample> samples;
    std::error_code error;
    for (fs::directory_iterator file(place_, error), end; !error && file != end; file.increment(error)) {
        const std::string name = file->path().filename().string();
        const std::string extension = file->path().extension().string();
        std::error_code unknown;
        const bool is_image = !extension.empty() && !is_beside(std::string_view(extension).substr(1)) &&
                              archive::ordinal_in(name).value_or(0) / archive::kShardSize == shard_ && archive::ordinal_in(name);
        if (is_image && !file->is_symlink(unknown) && file->is_regular_file(unknown)) {
            samples.push_back(StoredSample{name, file->path().stem().string() + ".json", 0});
        }
    }
    if (error && error != std::errc::no_such_file_or_directory) {
        return Problem{fmt::format("{} can not be listed: {}", place_.string(), error.message())};
    }
    std::sort(samples.begin(), samples.end(), [](const StoredSample& a, const StoredSample& b) { return a.image < b.image; });
    return samples;
}

}  // namespace grit::dataset
