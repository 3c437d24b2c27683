// "Did you mean": the known word nearest to a misspelt one.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace grit::ctl {

/// @return the known word with the fewest edits (insert, delete, replace, swap of neighbours), if at most a third of
/// the letters, and at least one, would have to change.
[[nodiscard]] std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& known);

}  // namespace grit::ctl
