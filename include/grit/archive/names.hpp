// What an image is called under the root.
#pragma once

#include <string>
#include <string_view>

#include "grit/base/ids.hpp"

namespace grit::archive {

/// Ordinals per shard folder: small enough for `ls`, large enough to keep folders few.
inline constexpr Ordinal kShardSize = 10'000;

/// Layout `files`: "00012/000120005.jpg", a five-digit shard of 10,000 and a nine-digit ordinal. Wider numbers just
/// grow. The form is a public promise.
/// @param extension without the dot, by what the bytes are.
[[nodiscard]] std::string path_for(Ordinal ordinal, std::string_view extension);

/// The name of the volume that a location begins with, of several (volumes.hpp): they begin with a letter, shards with a
/// digit. Empty: it is on the first one.
[[nodiscard]] std::string_view volume_of(std::string_view location) noexcept;

}  // namespace grit::archive
