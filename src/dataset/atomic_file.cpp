#include "grit/dataset/atomic_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "grit/base/file_descriptor.hpp"

namespace grit::dataset {
namespace {

constexpr mode_t kMode = 0666;  // The umask takes from it.

std::string folder_of(const std::string& path) {
    const auto folder = std::filesystem::path(path).parent_path();
    return folder.empty() ? "." : folder.string();
}

std::string_view advice_for(int error) {
    switch (error) {
        case ENOSPC:
        case EDQUOT:
            return "; free some space, or write to another volume";
        case ENOENT:
            return "; make the folder first";
        case EACCES:
        case EPERM:
        case EROFS:
            return "; choose a folder that you may write to";
        default:
            return "";
    }
}

}  // namespace

Checked<AtomicFile> AtomicFile::create(const std::string& path) {
    AtomicFile file;
    file.path_ = path;
    std::error_code error;
    if (std::filesystem::is_symlink(path, error)) {
        file.path_ = std::filesystem::weakly_canonical(path, error).string();
        if (error) {
            return file.failed("follow the link of", error.value());
        }
    }
    const auto status = std::filesystem::status(file.path_, error);
    if (std::filesystem::is_directory(status)) {
        return Problem{fmt::format("can not write {}: it is a folder; name a file", path)};
    }
    file.direct_ = std::filesystem::exists(status) && !std::filesystem::is_regular_file(status);
    if (auto opened = file.open(); !opened) {
        return opened.error();
    }
    return file;
}

Checked<void> AtomicFile::open() {
    if (direct_) {
        descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CLOEXEC);
        return descriptor_ >= 0 ? Checked<void>() : failed("write", errno);
    }
    descriptor_ = ::open(folder_of(path_).c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, kMode);
    if (descriptor_ >= 0) {
        return {};
    }
    if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL) {  // What file systems without O_TMPFILE say.
        return failed("write", errno);
    }
    temporary_ = fmt::format("{}.{}.tmp", path_, ::getpid());
    descriptor_ = ::open(temporary_.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, kMode);
    if (descriptor_ < 0) {
        const int error = errno;
        temporary_.clear();
        return failed("write", error);
    }
    return {};
}

Checked<void> AtomicFile::write(std::string_view bytes) {
    const int error = write_all(descriptor_, bytes);
    return error == 0 ? Checked<void>() : failed("write", error);
}

Checked<void> AtomicFile::commit() {
    if (!direct_) {
        if (::fsync(descriptor_) != 0) {
            return failed("sync", errno);
        }
        if (auto placed = put_in_place(); !placed) {
            return placed;
        }
        if (const int error = sync_folder(folder_of(path_)); error != 0) {
            return failed("sync the folder of", error);
        }
    }
    const int descriptor = std::exchange(descriptor_, -1);
    return ::close(descriptor) == 0 ? Checked<void>() : failed("close", errno);
}

Checked<void> AtomicFile::put_in_place() {
    if (temporary_.empty()) {
        // linkat(2) can not replace a file and rename(2) needs a name, so the file gets one for a moment.
        temporary_ = fmt::format("{}.{}.tmp", path_, ::getpid());
        const std::string unnamed = fmt::format("/proc/self/fd/{}", descriptor_);
        ::unlink(temporary_.c_str());
        if (::linkat(AT_FDCWD, unnamed.c_str(), AT_FDCWD, temporary_.c_str(), AT_SYMLINK_FOLLOW) != 0) {
            const int error = errno;
            temporary_.clear();
            return failed("name", error);
        }
    }
    if (::rename(temporary_.c_str(), path_.c_str()) != 0) {
        return failed("put in place", errno);
    }
    temporary_.clear();
    return {};
}

Problem AtomicFile::failed(std::string_view doing, int error) const {
    return Problem{
        fmt::format("can not {} {}: {}{}", doing, path_, std::generic_category().message(error), advice_for(error))};
}

void AtomicFile::drop() noexcept {
    if (descriptor_ >= 0) {
        ::close(std::exchange(descriptor_, -1));
    }
    if (!temporary_.empty()) {
        ::unlink(temporary_.c_str());
        temporary_.clear();
    }
}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})),
      descriptor_(std::exchange(other.descriptor_, -1)),
      direct_(other.direct_) {}

AtomicFile& AtomicFile::operator=(AtomicFile&& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(temporary_, other.temporary_);
    std::swap(descriptor_, other.descriptor_);
    std::swap(direct_, other.direct_);
    return *this;
}

AtomicFile::~AtomicFile() {
    drop();
}

namespace {

Checked<std::uint64_t> write_to_stdout(ExportSource& source) {
    std::uint64_t total = 0;
    for (std::string chunk;;) {
        const auto more = source.next(chunk);
        if (!more) {
            return more.error();
        }
        if (!*more) {
            return total;
        }
        std::string_view rest = chunk;
        if (const int error = write_all(STDOUT_FILENO, rest); error != 0) {
            return Problem{"can not write to standard output: " + std::generic_category().message(error)};
        }
        total += chunk.size();
    }
}

}  // namespace

Checked<std::uint64_t> write_export(ExportSource& source, const std::string& path) {
    if (path == "-") {
        return write_to_stdout(source);
    }
    auto file = AtomicFile::create(path);
    if (!file) {
        return file.error();
    }
    std::uint64_t total = 0;
    std::string chunk;
    auto more = source.next(chunk);
    for (; more && *more; more = source.next(chunk)) {
        if (auto written = file->write(chunk); !written) {
            return written.error();
        }
        total += chunk.size();
    }
    if (!more) {
        return more.error();
    }
    if (auto committed = file->commit(); !committed) {
        return committed.error();
    }
    return total;
}

}  // namespace grit::dataset
