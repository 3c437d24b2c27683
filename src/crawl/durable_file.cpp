#include "durable_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "grit/base/file_descriptor.hpp"
#include "grit/base/kill_point.hpp"

namespace grit::crawl {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{64} * 1024;
constexpr mode_t kMode = 0640;

Problem failed(const std::string& path, std::string_view doing, int error) {
    return Problem{fmt::format("{} can not be {}: {}", path, doing, std::strerror(error))};
}

Checked<void> sync_folder_of(const std::string& path) {
    const std::filesystem::path folder = std::filesystem::path(path).parent_path();
    const int error = sync_folder(folder);
    return error == 0 ? Checked<void>() : failed(folder.string(), "synced", error);
}

// Nothing, where there is no file.
Checked<void> read_whole(const std::string& path, std::string& text) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        return errno == ENOENT ? Checked<void>() : Checked<void>(failed(path, "opened", errno));
    }
    std::array<char, kBufferBytes> buffer{};
    ssize_t size = 1;
    while (size > 0 || (size < 0 && errno == EINTR)) {
        size = ::read(descriptor, buffer.data(), buffer.size());
        text.append(buffer.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
    }
    const int error = errno;
    ::close(descriptor);
    return size == 0 ? Checked<void>() : Checked<void>(failed(path, "read", error));
}

}  // namespace

Checked<DurableFile> DurableFile::create(const std::string& path) {
    std::error_code ignored;  // the open below tells
    const std::filesystem::path folder = std::filesystem::path(path).parent_path();
    if (std::filesystem::create_directory(folder, ignored)) {
        std::filesystem::permissions(folder, std::filesystem::perms(0750), ignored);
        if (auto synced = sync_folder_of(folder.string()); !synced) {
            std::filesystem::remove(folder, ignored);  // so that the next try syncs it
            return synced.error();
        }
    }
    const std::string part = path + ".part";
    const int descriptor = ::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kMode);
    if (descriptor < 0) {
        return failed(part, "made", errno);
    }
    return DurableFile(path, descriptor);
}

DurableFile::DurableFile(DurableFile&& other) noexcept
    : path_(std::move(other.path_)), buffer_(std::move(other.buffer_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

DurableFile::~DurableFile() {
    if (descriptor_ >= 0) {
        ::close(descriptor_);
        ::unlink((path_ + ".part").c_str());
    }
}

Checked<void> DurableFile::write(std::string_view bytes) {
    buffer_ += bytes;
    return buffer_.size() < kBufferBytes ? Checked<void>() : flush();
}

Checked<void> DurableFile::flush() {
    const std::string bytes = std::exchange(buffer_, {});
    std::string_view rest = bytes;
    const int error = write_all(descriptor_, rest);
    return error == 0 ? Checked<void>() : failed(path_, "written", error);
}

Checked<void> DurableFile::commit() {
    if (auto flushed = flush(); !flushed) {
        return flushed;
    }
    if (::fsync(descriptor_) != 0) {
        return failed(path_, "synced", errno);
    }
    kill_point("list.synced");
    const std::string part = path_ + ".part";
    if (::rename(part.c_str(), path_.c_str()) != 0) {
        return failed(path_, "put in place", errno);
    }
    ::close(std::exchange(descriptor_, -1));
    return sync_folder_of(path_);
}

// Written anew as a whole: what an earlier try has appended may be in memory alone, although it is found.
Checked<void> append_line_once(const std::string& path, std::string_view line, std::string_view mark) {
    std::string known;
    if (auto read = read_whole(path, known); !read) {
        return read;
    }
    if (!known.empty() && known.back() != '\n') {
        known += '\n';  // somebody else's
    }
    if (known.find(mark) == std::string::npos) {
        known.append(line).append("\n");
    }
    auto file = DurableFile::create(path);
    if (!file) {
        return file.error();
    }
    if (auto written = file->write(known); !written) {
        return written;
    }
    return file->commit();
}

}  // namespace grit::crawl
