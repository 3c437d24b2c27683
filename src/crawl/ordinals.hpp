// Which ordinal a line of an input has. Private to the module.
#pragma once

#include "grit/store/rows.hpp"

#include <cstdint>
#include <vector>

namespace grit::crawl {

/// The ordinal that this line had in an earlier life of the state, else the next one, which it keeps.
/// @param extents  of its input; lines come in ascending order.
/// @param next     the lowest ordinal that no line of any input has.
[[nodiscard]] Ordinal take_ordinal(std::vector<store::OrdinalExtent>& extents, std::uint64_t line, Ordinal& next);

/// Whether lines that are still to be read have their ordinals already: the state was made anew (a rebuild).
[[nodiscard]] bool has_lines_again(const store::InputRow& input);

}  // namespace grit::crawl
