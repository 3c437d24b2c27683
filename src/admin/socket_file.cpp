#include "socket_file.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

namespace grit::admin {
namespace {

constexpr int kBacklog = 64;
// One byte of sockaddr_un's path is its end, one is for the "~" of the temporary name.
constexpr std::size_t kMaxPath = sizeof(sockaddr_un::sun_path) - 2;

std::string error_text(int error) {
    return std::generic_category().message(error);
}

Problem cannot_listen(const std::string& path, std::string_view why) {
    return Problem{fmt::format("can not listen on the control socket {}: {}", path, why)};
}

sockaddr_un address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    return address;
}

int stream_socket() {
    return ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

// 0 if somebody accepts connections there, else the errno of connect(2).
int try_connect(const std::string& path) {
    const int descriptor = stream_socket();
    if (descriptor < 0) {
        return errno;
    }
    const sockaddr_un address = address_of(path);
    const int result = ::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    const int error = result == 0 ? 0 : errno;
    ::close(descriptor);
    return error;
}

// Nothing if the path may be taken.
Checked<void> check_free(const std::string& path) {
    struct stat status{};
    if (::lstat(path.c_str(), &status) != 0) {
        return errno == ENOENT ? Checked<void>() : cannot_listen(path, error_text(errno));
    }
    if (!S_ISSOCK(status.st_mode)) {
        return cannot_listen(path,
                             "there is a file of another kind. Name another path in [admin] socket, or move the file");
    }
    const int error = try_connect(path);
    if (error == ECONNREFUSED || error == ENOENT) {
        return {};  // The daemon that made it is dead.
    }
    if (error == 0 || error == EAGAIN) {  // EAGAIN: its backlog is full (unix(7)).
        return cannot_listen(path,
                             "another gritd answers there. Stop it (gritctl stop), or give this one another path in "
                             "[admin] socket");
    }
    return cannot_listen(path, error_text(error));
}

Checked<void> make_folder(const std::string& path) {
    const auto folder = std::filesystem::path(path).parent_path();
    std::error_code error;
    if (folder.empty() || std::filesystem::is_directory(folder, error)) {
        return {};
    }
    if (!std::filesystem::create_directory(folder, error)) {
        return cannot_listen(path, fmt::format("its folder is missing and can not be made: {}", error.message()));
    }
    return {};
}

}  // namespace

Checked<SocketFile> SocketFile::listen(const std::string& path, mode_t mode) {
    if (path.empty() || path.size() > kMaxPath) {
        return cannot_listen(path, fmt::format("the path has to have 1 to {} bytes", kMaxPath));
    }
    if (auto made = make_folder(path); !made) {
        return made.error();
    }
    if (auto free = check_free(path); !free) {
        return free.error();
    }
    SocketFile file;
    file.descriptor_ = stream_socket();
    if (file.descriptor_ < 0) {
        return cannot_listen(path, error_text(errno));
    }
    // Nobody can connect before listen(2), so the mode is right before it matters.
    const std::string temporary = path + "~";
    ::unlink(temporary.c_str());
    const sockaddr_un address = address_of(temporary);
    struct stat status{};
    if (::bind(file.descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::chmod(temporary.c_str(), mode) != 0 || ::lstat(temporary.c_str(), &status) != 0 ||
        ::listen(file.descriptor_, kBacklog) != 0 || ::rename(temporary.c_str(), path.c_str()) != 0) {
        const int error = errno;
        ::unlink(temporary.c_str());
        return cannot_listen(path, error_text(error));
    }
    file.path_ = path;
    file.device_ = status.st_dev;
    file.inode_ = status.st_ino;
    return file;
}

SocketFile::SocketFile(SocketFile&& other) noexcept
    : path_(std::exchange(other.path_, {})),
      device_(other.device_),
      inode_(other.inode_),
      descriptor_(std::exchange(other.descriptor_, -1)) {}

SocketFile& SocketFile::operator=(SocketFile&& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(device_, other.device_);
    std::swap(inode_, other.inode_);
    std::swap(descriptor_, other.descriptor_);
    return *this;
}

SocketFile::~SocketFile() {
    remove();
    if (descriptor_ >= 0) {
        ::close(descriptor_);
    }
}

int SocketFile::release_descriptor() noexcept {
    return std::exchange(descriptor_, -1);
}

void SocketFile::remove() noexcept {
    struct stat status{};
    if (!path_.empty() && ::lstat(path_.c_str(), &status) == 0 && status.st_dev == device_ && status.st_ino == inode_) {
        ::unlink(path_.c_str());
    }
    path_.clear();
}

}  // namespace grit::admin
