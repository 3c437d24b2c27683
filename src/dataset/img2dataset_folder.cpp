#include "grit/dataset/img2dataset_folder.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
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
    std::int64_t modified_ns = 0;
};

// What one key has: at most one of each.
struct Parts {
    std::optional<Piece> sidecar;
    std::optional<Piece> image;
};

// A regular file, if that is what is there.
struct OpenFile {
    explicit OpenFile(const std::string& file) : descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)) {
        error = descriptor.get() < 0 || ::fstat(descriptor.get(), &status) != 0 ? errno : S_ISREG(status.st_mode) ? 0 : EINVAL;
    }

    FileDescriptor descriptor;
    struct stat status {};
    int error = 0;  // errno
};

std::int64_t modified_ns(const struct stat& status) {
    return std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
}

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
        struct stat status {};
        const std::string& file = entry->path().native();
        if (::lstat(file.c_str(), &status) == 0 && S_ISREG(status.st_mode)) {
            add(samples, entry->path().filename().native(), Piece{file, 0, static_cast<std::uint64_t>(status.st_size), modified_ns(status)});
        }
    }
    if (error) {
        return Problem{folder + " can not be read: " + error.message()};
    }
    return samples;
}

Checked<std::map<std::string, Parts>> parts_of_tar(const std::string& file) {
    const OpenFile tar(file);
    if (tar.error != 0) {
        return Problem{file + " can not be read: " + std::generic_category().message(tar.error)};
    }
    std::map<std::string, Parts> samples;
    archive::RealFileSystem system;
    const auto size = static_cast<std::uint64_t>(tar.status.st_size);
    const std::int64_t modified = modified_ns(tar.status);
    const auto read = archive::for_each_tar_member(system, tar.descriptor.get(), size, [&](const archive::TarMember& member) {
        add(samples, member.name, Piece{file, member.offset, member.size, modified});
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
    const OpenFile file(piece.file);
    std::string bytes(piece.size, '\0');
    std::size_t got = 0;
    while (file.error == 0 && got < bytes.size()) {
        const ssize_t count = ::pread(file.descriptor.get(), bytes.data() + got, bytes.size() - got, static_cast<off_t>(piece.offset + got));
        if (count <= 0) {
            return {};
        }
        got += static_cast<std::size_t>(count);
    }
    return got == bytes.size() ? bytes : std::string();
}

// Numbers that Python writes and JSON does not have: columns of the input that img2dataset hands on may hold them.
std::string without_odd_numbers(std::string_view text) {
    constexpr std::array<std::string_view, 2> kOdd{"NaN", "Infinity"};  // a "-" before it is left: -0
    std::string plain;
    bool in_string = false;
    while (!text.empty()) {
        const auto odd = in_string ? kOdd.end() : std::find_if(kOdd.begin(), kOdd.end(), [&](auto word) { return text.starts_with(word); });
        if (odd != kOdd.end()) {
            plain += '0';
            text.remove_prefix(odd->size());
            continue;
        }
        const std::size_t taken = in_string && text.front() == '\\' && text.size() > 1 ? 2 : 1;
        in_string = in_string != (text.front() == '"');
        plain += text.substr(0, taken);
        text.remove_prefix(taken);
    }
    return plain;
}

json::value parse_sidecar(const std::string& text) {
    boost::system::error_code broken;
    json::value value = json::parse(text, broken);
    return broken ? json::parse(without_odd_numbers(text), broken) : value;
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
        return Problem{folder + " has no shards of img2dataset: folders such as 00000, or files such as 00000.tar (its output_format "
                                "files or webdataset)"};
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
        const json::value sidecar = parse_sidecar(bytes_of(*parts.sidecar));
        const std::string url = sidecar.is_object() ? text_in(sidecar.get_object(), "url") : std::string();
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
        visit(Img2datasetSample{url, key, std::move(parts.image->file), parts.image->offset, parts.image->size, parts.image->modified_ns});
    }
    return counts;
}

}  // namespace grit::dataset
