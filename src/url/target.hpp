// Path and query of a URL in canonical form.
#pragma once

#include <string>
#include <string_view>

namespace grit::url {

/// Cuts the fragment off and undoes HTML's escapes of "&" ("&amp;", "&#38;", "&#038;", "&#x26;"), which would
/// otherwise begin one.
[[nodiscard]] std::string without_fragment(std::string_view raw);

/// Appends the canonical target, beginning with "/".
/// @param raw all that follows the authority, from `without_fragment`; time is linear in its size.
void append_target(std::string& out, std::string_view raw);

}  // namespace grit::url
