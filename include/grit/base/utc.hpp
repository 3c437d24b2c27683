// Times as they are written into files: the way back from `format_utc` (quantity.hpp).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace grit {

/// @param text  as `format_utc` writes it: "2026-11-23T05:00:00.123Z".
/// @return ms since 1970; nothing if it is anything else.
[[nodiscard]] std::optional<std::int64_t> parse_utc(std::string_view text);

}  // namespace grit
