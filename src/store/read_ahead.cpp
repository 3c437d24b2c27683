#include "grit/store/read_ahead.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace grit::store {
namespace {

// Large enough for a disk's full speed, and all that ever lies before a shard's own read in the disk's queue.
constexpr std::uint64_t kPieceBytes = std::uint64_t{1} << 20;

std::uint64_t half_of_memory() {
    return static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)) / 2;
}

}  // namespace

ReadAhead::ReadAhead(const std::filesystem::path& file, std::uint64_t limit_bytes,
                     std::function<void(const std::atomic<bool>& stopping)> then) {
    // The file's end is asked for with each piece: it grows meanwhile.
    if (const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC); descriptor >= 0) {
        thread_ = std::thread([this, descriptor, limit = limit_bytes == 0 ? half_of_memory() : limit_bytes, then = std::move(then)] {
            read(descriptor, limit);
            close(descriptor);
            if (then && !stopping_) {
                then(stopping_);
            }
        });
    }
}

ReadAhead::~ReadAhead() {
    stopping_ = true;
    join();
}

std::uint64_t ReadAhead::join() {
    if (thread_.joinable()) {
        thread_.join();
    }
    return bytes_;
}

void ReadAhead::read(int descriptor, std::uint64_t limit_bytes) {
    struct stat status{};
    while (!stopping_ && bytes_ < limit_bytes && fstat(descriptor, &status) == 0) {
        const auto size = static_cast<std::uint64_t>(status.st_size);
        const std::uint64_t piece = std::min({kPieceBytes, limit_bytes - bytes_, size - std::min<std::uint64_t>(bytes_, size)});
        if (piece == 0) {
            return;
        }
        // Asked for as a whole and waited for by its last byte: the bytes themselves are not wanted here.
        posix_fadvise(descriptor, static_cast<off_t>(bytes_.load()), static_cast<off_t>(piece), POSIX_FADV_WILLNEED);
        char last = 0;
        if (pread(descriptor, &last, 1, static_cast<off_t>(bytes_ + piece - 1)) != 1) {
            return;
        }
        bytes_ += piece;
    }
}

}  // namespace grit::store
