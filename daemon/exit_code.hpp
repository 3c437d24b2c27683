// How gritd ends (sysexits(3) where it fits; docs/design.md, contracts).
#pragma once

namespace grit::daemon {

enum class ExitCode : int {
    clean = 0,
    unsettled = 7,  ///< --once: some annotations wait for a later retry
    usage = 64,
    io = 74,
    try_again = 75,  ///< another daemon holds the state, a volume is not there
    config = 78,
};

}  // namespace grit::daemon
