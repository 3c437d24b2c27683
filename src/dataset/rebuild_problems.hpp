// What may end any step of a rebuild, in words. Private to the module.
#pragma once

#include "grit/base/result.hpp"

namespace grit::dataset {

[[nodiscard]] inline Problem new_state_unreadable(const ErrorCode& error) { return Problem{"the new state can not be read: " + error.message()}; }
[[nodiscard]] inline Problem new_state_unwritable(const ErrorCode& error) { return Problem{"the new state can not be written: " + error.message()}; }
/// By whoever ordered it.
[[nodiscard]] inline Problem rebuild_ended() { return Problem{"ended: nothing was put in place"}; }

}  // namespace grit::dataset
