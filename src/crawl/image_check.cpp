#include "image_check.hpp"

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace grit::crawl {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{256} << 10;
// Enough for a disk to choose its way among, and to be busy while a digest is made.
constexpr std::size_t kFilesAhead = 32;
constexpr std::uint64_t kBytesAhead = std::uint64_t{16} << 20;

// Whether the first byte lies in the page cache. RWF_NOWAIT: preadv2(2).
bool is_cached(int descriptor, std::uint64_t offset) {
    char byte = 0;
    const iovec piece{&byte, 1};
    return ::preadv2(descriptor, &piece, 1, static_cast<off_t>(offset), RWF_NOWAIT) == 1;
}

// The layout's word for what it could not find, as the system's.
int errno_of(const ErrorCode& error) {
    if (error == archive::Errc::vanished) {
        return ENOENT;
    }
    if (error == archive::Errc::out_of_descriptors) {
        return EMFILE;
    }
    return error == archive::Errc::io ? EIO : error == archive::Errc::read_only ? EACCES : EINVAL;
}

ImageFault fault_of(int error) { return error == ENOENT || error == ENOTDIR ? ImageFault::missing : ImageFault::unreadable; }

}  // namespace

std::string_view name_of(ImageFault fault) noexcept {
    constexpr std::array<std::string_view, 6> kNames{"none", "missing", "wrong_size", "wrong_digest", "wrong_header", "unreadable"};
    return kNames[static_cast<std::size_t>(fault)];
}

ImageChecker::ImageChecker(const archive::Layout& layout) : layout_(layout), buffer_(kBufferBytes) {}

ImageChecker::~ImageChecker() { end(); }

void ImageChecker::begin(std::span<const WantedImage> images) {
    end();
    images_ = images;
    at_ = 0;
}

void ImageChecker::end() noexcept {
    for (const Ahead& file : ahead_) {
        if (file.descriptor >= 0) {
            ::close(file.descriptor);
        }
    }
    ahead_.clear();
    bytes_ahead_ = 0;
}

void ImageChecker::fill_ahead() {
    while (at_ + ahead_.size() < images_.size() && ahead_.size() < kFilesAhead &&
           (ahead_.empty() || bytes_ahead_ < kBytesAhead)) {
        ahead_.push_back(open(images_[at_ + ahead_.size()]));
        bytes_ahead_ += ahead_.back().size;
    }
}

ImageChecker::Ahead ImageChecker::open(const WantedImage& wanted) const {
    Ahead file;
    const auto place = layout_.find(wanted.path);
    if (!place) {
        file.error = errno_of(place.error());
        return file;
    }
    do {
        file.descriptor = ::open(place->file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    } while (file.descriptor < 0 && errno == EINTR);
    if (file.descriptor < 0) {
        file.error = errno;
        return file;
    }
    file.offset = place->offset;
    file.size = place->size;
    file.was_cached = file.size == 0 || is_cached(file.descriptor, file.offset);
    if (file.size == wanted.size && !file.was_cached) {
        ::posix_fadvise(file.descriptor, static_cast<off_t>(file.offset), static_cast<off_t>(file.size), POSIX_FADV_WILLNEED);
    }
    return file;
}

ImageLook ImageChecker::next(const std::atomic<bool>& stop) {
    fill_ahead();
    const WantedImage& wanted = images_[at_];
    const Ahead file = ahead_.front();
    ahead_.pop_front();
    bytes_ahead_ -= file.size;
    ++at_;
    ImageLook look;
    look.found_size = file.size;
    look.error = file.error;
    if (file.error != 0) {
        look.fault = fault_of(file.error);
    } else if (file.size != wanted.size) {
        look.fault = ImageFault::wrong_size;
    } else {
        read(file, stop, look);
        if (look.fault == ImageFault::none && !look.cut_off && look.found_sha256 != wanted.sha256) {
            look.fault = ImageFault::wrong_digest;
        } else if (look.fault == ImageFault::none && !look.cut_off) {
            look_at_headers(wanted, look);
        }
    }
    if (file.descriptor >= 0) {
        if (!file.was_cached) {
            ::posix_fadvise(file.descriptor, static_cast<off_t>(file.offset), static_cast<off_t>(file.size), POSIX_FADV_DONTNEED);
        }
        ::close(file.descriptor);
    }
    return look;
}

void ImageChecker::look_at_headers(const WantedImage& wanted, ImageLook& look) const {
    const auto checked = layout_.check_headers(wanted.path);
    if (!checked && checked.error() == archive::Errc::bad_header) {
        look.fault = ImageFault::wrong_header;
    } else if (!checked) {
        look.error = errno_of(checked.error());
        look.fault = fault_of(look.error);
    }
}

void ImageChecker::read(const Ahead& file, const std::atomic<bool>& stop, ImageLook& look) {
    while (!stop) {
        const std::uint64_t left = file.size - look.bytes_read;
        if (left == 0) {
            look.found_sha256 = digest_.finish();
            return;
        }
        const ssize_t got = ::pread(file.descriptor, buffer_.data(), static_cast<std::size_t>(std::min<std::uint64_t>(left, buffer_.size())),
                                    static_cast<off_t>(file.offset + look.bytes_read));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            look.fault = got < 0 ? ImageFault::unreadable : ImageFault::wrong_size;  // cut since it was found
            look.error = got < 0 ? errno : 0;
            look.found_size = look.bytes_read;
            static_cast<void>(digest_.finish());
            return;
        }
        digest_.update(std::span(buffer_).first(static_cast<std::size_t>(got)));
        look.bytes_read += static_cast<std::uint64_t>(got);
    }
    static_cast<void>(digest_.finish());
    look.cut_off = true;
}

}  // namespace grit::crawl
