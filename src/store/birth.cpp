#include "birth.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <string>
#include <system_error>
#include <vector>

#include "grit/base/file_descriptor.hpp"
#include "grit/base/kill_point.hpp"

namespace grit::store {
namespace {

Problem failed(const std::filesystem::path& path, std::string_view doing, int error) {
    return Problem{fmt::format("{} can not be {}: {}", path.string(), doing, std::generic_category().message(error))};
}

void remove_aside(const std::filesystem::path& aside) {
    for (const char* const name : {"data.mdb", "lock.mdb"}) {
        unlink((aside / name).c_str());
    }
    rmdir(aside.c_str());
}

int rewrite_headers(int descriptor, std::size_t bytes) {
    std::vector<char> headers(bytes);
    if (pread(descriptor, headers.data(), bytes, 0) != static_cast<ssize_t>(bytes)) {
        return errno != 0 ? errno : EIO;
    }
    const ssize_t written = pwrite(descriptor, headers.data(), bytes, 0);
    if (written != static_cast<ssize_t>(bytes)) {
        return written < 0 ? errno : ENOSPC;
    }
    return fdatasync(descriptor) == 0 ? 0 : errno;
}

}  // namespace

Checked<void> make_aside(const std::filesystem::path& dir,
                         const std::function<Checked<void>(const std::filesystem::path&)>& fill) {
    const std::filesystem::path aside = dir / ".new";
    remove_aside(aside);
    if (mkdir(aside.c_str(), 0750) != 0) {
        return failed(aside, "made", errno);
    }
    if (auto filled = fill(aside); !filled) {
        return filled;
    }
    kill_point("state.filled");
    if (rename((aside / "data.mdb").c_str(), (dir / "data.mdb").c_str()) != 0) {
        return failed(dir / "data.mdb", "put in place", errno);
    }
    kill_point("state.named");
    if (const int failure = sync_folder(dir); failure != 0) {
        return failed(dir, "synced", failure);
    }
    remove_aside(aside);
    return {};
}

Checked<void> settle_headers(const std::filesystem::path& file, const DataFile& found) {
    const std::uint64_t bytes = std::uint64_t{2} * found.page_bytes;
    const int descriptor = found.file_bytes < bytes ? -1 : open(file.c_str(), O_RDWR | O_CLOEXEC);
    if (descriptor < 0) {
        return {};  // it is said in a moment why
    }
    errno = 0;
    const int error = rewrite_headers(descriptor, static_cast<std::size_t>(bytes));
    close(descriptor);
    return error == 0 ? Checked<void>() : Checked<void>(failed(file, "written", error));
}

}  // namespace grit::store
