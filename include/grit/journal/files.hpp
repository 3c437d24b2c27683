// How the journal's files are named: outcomes-00000007.jsonl while it is written, outcomes-00000007.jsonl.zst once sealed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "grit/base/result.hpp"

namespace grit::journal {

struct JournalFile {
    std::uint64_t number = 0;  ///< From 1, in the order of writing.
    bool sealed = false;
    auto operator<=>(const JournalFile&) const = default;
};

[[nodiscard]] std::string name_of(const JournalFile& file);
/// Nothing for names of other files.
[[nodiscard]] std::optional<JournalFile> parse_file_name(std::string_view name);
/// Those of the folder, ascending; none if it is not there. Where a file is there in both forms (a stop between two
/// steps), both are listed: the sealed one is whole. Errors, in words: the folder can not be read.
[[nodiscard]] Checked<std::vector<JournalFile>> list_files(const std::filesystem::path& folder);
/// Of a file that is not sealed: bytes up to the end of its last whole line; 0 if it can not be read.
[[nodiscard]] std::uint64_t whole_lines_of(const std::filesystem::path& file);

}  // namespace grit::journal
