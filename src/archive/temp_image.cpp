#include <utility>

#include "grit/archive/depot.hpp"
#include "grit/base/kill_point.hpp"

namespace grit::archive {

TempImage::~TempImage() {
    drop();
}

TempImage::TempImage(TempImage&& other) noexcept
    : depot_(other.depot_),
      name_(std::exchange(other.name_, {})),
      descriptor_(std::exchange(other.descriptor_, -1)),
      size_(std::exchange(other.size_, 0)),
      closed_(std::exchange(other.closed_, true)),
      bytes_(other.bytes_) {}

TempImage& TempImage::operator=(TempImage&& other) noexcept {
    if (this != &other) {
        drop();
        depot_ = other.depot_;
        name_ = std::exchange(other.name_, {});
        descriptor_ = std::exchange(other.descriptor_, -1);
        size_ = std::exchange(other.size_, 0);
        closed_ = std::exchange(other.closed_, true);
        bytes_ = other.bytes_;
    }
    return *this;
}

Result<void> TempImage::append(std::span<const std::byte> bytes) {
    if (closed_) {
        return Errc::io;
    }
    if (descriptor_ < 0) {
        if (const int error = depot_->create_temporary(name_, descriptor_); error != 0) {
            return errc_of_errno(error);
        }
        kill_point("image.created");
    }
    while (!bytes.empty()) {
        std::size_t written = 0;
        if (const int error = depot_->system_->write(descriptor_, bytes, written); error != 0) {
            return errc_of_errno(error);
        }
        if (written == 0) {
            return Errc::io;  // a regular file never takes nothing: better an error than a loop
        }
        size_ += written;
        bytes = bytes.subspan(written);
    }
    kill_point("image.written");
    return {};
}

Result<void> TempImage::close() {
    closed_ = true;
    if (descriptor_ < 0) {
        return {};
    }
    if (const int error = depot_->system_->close(std::exchange(descriptor_, -1)); error != 0) {
        return errc_of_errno(error);
    }
    return {};
}

Result<std::size_t> TempImage::read(std::uint64_t offset, std::span<std::byte> bytes) {
    if (!closed_) {
        return Errc::io;
    }
    if (descriptor_ < 0) {
        if (const int error = depot_->system_->open_file(depot_->temp_path(name_), false, descriptor_); error != 0) {
            return errc_of_errno(error);
        }
    }
    std::size_t count = 0;
    const int error = depot_->system_->read_at(descriptor_, offset, bytes, count);
    return error == 0 ? Result<std::size_t>(count) : Result<std::size_t>(errc_of_errno(error));
}

std::string TempImage::release() {
    if (!name_.empty()) {
        depot_->note_release(name_);
    }
    return std::exchange(name_, {});
}

void TempImage::drop() noexcept {
    if (descriptor_ >= 0) {
        depot_->system_->close(std::exchange(descriptor_, -1));
    }
    if (!name_.empty()) {
        // What can not be removed now is swept at the next start.
        depot_->system_->unlink(depot_->temp_path(name_));
        name_.clear();
    }
}

}  // namespace grit::archive
