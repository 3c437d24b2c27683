// `gritctl watch`: the daemon's events as they come, until it ends.
#pragma once

#include <chrono>

#include "control_commands.hpp"

namespace grit::ctl {

/// On a terminal: one block that is redrawn. Else: a plain line each `interval`, the first at once and one at the end.
/// With --json: each event as it comes, one per line.
/// @return well when the daemon ended by itself; not_running if it went away without a word.
[[nodiscard]] Ended watch(const Client& client, const Output& output, std::chrono::milliseconds interval);

}  // namespace grit::ctl
