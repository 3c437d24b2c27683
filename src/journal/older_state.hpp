// A state that is older than its journal: a backup, or a copy that lay where the volume of the right one was to be mounted.
// Private to the module.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "grit/base/clock.hpp"
#include "grit/base/result.hpp"
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

/// Gives up what `find_newer` tells of: the journal is as if it had ended at the mark, but that the state's file may still have its tail
/// (which a start cuts off). What is given up stays in the folder, as "given-up-TIME-NAME", a name that nobody takes for the journal's.
/// Errors, in words.
[[nodiscard]] Checked<void> set_aside_newer(const std::filesystem::path& folder, const std::vector<JournalFile>& files,
                                            const store::JournalMark& mark, WallTime now);

}  // namespace grit::journal
