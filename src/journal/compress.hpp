// zstd, a file at a time. Private to the module.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "grit/base/result.hpp"

namespace grit::journal {

/// Writes the first `bytes` of a file as one frame with its length and a checksum, and syncs it.
/// @return bytes written. Errors: those of the system (generic category); ENODATA if the file is shorter.
[[nodiscard]] Result<std::uint64_t> compress_file(const std::string& from, std::uint64_t bytes, const std::string& to);

/// How long what a frame holds is, as it says of itself; nothing if it does not.
[[nodiscard]] std::optional<std::uint64_t> content_bytes(const std::string& path);

/// Reads a file that may be compressed, piece by piece.
/// @param take  gets each piece; false ends it.
/// Errors, in words: it can not be read; it is damaged or cut short (what came until then was handed on).
[[nodiscard]] Checked<void> read_file(const std::string& path, bool compressed, const std::function<bool(std::string_view)>& take);

}  // namespace grit::journal
