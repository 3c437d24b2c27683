#include "local_file.hpp"

#include <fcntl.h>
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

Result<std::span<const std::byte>> LocalFile::next() {
    if (descriptor_ < 0) {
        descriptor_ = ::open(source_.file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (descriptor_ < 0) {
            return archive::errc_of_errno(errno);
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
