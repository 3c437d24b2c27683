#include <utility>

#include "grit/archive/depot.hpp"
#include "grit/base/kill_point.hpp"
#include "held_images.hpp"

namespace grit::archive {

TempImage::~TempImage() {
    drop();
}

TempImage::TempImage(TempImage&& other) noexcept
    : depot_(other.depot_),
      name_(std::exchange(other.name_, {})),
      held_(std::exchange(other.held_, {})),
      has_file_(std::exchange(other.has_file_, false)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      size_(std::exchange(other.size_, 0)),
      closed_(std::exchange(other.closed_, true)),
      bytes_(other.bytes_) {}

TempImage& TempImage::operator=(TempImage&& other) noexcept {
    if (this != &other) {
        drop();
        depot_ = other.depot_;
        name_ = std::exchange(other.name_, {});
        held_ = std::exchange(other.held_, {});
        has_file_ = std::exchange(other.has_file_, false);
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
    if (name_.empty()) {
        name_ = depot_->new_temporary_name();
    }
    if (!has_file_) {
        if (hold(bytes)) {
            return {};
        }
        if (const auto made = make_file(); !made) {
            return made;
        }
    }
    const auto written = write(bytes);
    kill_point("image.written");
    return written;
}

bool TempImage::hold(std::span<const std::byte> bytes) {
    if (held_.size() + bytes.size() > HeldImages::kMostOfOne || !depot_->held_->reserve(bytes.size())) {
        return false;
    }
    held_.insert(held_.end(), bytes.begin(), bytes.end());
    size_ += bytes.size();
    return true;
}

// With what was held until now.
Result<void> TempImage::make_file() {
    if (const int error = depot_->create_temporary(name_, descriptor_); error != 0) {
        return errc_of_errno(error);
    }
    has_file_ = true;
    kill_point("image.created");
    size_ = 0;
    const auto written = write(held_);
    depot_->held_->give_back(held_.size());
    held_ = {};
    return written;
}

Result<void> TempImage::write(std::span<const std::byte> bytes) {
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
    if (!name_.empty() && !has_file_) {
        depot_->held_->keep(name_, std::exchange(held_, {}));
    }
    return std::exchange(name_, {});
}

void TempImage::drop() noexcept {
    if (descriptor_ >= 0) {
        depot_->system_->close(std::exchange(descriptor_, -1));
    }
    depot_->held_->give_back(std::exchange(held_, {}).size());
    if (!name_.empty() && has_file_) {
        // What can not be removed now is swept at the next start.
        depot_->system_->unlink(depot_->temp_path(name_));
    }
    name_.clear();
}

}  // namespace grit::archive
