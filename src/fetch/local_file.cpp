#include "local_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace grit::fetch {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{64} * 1024;

// A second name makes his file an image of ours: nobody else may own it, and those who read our images have to be let.
bool is_fit_to_be_ours(const struct stat& status) {
    const bool is_readable = (status.st_mode & S_IROTH) != 0 || ((status.st_mode & S_IRGRP) != 0 && status.st_gid == ::getegid());
    return status.st_uid == ::geteuid() && is_readable && (status.st_mode & (S_ISUID | S_ISGID | S_IWOTH)) == 0;
}

}  // namespace

Result<void> LocalFile::open() {
    file_.emplace(::open(source_.file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (file_->get() < 0) {
        return failed(errno);
    }
    buffer_.resize(kPieceBytes);
    return is_as_noted() ? Result<void>() : Result<void>(archive::Errc::vanished);
}

bool LocalFile::is_as_noted() {
    struct stat status {};
    if (::fstat(file_->get(), &status) != 0 || !S_ISREG(status.st_mode)) {
        return false;
    }
    status_ = Status{status.st_dev, static_cast<std::uint64_t>(status.st_size), source_.may_link && is_fit_to_be_ours(status)};
    return source_.size <= status_.size && source_.offset <= status_.size - source_.size &&
           (source_.modified_ns == 0 || source_.modified_ns == modified_ns(status));
}

std::optional<archive::TempImage> LocalFile::share(archive::TempSource& images) const {
    if (source_.offset != 0 || source_.size != status_.size) {
        return std::nullopt;
    }
    return images.share(archive::LocalSource{file_->get(), status_.device, status_.size, status_.may_link});
}

Result<std::span<const std::byte>> LocalFile::next(archive::TempImage* shared) {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(kPieceBytes, source_.size - read_));
    if (wanted == 0) {
        const bool is_own = shared != nullptr && shared->bytes() == archive::TempImage::Bytes::cloned;
        return is_own || is_as_noted() ? Result<std::span<const std::byte>>(std::span<const std::byte>()) : archive::Errc::vanished;
    }
    const auto got = read(shared, std::span(buffer_).first(wanted));
    if (!got || *got == 0) {
        return got ? archive::make_error_code(archive::Errc::vanished) : got.error();
    }
    read_ += *got;
    return std::span<const std::byte>(buffer_).first(*got);
}

Result<std::size_t> LocalFile::read(archive::TempImage* shared, std::span<std::byte> piece) {
    if (shared != nullptr) {
        auto got = shared->read(read_, piece);
        error_ = got ? 0 : EIO;
        return got;
    }
    ssize_t got = -1;
    do {
        got = ::pread(file_->get(), piece.data(), piece.size(), static_cast<off_t>(source_.offset + read_));
    } while (got < 0 && errno == EINTR);
    return got < 0 ? Result<std::size_t>(failed(errno)) : Result<std::size_t>(static_cast<std::size_t>(got));
}

archive::Errc LocalFile::failed(int error) {
    error_ = error;
    return archive::errc_of_errno(error);
}

Unreadable LocalFile::unreadable() const {
    if (error_ == 0 || error_ == ELOOP || error_ == ENXIO || error_ == EISDIR || error_ == EMFILE || error_ == ENFILE || error_ == ENOMEM) {
        return Unreadable::no;
    }
    const bool was_open = file_ && file_->get() >= 0;
    const bool is_tar = source_.file.ends_with(".tar");  // the shard itself: it is no single file that is missed
    const std::string folder = source_.file.substr(0, source_.file.rfind('/'));
    if (!was_open && (is_tar || ::faccessat(AT_FDCWD, folder.c_str(), X_OK, AT_EACCESS) != 0)) {
        return Unreadable::folder;
    }
    return error_ == ENOENT ? Unreadable::no : Unreadable::file;
}

std::string LocalFile::why() const {
    return error_ == 0 ? source_.file + " is not what was noted" : fmt::format("{}: {}", source_.file, std::generic_category().message(error_));
}

}  // namespace grit::fetch
