#include "older_state.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <limits>
#include <system_error>

#include "compress.hpp"
#include "grit/base/file_descriptor.hpp"
#include "grit/base/quantity.hpp"
#include "grit/journal/line.hpp"

namespace grit::journal {
namespace {

namespace fs = std::filesystem;

// Results that are committed together have one time, however long the disk takes.
constexpr Milliseconds kLongestTransaction{600'000};
constexpr mode_t kFileMode = 0640;

// When the results of a tail were committed. (Other lines may have been made long before their transaction, or go by another clock.)
struct Times {
    std::int64_t first_ms = std::numeric_limits<std::int64_t>::max();
    std::int64_t last_ms = std::numeric_limits<std::int64_t>::min();

    void read(const std::string& file, std::uint64_t from) {
        std::ifstream in(file, std::ios::binary);
        in.seekg(static_cast<std::streamoff>(from));
        for (std::string text; std::getline(in, text);) {
            if (const auto line = parse_line(text); line && line->kind == Kind::result) {
                first_ms = std::min(first_ms, line->time_ms);
                last_ms = std::max(last_ms, line->time_ms);
            }
        }
    }
    [[nodiscard]] bool are_of_one_transaction() const {
        return last_ms < first_ms || Milliseconds(last_ms - first_ms) <= kLongestTransaction;
    }
};

enum class Beyond {
    nothing,
    its_end,  // of the file that the state names
    all,
};

// What of a file lies behind the mark.
Beyond beyond_mark(const std::string& path, const JournalFile& file, const store::JournalMark& mark) {
    if (file.number != mark.file) {
        return file.number < mark.file ? Beyond::nothing : Beyond::all;
    }
    std::error_code error;
    const std::uint64_t bytes = file.sealed ? content_bytes(path).value_or(0) : fs::file_size(path, error);
    // A rebuild names a sealed file without its length.
    return !error && mark.bytes > 0 && bytes > mark.bytes ? Beyond::its_end : Beyond::nothing;
}

Problem failed(const std::string& path, std::string_view doing, int error) {
    return Problem{fmt::format("outcome journal: {} can not be {}: {}", path, doing, std::generic_category().message(error))};
}

// Writes the first `bytes` of what a file holds, durably. @return 0 or errno.
int copy_lines(const std::string& from, bool sealed, std::uint64_t bytes, const std::string& to) {
    const FileDescriptor target(::open(to.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kFileMode));
    if (target.get() < 0) {
        return errno;
    }
    int error = 0;
    const auto done = read_file(from, sealed, [&](std::string_view piece) {
        piece = piece.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), bytes)));
        bytes -= piece.size();
        error = write_all(target.get(), piece);
        return error == 0 && bytes > 0;
    });
    error = error == 0 && !done ? EIO : error;
    return error == 0 && ::fsync(target.get()) != 0 ? errno : error;
}

}  // namespace

std::optional<std::string> find_newer(const fs::path& folder, const std::vector<JournalFile>& files, const store::JournalMark& mark,
                                      bool is_copy) {
    for (const JournalFile& file : files) {
        const std::string path = (folder / name_of(file)).string();
        const Beyond beyond = beyond_mark(path, file, mark);
        if (beyond == Beyond::nothing) {
            continue;
        }
        if (file.sealed || is_copy || file.number > mark.file + 1) {
            return beyond == Beyond::its_end ? fmt::format("{} has lines behind the {} bytes of which the state knows", path, mark.bytes)
                                             : fmt::format("{} is newer than all that the state knows, which is file {}", path, mark.file);
        }
        Times tail;
        tail.read(path, beyond == Beyond::its_end ? mark.bytes : 0);
        if (!tail.are_of_one_transaction()) {
            return fmt::format("{} goes on until {} behind what the state knows, which ends at {}", path, format_utc(tail.last_ms),
                               format_utc(tail.first_ms));
        }
    }
    return std::nullopt;
}

Checked<void> set_aside_newer(const fs::path& folder, const std::vector<JournalFile>& files, const store::JournalMark& mark, WallTime now) {
    for (const JournalFile& file : files) {
        const std::string path = (folder / name_of(file)).string();
        const std::string aside = (folder / fmt::format("given-up-{}-{}", now.time_since_epoch().count(), name_of(file))).string();
        const Beyond beyond = beyond_mark(path, file, mark);
        if (beyond == Beyond::nothing) {
            continue;
        }
        // With the state's file the start goes on, and cuts it off at the mark.
        if (beyond == Beyond::its_end) {
            const std::string copy = file.sealed ? (folder / name_of(JournalFile{file.number, false})).string() : aside;
            const std::uint64_t bytes = file.sealed ? mark.bytes : std::numeric_limits<std::uint64_t>::max();
            if (const int error = copy_lines(path, file.sealed, bytes, copy); error != 0) {
                return failed(copy, "written", error);
            }
        }
        const bool goes_on = beyond == Beyond::its_end && !file.sealed;
        if (!goes_on && ::rename(path.c_str(), aside.c_str()) != 0) {
            return failed(path, "renamed", errno);
        }
    }
    const int error = sync_folder(folder);
    return error == 0 ? Checked<void>() : failed(folder.string(), "synced", error);
}

}  // namespace grit::journal
