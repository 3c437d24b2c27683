// Byte sizes and durations as people write them: "20GiB", "30s".
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace grit {

/// Reads "512", "64KiB", "1.5GiB" (B, KiB, MiB, GiB, TiB; KB, MB, GB, TB are powers of ten).
/// @return bytes; nothing if it is not such a size, or beyond 2^63.
[[nodiscard]] std::optional<std::uint64_t> parse_byte_size(std::string_view text);

/// Reads "250ms", "30s", "1.5m", "2h", "1d", and "0". A bare number other than 0 has no unit and is refused.
/// @return the duration, never negative; nothing if it is not such a text, or beyond 100 years.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

/// "388.0 GiB", "17 B": for people.
[[nodiscard]] std::string format_byte_size(std::uint64_t bytes);

/// "1d2h", "5h36m", "42s", "250ms": for people, the two largest units.
[[nodiscard]] std::string format_duration(std::chrono::milliseconds duration);

/// "2026-11-23T05:00:00.123Z" of a wall time in milliseconds since 1970.
[[nodiscard]] std::string format_utc(std::int64_t unix_ms);

}  // namespace grit
