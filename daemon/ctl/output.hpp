// Where a command writes: data to standard output, messages to standard error.
#pragma once

#include <cstddef>
#include <iosfwd>
#include <string_view>

#include "failure.hpp"

namespace grit::ctl {

/// What standard output is, decided once at start.
struct Output {
    std::ostream& out;
    std::ostream& err;
    bool json = false;         ///< --json: one document, for programs.
    bool terminal = false;     ///< `out` is a terminal that understands cursor movement.
    bool color = false;        ///< A terminal, and NO_COLOR (no-color.org) is unset.
    std::size_t columns = 80;  ///< Of the terminal.
};

/// The process's own standard streams.
[[nodiscard]] Output standard_output();

/// Writes "gritctl: WHAT" and the hint to `err`.
/// @return the failure's exit code.
int report(const Output& output, const Failure& failure);

}  // namespace grit::ctl
