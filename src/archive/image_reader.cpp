#include "grit/archive/image_reader.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace grit::archive {

Result<ImageReader> ImageReader::open(const Extent& extent) {
    int descriptor = -1;
    do {
        descriptor = ::open(extent.file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    } while (descriptor < 0 && errno == EINTR);
    if (descriptor < 0) {
        return errc_of_errno(errno);
    }
    return ImageReader(descriptor, extent.offset, extent.size);
}

ImageReader::~ImageReader() {
    if (descriptor_ >= 0) {
        ::close(descriptor_);
    }
}

ImageReader::ImageReader(ImageReader&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      offset_(other.offset_),
      left_(std::exchange(other.left_, 0)),
      size_(other.size_) {}

ImageReader& ImageReader::operator=(ImageReader&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    offset_ = other.offset_;
    left_ = other.left_;
    size_ = other.size_;
    return *this;
}

Result<std::size_t> ImageReader::read(std::span<std::byte> bytes) {
    const std::size_t wanted = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), left_));
    if (wanted == 0) {
        return std::size_t{0};
    }
    ssize_t count = 0;
    do {
        count = ::pread(descriptor_, bytes.data(), wanted, static_cast<off_t>(offset_));
    } while (count < 0 && errno == EINTR);
    if (count <= 0) {
        return count < 0 ? errc_of_errno(errno) : Errc::io;  // cut short: it is not whole
    }
    offset_ += static_cast<std::uint64_t>(count);
    left_ -= static_cast<std::uint64_t>(count);
    return static_cast<std::size_t>(count);
}

}  // namespace grit::archive
