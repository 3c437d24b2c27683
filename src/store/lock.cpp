#include "grit/store/lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include "grit/base/file_descriptor.hpp"

namespace grit::store {
namespace {

std::string words_of(int error) {
    return std::generic_category().message(error);
}

// What the holder wrote: digits only, whatever the file holds.
std::string read_pid(int descriptor) {
    std::array<char, 24> text{};
    const ssize_t size = pread(descriptor, text.data(), text.size(), 0);
    std::string pid;
    for (ssize_t i = 0;
         i < size && text[static_cast<std::size_t>(i)] >= '0' && text[static_cast<std::size_t>(i)] <= '9'; ++i) {
        pid.push_back(text[static_cast<std::size_t>(i)]);
    }
    return pid.empty() ? "unknown" : pid;
}

}  // namespace

Checked<void> make_state_folder(const std::filesystem::path& dir) {
    std::error_code error;
    if (std::filesystem::is_directory(dir, error)) {
        return {};
    }
    if (dir.has_parent_path() && dir.parent_path() != dir) {
        if (auto parent = make_state_folder(dir.parent_path()); !parent) {
            return parent;
        }
    }
    if (dir.empty() || mkdir(dir.c_str(), 0750) == 0) {
        // What is put into it is worth nothing if its own name is lost.
        const int unsynced = dir.empty() ? 0 : sync_folder(dir.has_parent_path() ? dir.parent_path() : ".");
        return unsynced == 0 ? Checked<void>()
                             : Problem{fmt::format("state folder {} can not be made durable: {}", dir.string(), words_of(unsynced))};
    }
    if (errno == EEXIST) {
        return {};
    }
    return Problem{fmt::format("state folder {} can not be made: {}", dir.string(), words_of(errno))};
}

Checked<StateLock> StateLock::acquire(const std::filesystem::path& dir) {
    if (auto folder = make_state_folder(dir); !folder) {
        return folder.error();
    }
    const std::filesystem::path file = dir / "gritd.lock";
    StateLock lock(open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640));
    if (lock.descriptor_ < 0) {
        return Problem{fmt::format("{} can not be opened: {}", file.string(), words_of(errno))};
    }
    if (flock(lock.descriptor_, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) {
            return Problem{fmt::format("{} can not be locked: {}", file.string(), words_of(errno))};
        }
        return Problem{fmt::format("state folder {} is in use by process {}: one gritd per dataset (lock file {})",
                                   dir.string(), read_pid(lock.descriptor_), file.string())};
    }
    // The pid is for people; the lock is what counts, so a failure to write it (disk full) does not stop the daemon.
    const std::string pid = fmt::format("{}\n", getpid());
    if (ftruncate(lock.descriptor_, 0) != 0 || pwrite(lock.descriptor_, pid.data(), pid.size(), 0) < 0) {
        errno = 0;
    }
    return lock;
}

StateLock::~StateLock() {
    if (descriptor_ >= 0) {
        close(descriptor_);
    }
}

StateLock::StateLock(StateLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

StateLock& StateLock::operator=(StateLock&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
}

}  // namespace grit::store
