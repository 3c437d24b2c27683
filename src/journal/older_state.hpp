// A state that is older than its journal: a backup, or a copy that lay where the volume of the right one was to be mounted.
// Private to the module.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "grit/journal/files.hpp"
#include "grit/store/journal_rows.hpp"

namespace grit::journal {

/// What a crash leaves behind the mark are the lines of one transaction, in the file that the state names or the next one.
/// Files that are sealed have committed lines only. Looks, and changes nothing.
/// @param files    ascending.
/// @param is_copy  the state is a copy that no gritd has run on: it was committed as it is, and nothing lies behind it.
/// @return in words, what the journal knows and the state does not; nothing if that is nothing, or what a crash leaves.
[[nodiscard]] std::optional<std::string> find_newer(const std::filesystem::path& folder, const std::vector<JournalFile>& files,
                                                    const store::JournalMark& mark, bool is_copy);

}  // namespace grit::journal
