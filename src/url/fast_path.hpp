// URLs that are canonical as they are, or nearly: nine in ten of a real list.
#pragma once

#include <optional>
#include <string_view>

#include "grit/url/canonical_url.hpp"

namespace grit::url {

/// Reads a URL that needs no change but perhaps a "/" at its end. Decides nothing: where it gives nothing, the URL
/// takes the long way, and where it gives a URL, the long way would give the same (a test and a fuzz target hold it
/// to that).
[[nodiscard]] std::optional<CanonicalUrl> canonicalize_plain(std::string_view raw);

/// The long way, for every URL.
[[nodiscard]] Result<CanonicalUrl> canonicalize_any(std::string_view raw);

}  // namespace grit::url
