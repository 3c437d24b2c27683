// Which files the patterns of the config name.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "grit/base/result.hpp"

namespace grit::annotations {

/// Turns paths, globs (glob(7)) and "-" into a list of inputs.
///
/// The order of the patterns is kept, the matches of one pattern are sorted bytewise; a path that comes twice counts
/// once. A path that exists is taken as it is, whatever characters it has. Folders that a glob matches are left out.
/// Errors: a pattern matches nothing, a path is a folder, a folder can not be read. Every such pattern is named.
[[nodiscard]] Checked<std::vector<std::string>> expand_inputs(std::span<const std::string> patterns);

}  // namespace grit::annotations
