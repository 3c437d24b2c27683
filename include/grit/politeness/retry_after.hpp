// Retry-After (RFC 9110 section 10.2.3): what a host asks for, made safe.
#pragma once

#include "grit/base/clock.hpp"

#include <optional>
#include <string_view>

namespace grit::politeness {

/// The longest wait a host can ask for.
inline constexpr Milliseconds kMaxRetryAfter{24 * 3'600'000};

/// Reads a Retry-After value: delay-seconds, or an HTTP-date in any of its three forms.
///
/// A date is measured against the response's own Date where there is one, so that neither clock has to be right.
/// @param value     the field's value as received (hostile).
/// @param date      the response's Date field; may be empty.
/// @param wall_now  our clock, used where Date is missing or malformed.
/// @return the wait, within (0, 24 h]; nothing if it is malformed, zero, negative or past: then our own back-off counts.
[[nodiscard]] std::optional<Milliseconds> retry_after(std::string_view value, std::string_view date, WallTime wall_now);

}  // namespace grit::politeness
