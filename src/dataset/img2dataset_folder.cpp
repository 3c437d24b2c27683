#include "grit/dataset/img2dataset_folder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json/parse.hpp>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <utility>

#include "grit/archive/file_system.hpp"
#include "grit/archive/tar.hpp"
#include "grit/base/file_descriptor.hpp"

namespace grit::dataset {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::uint64_t kMostSidecar = std::uint64_t{1} << 20;
// Of a tar, at once, without what belongs to them: 20 MB.
constexpr std::size_t kMostHalves = 100'000;

// A regular file, if that is what is there.
struct OpenFile {
    explicit OpenFile(const std::string& file) : descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)) {
        error = descriptor.get() < 0 || ::fstat(descriptor.get(), &status) != 0 ? errno : S_ISREG(status.st_mode) ? 0 : EINVAL;
    }

    FileDescriptor descriptor;
    struct stat status {};
    int error = 0;  // errno
};

bool is_number(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// "000120005" and "jpg"; nothing if the name is none of img2dataset's.
std::optional<std::pair<std::string_view, std::string_view>> key_and_extension(std::string_view name) {
    const std::size_t dot = name.find('.');
    if (dot == std::string_view::npos || !is_number(name.substr(0, dot))) {
        return std::nullopt;
    }
    return std::pair(name.substr(0, dot), name.substr(dot + 1));
}

// Empty if it is too long, or not all there.
std::string bytes_at(int descriptor, std::uint64_t offset, std::uint64_t size) {
    if (size > kMostSidecar) {
        return {};
    }
    std::string bytes(size, '\0');
    std::size_t got = 0;
    while (got < bytes.size()) {
        const ssize_t count = ::pread(descriptor, bytes.data() + got, bytes.size() - got, static_cast<off_t>(offset + got));
        if (count <= 0) {
            return {};
        }
        got += static_cast<std::size_t>(count);
    }
    return bytes;
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

// What one sidecar says: the URL of the image beside it, should both be there.
class Reading {
  public:
    explicit Reading(const Img2datasetFolder::Visit& visit) : visit_(visit) {}

    /// @param image  with its place; nothing: there is none. @return false: no more is wanted.
    bool take(const std::string& sidecar, std::optional<Img2datasetSample> image) {
        const json::value parsed = parse_sidecar(sidecar);
        const json::object* fields = parsed.if_object();
        std::string url = fields != nullptr ? text_in(*fields, "url") : std::string();
        if (url.empty()) {
            ++counts.damaged;
            return true;
        }
        const std::string status = text_in(*fields, "status");
        if (!image || (!status.empty() && status != "success")) {
            ++counts.imageless;
            return true;
        }
        ++counts.samples;
        image->url = std::move(url);
        return visit_(std::move(*image));
    }

    Img2datasetCounts counts;

  private:
    const Img2datasetFolder::Visit& visit_;
};

Problem unreadable(const std::string& place, const std::string& why) { return Problem{place + " can not be read: " + why}; }

// The image beside a sidecar. That program names all images of a run by one format, so the last one's is tried first.
std::optional<Img2datasetSample> image_beside(const std::string& folder, std::string_view key, std::string_view& format) {
    for (const std::string_view extension : {format, std::string_view("jpg"), std::string_view("png"), std::string_view("webp")}) {
        const std::string file = fmt::format("{}/{}.{}", folder, key, extension);
        struct stat status {};
        if (::lstat(file.c_str(), &status) == 0 && S_ISREG(status.st_mode)) {
            format = extension;
            return Img2datasetSample{{}, std::string(key), file, 0, static_cast<std::uint64_t>(status.st_size), modified_ns(status)};
        }
    }
    return std::nullopt;
}

Checked<Img2datasetCounts> read_folder(const std::string& folder, Reading& reading) {
    std::error_code error;
    std::string_view format = "jpg";
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
        const std::string name = entry->path().filename().native();
        const auto parts = key_and_extension(name);
        if (!parts || parts->second != "json") {
            continue;
        }
        const OpenFile sidecar(entry->path().native());
        const bool is_there = sidecar.error == 0;
        const std::string bytes = is_there ? bytes_at(sidecar.descriptor.get(), 0, static_cast<std::uint64_t>(sidecar.status.st_size)) : std::string();
        if (!reading.take(bytes, image_beside(folder, parts->first, format))) {
            break;
        }
    }
    return error ? Checked<Img2datasetCounts>(unreadable(folder, error.message())) : Checked<Img2datasetCounts>(reading.counts);
}

// Members of one sample are neighbours where that program has written them; others may lie anywhere.
class TarReading {
  public:
    TarReading(const std::string& file, const OpenFile& tar, Reading& reading) : file_(file), tar_(tar), reading_(reading) {}

    Checked<Img2datasetCounts> run() {
        archive::RealFileSystem system;
        const auto read = archive::for_each_tar_member(system, tar_.descriptor.get(), static_cast<std::uint64_t>(tar_.status.st_size),
                                                       [this](const archive::TarMember& member) { return take(member); });
        if (!read) {
            return unreadable(file_, read.error().message());
        }
        if (halves_.size() > kMostHalves) {
            return unreadable(file_, "it has too many members without what belongs to them");
        }
        for (const auto& [key, half] : halves_) {
            if (wanted_ && half.sidecar) {
                wanted_ = reading_.take(sidecar_of(half), std::nullopt);
            }
        }
        return reading_.counts;
    }

  private:
    struct Place {
        std::uint64_t offset = 0;
        std::uint64_t size = 0;
    };
    struct Half {
        std::optional<Place> sidecar;
        std::optional<Place> image;
    };

    bool take(const archive::TarMember& member) {
        const auto parts = key_and_extension(member.name);
        if (!parts || parts->second == "txt") {
            return true;
        }
        const std::string key(parts->first);
        Half& half = halves_[key];
        (parts->second == "json" ? half.sidecar : half.image) = Place{member.offset, member.size};
        if (half.sidecar && half.image) {
            Img2datasetSample sample{{}, key, file_, half.image->offset, half.image->size, modified_ns(tar_.status)};
            wanted_ = reading_.take(sidecar_of(half), std::move(sample));
            halves_.erase(key);
        }
        return wanted_ && halves_.size() <= kMostHalves;
    }
    std::string sidecar_of(const Half& half) const { return bytes_at(tar_.descriptor.get(), half.sidecar->offset, half.sidecar->size); }

    const std::string& file_;
    const OpenFile& tar_;
    Reading& reading_;
    std::unordered_map<std::string, Half> halves_;
    bool wanted_ = true;
};

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
    Reading reading(visit);
    if (!place.ends_with(".tar")) {
        return read_folder(place, reading);
    }
    const OpenFile tar(place);
    return tar.error == 0 ? TarReading(place, tar, reading).run()
                          : Checked<Img2datasetCounts>(unreadable(place, std::generic_category().message(tar.error)));
}

}  // namespace grit::dataset
