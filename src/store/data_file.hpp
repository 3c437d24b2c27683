// Looks at an LMDB file from outside before LMDB maps it: LMDB trusts the file, and a page that is missing from it is
// a SIGBUS.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "grit/base/result.hpp"

struct MDB_env;

namespace grit::store {

struct DataFile {
    bool exists = false;  ///< And has a first page.
    std::uint64_t file_bytes = 0;
    std::uint64_t needed_bytes = 0;  ///< What the newest header page speaks of.
    std::uint32_t page_bytes = 0;

    /// The file ends before its last page. Damage, unless all missing pages are free ones: LMDB does not write pages
    /// that a transaction both took and freed.
    [[nodiscard]] bool is_short() const noexcept { return file_bytes < needed_bytes; }
};

/// What to do about a state that is not whole.
inline constexpr std::string_view kStateRemedy =
    "Restore the state folder from a backup (gritctl backup makes them), or have gritctl rebuild make it anew";

/// Reads both header pages. @return what they say; a Problem where they are no LMDB 0.9 headers.
[[nodiscard]] Checked<DataFile> inspect_data_file(const std::filesystem::path& file);

/// True if every page from `first` to the end is in the free list of an opened environment.
[[nodiscard]] bool pages_are_free(MDB_env* env, const DataFile& file);

/// The Problem for a folder on a file system without working shared maps and locks (NFS, CIFS, Lustre, ...).
[[nodiscard]] Checked<void> refuse_network_file_system(const std::filesystem::path& dir);

}  // namespace grit::store
