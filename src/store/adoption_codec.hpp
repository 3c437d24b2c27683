// The form of a row of the table `adoptions`. Private to the store.
#pragma once

#include <string_view>

#include "grit/store/adoption_rows.hpp"

namespace grit::store {

[[nodiscard]] Result<Adoption> parse_adoption(std::string_view row);

}  // namespace grit::store
