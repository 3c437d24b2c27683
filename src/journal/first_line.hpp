// What a file of the journal says of itself. Private to the module.
#pragma once

#include <optional>
#include <string>

#include "grit/journal/line.hpp"

namespace grit::journal {

/// Its line of kind `begin`; nothing if it has none that can be read.
[[nodiscard]] std::optional<Line> first_line_of(const std::string& path, bool sealed);

}  // namespace grit::journal
