#include "grit/dataset/img2dataset_folder.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <cerrno>
#include <filesystem>
#include <map>
#include <optional>
#include <string_view>
#include <system_error>

#include "grit/archive/file_system.hpp"
#include "grit/archive/tar.hpp"
#include "grit/base/file_descriptor.hpp"

namespace grit::dataset {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::uint64_t kMostSidecar = std::uint64_t{1} << 20;

struct Piece {
    std::string file;
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
};

// What one key has: at most one of each.
struct Parts {
    std::optional<Piece> sidecar;
    std::optional<Piece> image;
};

int open_to_read(const std::string& file) { return ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK); }

bool is_number(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

void add(std::map<std::string, Parts>& samples, std::string_view name, Piece piece) {
    const std::size_t dot = name.find('.');
    if (dot == std::string_view::npos || !is_number(name.substr(0, dot))) {
        return;
    }
    const std::string_view extension = name.substr(dot + 1);
    Parts& parts = samples[std::string(name.substr(0, dot))];
    if (extension == "json") {
        parts.sidecar = std::move(piece);
    } else if (extension != "txt") {
        parts.image = std::move(piece);
    }
}

Checked<std::map<std::string, Parts>> parts_of_folder(const std::string& folder) {
    std::map<std::string, Parts> samples;
    std::error_code error;
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
        std::error_code unknown;
        if (entry->is_regular_file(unknown) && !entry->is_symlink(unknown)) {
            const std::uint64_t size = entry->file_size(unknown);
            add(samples, entry->path().filename().string(), Piece{entry->path().string(), 0, unknown ? 0 : size});
        }
    }
    if (error) {
        return Problem{folder + " can not be read: " + error.message()};
    }
    return samples;
}

Checked<std::map<std::string, Parts>> parts_of_tar(const std::string& file) {
    const FileDescriptor tar(open_to_read(file));
    struct stat status {};
    if (tar.get() < 0 || ::fstat(tar.get(), &status) != 0) {
        return Problem{file + " can not be read: " + std::generic_category().message(errno)};
    }
    std::map<std::string, Parts> samples;
    archive::RealFileSystem system;
    const auto read = archive::for_each_tar_member(system, tar.get(), static_cast<std::uint64_t>(status.st_size), [&](const archive::TarMember& member) {
        add(samples, member.name, Piece{file, member.offset, member.size});
        return true;
    });
    if (!read) {
        return Problem{file + " can not be read: " + read.error().message()};
    }
    return samples;
}

std::string bytes_of(const Piece& piece) {
    if (piece.size > kMostSidecar) {
        return {};
    }
    const FileDescriptor file(open_to_read(piece.file));
    std::string bytes(piece.size, '\0');
    std::size_t got = 0;
    while (file.get() >= 0 && got < bytes.size()) {
        const ssize_t count = ::pread(file.get(), bytes.data() + got, bytes.size() - got, static_cast<off_t>(piece.offset + got));
        if (count <= 0) {
            return {};
        }
        got += static_cast<std::size_t>(count);
    }
    return got == bytes.size() ? bytes : std::string();
}

// The text of a field; empty if there is none.
std::string text_in(const json::object& fields, std::string_view name) {
    const json::value* value = fields.if_contains(name);
    return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

}  // namespace

Checked<Img2datasetFolder> Img2datasetFolder::open(const std::string& folder) {
    std::vector<std::string> shards;
    std::error_code error;
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
        std::error_code unknown;
        const fs::path& path = entry->path();
        const bool is_folder = is_number(path.filename().string()) && entry->is_directory(unknown) && !entry->is_symlink(unknown);
        const bool is_tar = path.extension() == ".tar" && is_number(path.stem().string()) && entry->is_regular_file(unknown);
        if (is_folder || is_tar) {
            shards.push_back(fs::absolute(path).lexically_normal().string());
        }
    }
    if (error) {
        return Problem{folder + " can not be read: " + error.message()};
    }
    if (shards.empty()) {
        return Problem{folder + " has no shards of img2dataset: folders such as 00000, or files such as 00000.tar"};
    }
    std::sort(shards.begin(), shards.end());
    return Img2datasetFolder(std::move(shards));
}

Checked<Img2datasetCounts> Img2datasetFolder::read(std::size_t shard, const Visit& visit) const {
    const std::string& place = shards_[shard];
    auto samples = place.ends_with(".tar") ? parts_of_tar(place) : parts_of_folder(place);
    if (!samples) {
        return samples.error();
    }
    Img2datasetCounts counts;
    for (auto& [key, parts] : *samples) {
        if (!parts.sidecar) {
            continue;  // nobody says which URL this is
        }
        boost::system::error_code broken;
        const json::value sidecar = json::parse(bytes_of(*parts.sidecar), broken);
        const std::string url = !broken && sidecar.is_object() ? text_in(sidecar.get_object(), "url") : std::string();
        if (url.empty()) {
            ++counts.damaged;
            continue;
        }
        const std::string status = text_in(sidecar.get_object(), "status");
        if (!parts.image || (!status.empty() && status != "success")) {
            ++counts.imageless;
            continue;
        }
        ++counts.samples;
        visit(Img2datasetSample{url, key, std::move(parts.image->file), parts.image->offset, parts.image->size});
    }
    return counts;
}

}  // namespace grit::dataset
