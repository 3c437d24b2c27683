// Copies of a state: a backup beside the running crawl, and a state without its free pages.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <utility>

#include "grit/base/clock.hpp"
#include "grit/base/result.hpp"
#include "grit/store/env.hpp"

namespace grit::dataset {

/// How far a copy is.
struct CopyProgress {
    std::uint64_t bytes_written = 0;
    std::uint64_t bytes_total = 0;  ///< About: a copy has no free pages, and is smaller by them.
    std::uint64_t files = 0;        ///< That are complete.
};

/// Looked at every few MiB; false ends the copy.
using OnCopy = std::function<bool(const CopyProgress&)>;

/// Writes all tables of `from`, as they are at one moment, into a new state in `folder` (made 0750), row by row: full
/// pages, none free, durable when it returns. The folder has no `lock.mdb` then.
///
/// One reading transaction is open meanwhile: pages that are freed are not used again before it ends, so the file of
/// `from` grows by what is committed meanwhile. Writers do not wait.
/// @param backup_of  noted in the copy: that it is a backup, of that moment (store::get_backup_time).
/// @return bytes of the new file.
/// Errors, in words: the folder has a state; the disk; damage of `from`; ended by `on_copy`.
[[nodiscard]] Checked<std::uint64_t> copy_tables(store::Env& from, const std::filesystem::path& folder, const OnCopy& on_copy,
                                                 std::optional<WallTime> backup_of = {});

/// A backup of the state that `env` has open, in a folder that is new or empty: `data.mdb`; what else lies in the state
/// folder, but locks and files under way; then `backup.json` (what it is a backup of) and, last, `SHA256SUMS`. What is
/// in it is durable, and a state folder to start gritd on. Where it fails it leaves nothing behind.
///
/// The tables first: files that are only appended to have then all that the tables speak of.
/// @return all bytes.
/// Errors, in words: as of `copy_tables`; the folder is not empty, or lies in the state folder.
[[nodiscard]] Checked<std::uint64_t> back_up_state(store::Env& env, const std::filesystem::path& folder, WallTime now,
                                                   const OnCopy& on_copy);

/// Replaces the state in `folder` by a copy of its tables: what free pages take goes back to the disk. Needs room for the
/// copy. Only with no gritd at it: the caller holds its StateLock. Readers in other processes go on reading the old file
/// until they open it anew. A kill at any moment leaves the old state, or the new one.
/// @return {bytes before, bytes after}.
[[nodiscard]] Checked<std::pair<std::uint64_t, std::uint64_t>> compact_state(const std::filesystem::path& folder,
                                                                            const OnCopy& on_copy);

}  // namespace grit::dataset
