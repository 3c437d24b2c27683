// Reads a whole journal, whatever has become of its files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "grit/base/result.hpp"
#include "grit/journal/line.hpp"

namespace grit::journal {

/// What there was to read. `problems` are for people: each names a file, and says what of it is missing or damaged.
struct JournalReport {
    std::uint64_t files = 0;
    std::uint64_t lines = 0;
    std::uint64_t missing = 0;  ///< Lines that by their numbers there were.
    std::uint64_t damaged = 0;  ///< Lines that can not be taken for what they say.
    std::uint64_t last_file = 0;
    std::uint64_t last_seq = 0;
    std::vector<std::string> problems;  ///< At most 100; the rest is counted only.
};

/// @param visit  gets each good line, in the order of writing, and how many bytes of files have been read by then;
///               false ends it.
/// Errors, in words: the folder can not be listed. What is wrong with files is in the report.
[[nodiscard]] Checked<JournalReport> read_journal(const std::filesystem::path& folder,
                                                  const std::function<bool(Line&, std::uint64_t)>& visit);

}  // namespace grit::journal
