// What a sidecar says of the image beside it, for a record that is made anew. Private to the module.
#pragma once

#include <string_view>

#include "grit/archive/layout.hpp"
#include "grit/base/result.hpp"
#include "grit/store/rows.hpp"

namespace grit::dataset {

/// A record, `stored`, with what the sidecar says: URL, ordinal, digest, and what there is of times and tries. What the bytes
/// say themselves (size, type, width and height) is for the caller.
/// @param text  of any origin. Errors, in words: it is no sidecar of that form, or says of no digest.
[[nodiscard]] Checked<store::Record> record_of_sidecar(archive::Sidecars form, std::string_view text);

}  // namespace grit::dataset
