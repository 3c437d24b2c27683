// What was asked for on the command line, and doing it.
#pragma once

#include "output.hpp"

namespace grit::ctl {

/// The whole of gritctl.
/// @param argv  of main().
/// @return the exit code.
[[nodiscard]] int run(int argc, const char* const* argv, Output output);

}  // namespace grit::ctl
