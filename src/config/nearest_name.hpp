// "Did you mean": the known name that a misspelt one is closest to.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace grit::config {

/// @return the known name with the fewest edits (insert, delete, replace, swap of neighbours) if those are few enough
///         to be a slip: at most 2, or a third of the name. Case does not count, nor does "-" for "_".
[[nodiscard]] std::optional<std::string_view> nearest_name(std::string_view name,
                                                           std::span<const std::string_view> known);

}  // namespace grit::config
