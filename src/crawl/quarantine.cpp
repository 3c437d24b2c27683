#include "quarantine.hpp"

#include "grit/base/file_descriptor.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace grit::crawl {
Quarantine::~Quarantine() { close(); }

Checked<std::uint64_t> Quarantine::open(const std::filesystem::path& file, std::uint64_t counted) {
    close();
    unsynced_.clear();
    sync_failed_ = false;
    descriptor_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    struct stat status {};
    int error = descriptor_ < 0 || fstat(descriptor_, &status) != 0 ? errno : 0;
    auto size = static_cast<std::uint64_t>(status.st_size);
    if (error == 0 && size >= counted) {
        error = cut_back_to(counted);
        size = counted;
    } else if (error == 0) {
        error = end_last_line(size);
    }
    synced_bytes_ = size;
    if (error == 0) {
        error = sync_folder(file.parent_path());
    }
    if (error != 0) {
        return Problem{fmt::format("{} can not be written: {}", file.string(), std::system_category().message(error))};
    }
    return size;
}

int Quarantine::cut_back_to(std::uint64_t counted) const {
    return ftruncate(descriptor_, static_cast<off_t>(counted)) == 0 ? 0 : errno;
}

int Quarantine::end_last_line(std::uint64_t& size) {
    char last = '\n';
    if (size > 0 && pread(descriptor_, &last, 1, static_cast<off_t>(size - 1)) != 1) {
        return errno;
    }
    if (last == '\n') {
        return 0;
    }
    std::string_view end = "\n";
    const int error = write_all(descriptor_, end);
    size += 1 - end.size();
    return error;
}

int Quarantine::append(std::string_view& rest) {
    const std::string_view all = rest;
    const int error = write_all(descriptor_, rest);
    unsynced_ += all.substr(0, all.size() - rest.size());
    return error;
}

int Quarantine::sync() {
    int error = sync_failed_ ? write_again() : 0;
    if (error == 0 && fdatasync(descriptor_) != 0) {
        error = errno;
    }
    sync_failed_ = error != 0;
    if (!sync_failed_) {
        synced_bytes_ += unsynced_.size();
        unsynced_.clear();
    }
    return error;
}

int Quarantine::write_again() const {
    const int error = cut_back_to(synced_bytes_);
    std::string_view rest = unsynced_;
    return error == 0 ? write_all(descriptor_, rest) : error;
}

void Quarantine::close() {
    if (descriptor_ >= 0) {
        ::close(std::exchange(descriptor_, -1));
    }
}

}  // namespace grit::crawl
