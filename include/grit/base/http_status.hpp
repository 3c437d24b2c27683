// What the refusals of HTTP mean for a URL (RFC 9110, section 15.5).
#pragma once

#include "grit/base/outcome.hpp"

namespace grit {

/// @param status  400 to 499.
[[nodiscard]] Outcome outcome_of_client_error(unsigned status) noexcept;

}  // namespace grit
