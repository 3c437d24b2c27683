#include "older_state.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <system_error>

#include "compress.hpp"
#include "grit/base/clock.hpp"
#include "grit/base/quantity.hpp"
#include "grit/journal/line.hpp"

namespace grit::journal {
namespace {

namespace fs = std::filesystem;

// Lines of one transaction are made within seconds of each other, whatever the disk is like.
constexpr Milliseconds kLongestTransaction{600'000};

// When the lines of a tail were made.
struct Times {
    std::int64_t first_ms = std::numeric_limits<std::int64_t>::max();
    std::int64_t last_ms = std::numeric_limits<std::int64_t>::min();

    void read(const std::string& file, std::uint64_t from) {
        std::ifstream in(file, std::ios::binary);
        in.seekg(static_cast<std::streamoff>(from));
        for (std::string text; std::getline(in, text);) {
            // The line that begins a file is as old as the first try to write it.
            if (const auto line = parse_line(text); line && line->kind != Kind::begin) {
                first_ms = std::min(first_ms, line->time_ms);
                last_ms = std::max(last_ms, line->time_ms);
            }
        }
    }
    [[nodiscard]] bool are_of_one_transaction() const {
        return last_ms < first_ms || Milliseconds(last_ms - first_ms) <= kLongestTransaction;
    }
};

}  // namespace

std::optional<std::string> find_newer(const fs::path& folder, const std::vector<JournalFile>& files, const store::JournalMark& mark,
                                      bool is_copy) {
    Times tail;
    for (const JournalFile& file : files) {
        if (file.number < mark.file) {
            continue;
        }
        const std::string path = (folder / name_of(file)).string();
        std::error_code error;
        const std::uint64_t bytes = file.sealed ? content_bytes(path).value_or(0) : fs::file_size(path, error);
        const bool is_longer = file.number == mark.file && mark.bytes > 0 && bytes > mark.bytes;
        const bool is_newer = file.number > mark.file;
        const bool is_of_a_crash = !file.sealed && !is_copy && file.number <= mark.file + 1;
        if (!is_longer && !is_newer) {
            continue;
        }
        if (!is_of_a_crash) {
            return is_longer ? fmt::format("{} has {} bytes of lines, of which the state knows {}", path, bytes, mark.bytes)
                             : fmt::format("{} is newer than all that the state knows, which is file {}", path, mark.file);
        }
        tail.read(path, is_longer ? mark.bytes : 0);
        if (!tail.are_of_one_transaction()) {
            return fmt::format("{} goes on until {} behind what the state knows, which ends at {}", path, format_utc(tail.last_ms),
                               format_utc(tail.first_ms));
        }
    }
    return std::nullopt;
}

}  // namespace grit::journal
