// How a state's file comes to be, and how it is taken over from an earlier life: so that neither a crash nor a disk that
// failed leaves a file that says one thing in memory and another one on the disk.
#pragma once

#include <filesystem>
#include <functional>

#include "data_file.hpp"
#include "grit/base/result.hpp"

namespace grit::store {

/// Makes DIR/data.mdb durably, whole or not at all: `fill` makes it in a folder aside, and leaves it closed and synced.
/// What a crash left of that is removed first.
[[nodiscard]] Checked<void> make_aside(const std::filesystem::path& dir,
                                       const std::function<Checked<void>(const std::filesystem::path&)>& fill);

/// Makes the disk's header pages those that the system shows.
///
/// When the disk refuses a header, LMDB puts the old one back into the page cache, and nobody knows which of the two the disk
/// has. If it has the new one, that one's pages would be written over as free ones, and a power cut would bring it back. So
/// both are written again as they are read here, and synced, before anything else is done with the file.
/// No other process may write the state meanwhile (`StateLock`).
[[nodiscard]] Checked<void> settle_headers(const std::filesystem::path& file, const DataFile& found);

}  // namespace grit::store
