#include "grit/archive/file_system.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <limits>
#include <string>
#include <string_view>

namespace grit::archive {
namespace {

// Repeats a system call that a signal interrupted. @return its result; errno as it left it.
template <class Call>
auto uninterrupted(Call call) {
    auto result = call();
    while (result < 0 && errno == EINTR) {
        result = call();
    }
    return result;
}

int error_of(int result) {
    return result < 0 ? errno : 0;
}

}  // namespace

// Relative to the open root: *at(2).
RealFileSystem::At RealFileSystem::at(const std::string& path) const {
    return anchor_ >= 0 && path.size() > anchored_.size() && path.starts_with(anchored_)
               ? At{anchor_, path.c_str() + anchored_.size()}
               : At{AT_FDCWD, path.c_str()};
}

void RealFileSystem::anchor(const std::string& root, int descriptor) {
    anchored_ = root.ends_with('/') ? root : root + "/";
    anchor_ = descriptor;
}

int RealFileSystem::let_go(int descriptor) {
    const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (nothing < 0) {
        return errno;
    }
    const int error = error_of(uninterrupted([&] { return ::dup3(nothing, descriptor, O_CLOEXEC); }));
    ::close(nothing);
    return error;
}

int RealFileSystem::create(const std::string& path, mode_t mode, int& descriptor) {
    const At place = at(path);
    descriptor = uninterrupted([&] {
        return ::openat(place.folder, place.path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    });
    return error_of(descriptor);
}

int RealFileSystem::open_folder(const std::string& path, int& descriptor) {
    descriptor = uninterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
    return error_of(descriptor);
}

int RealFileSystem::write(int descriptor, std::span<const std::byte> bytes, std::size_t& written) {
    const ssize_t result = uninterrupted([&] { return ::write(descriptor, bytes.data(), bytes.size()); });
    written = result > 0 ? static_cast<std::size_t>(result) : 0;
    return result < 0 ? errno : 0;
}

int RealFileSystem::close(int descriptor) {
    // On Linux the descriptor is gone even after EINTR: never repeated (close(2)).
    const int error = error_of(::close(descriptor));
    return error == EINTR ? 0 : error;
}

int RealFileSystem::rename(const std::string& from, const std::string& to) {
    const At old_place = at(from);
    const At new_place = at(to);
    return error_of(::renameat(old_place.folder, old_place.path, new_place.folder, new_place.path));
}

// By the name that /proc has for an open file: AT_EMPTY_PATH would need CAP_DAC_READ_SEARCH.
int RealFileSystem::link(int descriptor, const std::string& path) {
    const At place = at(path);
    const std::string open_file = "/proc/self/fd/" + std::to_string(descriptor);
    return error_of(::linkat(AT_FDCWD, open_file.c_str(), place.folder, place.path, AT_SYMLINK_FOLLOW));
}

int RealFileSystem::clone(int from, int to) {
    return error_of(uninterrupted([&] { return ::ioctl(to, FICLONE, from); }));
}

int RealFileSystem::unlink(const std::string& path) {
    const At place = at(path);
    return error_of(::unlinkat(place.folder, place.path, 0));
}

int RealFileSystem::make_folder(const std::string& path, mode_t mode) {
    const At place = at(path);
    return error_of(::mkdirat(place.folder, place.path, mode));
}

int RealFileSystem::look(const std::string& path) {
    const At place = at(path);
    struct stat status{};
    return error_of(::fstatat(place.folder, place.path, &status, AT_SYMLINK_NOFOLLOW));
}

int RealFileSystem::list(const std::string& path, std::vector<std::string>& names) {
    const At place = at(path);
    const int descriptor =
        uninterrupted([&] { return ::openat(place.folder, place.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
    DIR* const folder = descriptor < 0 ? nullptr : ::fdopendir(descriptor);
    if (folder == nullptr) {
        const int failure = errno;
        if (descriptor >= 0) {
            ::close(descriptor);
        }
        return failure;
    }
    errno = 0;
    while (const dirent* entry = ::readdir(folder)) {  // NOLINT(concurrency-mt-unsafe): the stream is ours alone
        const std::string_view name(entry->d_name);
        if (name != "." && name != "..") {
            names.emplace_back(name);
        }
    }
    const int error = errno;
    ::closedir(folder);
    return error;
}

int RealFileSystem::read_small(const std::string& path, std::string& text) {
    const At place = at(path);
    const int descriptor =
        uninterrupted([&] { return ::openat(place.folder, place.path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW); });
    if (descriptor < 0) {
        return errno;
    }
    std::array<char, 4096> buffer{};
    const ssize_t size = uninterrupted([&] { return ::read(descriptor, buffer.data(), buffer.size()); });
    const int error = size < 0 ? errno : 0;
    ::close(descriptor);
    text.assign(buffer.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
    return error;
}

int RealFileSystem::sync_volume(int descriptor) {
    return error_of(::syncfs(descriptor));
}

int RealFileSystem::measure(const std::string& path, Volume& volume) {
    struct statvfs status{};
    if (const int error = error_of(uninterrupted([&] { return ::statvfs(path.c_str(), &status); })); error != 0) {
        return error;
    }
    volume.free_bytes = std::uint64_t{status.f_bavail} * status.f_frsize;
    volume.total_bytes = std::uint64_t{status.f_blocks} * status.f_frsize;
    volume.free_inodes = status.f_files == 0 ? std::numeric_limits<std::uint64_t>::max() : status.f_favail;
    volume.read_only = (status.f_flag & ST_RDONLY) != 0;
    return 0;
}

int RealFileSystem::device_of(const std::string& path, std::uint64_t& device) {
    struct stat status{};
    const int error = error_of(::stat(path.c_str(), &status));
    device = static_cast<std::uint64_t>(status.st_dev);
    return error;
}

int RealFileSystem::make_link(const std::string& target, const std::string& path) {
    const At place = at(path);
    return error_of(::symlinkat(target.c_str(), place.folder, place.path));
}

int RealFileSystem::read_link(const std::string& path, std::string& target) {
    const At place = at(path);
    std::array<char, 4096> buffer{};
    const ssize_t size = ::readlinkat(place.folder, place.path, buffer.data(), buffer.size());
    target.assign(buffer.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
    return size < 0 ? errno : 0;
}

int RealFileSystem::open_file(const std::string& path, bool to_write, int& descriptor) {
    const At place = at(path);
    const int flags = (to_write ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOFOLLOW;
    descriptor = uninterrupted([&] { return ::openat(place.folder, place.path, flags); });
    return error_of(descriptor);
}

int RealFileSystem::read_at(int descriptor, std::uint64_t offset, std::span<std::byte> bytes, std::size_t& count) {
    const ssize_t result =
        uninterrupted([&] { return ::pread(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(offset)); });
    count = result > 0 ? static_cast<std::size_t>(result) : 0;
    return result < 0 ? errno : 0;
}

int RealFileSystem::write_at(int descriptor, std::uint64_t offset, std::span<const std::byte> bytes,
                             std::size_t& written) {
    const ssize_t result =
        uninterrupted([&] { return ::pwrite(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(offset)); });
    written = result > 0 ? static_cast<std::size_t>(result) : 0;
    return result < 0 ? errno : 0;
}

int RealFileSystem::sync_data(int descriptor) {
    return error_of(::fdatasync(descriptor));
}

int RealFileSystem::truncate(int descriptor, std::uint64_t size) {
    return error_of(uninterrupted([&] { return ::ftruncate(descriptor, static_cast<off_t>(size)); }));
}

int RealFileSystem::size_of(const std::string& path, std::uint64_t& size) {
    const At place = at(path);
    struct stat status{};
    if (const int error = error_of(::fstatat(place.folder, place.path, &status, AT_SYMLINK_NOFOLLOW)); error != 0) {
        return error;
    }
    size = static_cast<std::uint64_t>(status.st_size);
    return S_ISREG(status.st_mode) ? 0 : EINVAL;
}

}  // namespace grit::archive
