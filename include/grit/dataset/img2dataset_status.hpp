// What img2dataset says of a URL that it could not get, in gritd's terms.
//
// Its `error_message` is the text of a Python exception: there is no code, and no list of them. Known ones are those of
// urllib, of its own resizer and of its check of X-Robots-Tag (img2dataset 1.47).
#pragma once

#include <optional>
#include <string_view>

#include "grit/base/outcome.hpp"

namespace grit::dataset {

/// The outcome of a failure that asking again would not change: the server has answered that there is nothing, or nothing
/// for us. Nothing for all others (names, connections, certificates, time-outs, 429 and 5xx, and what its image library could
/// not read): gritd asks for itself.
[[nodiscard]] std::optional<Outcome> final_outcome_of(std::string_view error_message) noexcept;

}  // namespace grit::dataset
