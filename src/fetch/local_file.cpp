#include "local_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace grit::fetch {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{64} * 1024;

}  // namespace

LocalFile::~LocalFile() {
    if (descriptor_ >= 0) {
        ::close(descriptor_);
    }
}

Result<void> LocalFile::open() {
    // O_NONBLOCK: a pipe in its place is no reason to wait.
    descriptor_ = ::open(source_.file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat status {};
    if (descriptor_ < 0 || ::fstat(descriptor_, &status) != 0) {
        return archive::errc_of_errno(errno);
    }
    const std::int64_t modified_ns = std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
    const bool is_as_noted = source_.modified_ns == 0 || source_.modified_ns == modified_ns;
    return S_ISREG(status.st_mode) && is_as_noted ? Result<void>() : Result<void>(archive::Errc::vanished);
}

Result<std::span<const std::byte>> LocalFile::next() {
    if (descriptor_ < 0) {
        if (const auto opened = open(); !opened) {
            return opened.error();
        }
        buffer_.resize(kPieceBytes);
    }
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(kPieceBytes, source_.size - read_));
    if (wanted == 0) {
        return std::span<const std::byte>();
    }
    ssize_t got = -1;
    do {
        got = ::pread(descriptor_, buffer_.data(), wanted, static_cast<off_t>(source_.offset + read_));
    } while (got < 0 && errno == EINTR);
    if (got <= 0) {
        return got < 0 ? archive::errc_of_errno(errno) : archive::Errc::vanished;
    }
    read_ += static_cast<std::uint64_t>(got);
    return std::span<const std::byte>(buffer_).first(static_cast<std::size_t>(got));
}

}  // namespace grit::fetch
