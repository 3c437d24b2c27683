// UTF-8 by code points, for excerpts and captions.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace grit::annotations {

/// Bytes of the well-formed character at the beginning of `text` (not empty); 0 if there is none (RFC 3629 section 4).
[[nodiscard]] std::size_t utf8_length(std::string_view text);

/// The beginning of `text` as valid UTF-8 of at most `max_bytes`; what is no character, and each control character, is
/// shown as U+FFFD.
[[nodiscard]] std::string printable_excerpt(std::string_view text, std::size_t max_bytes);

}  // namespace grit::annotations
