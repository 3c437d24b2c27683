// `gritctl adopt`: what img2dataset has fetched is taken over.
#pragma once

#include <string>

#include "control_commands.hpp"

namespace grit::ctl {

struct AdoptCommand {
    std::string folder;    ///< Empty: only look how far it is.
    std::string failures;  ///< Empty: none.
    std::string config;    ///< To list what waits: of the dataset.
    bool no_hard_links = false;
    bool forget = false;   ///< What was noted and waits for its URLs is given up.
    bool force = false;    ///< Even while URLs are left that it may be for.
    bool waiting = false;  ///< List it by shards; no daemon is needed.
    bool stop = false;     ///< End the one under way.
};
/// Begins it, or the forgetting, shows how far it is, and ends it if interrupted (SIGINT, SIGTERM).
[[nodiscard]] Ended adopt(const Client& client, const Output& output, const AdoptCommand& command);

}  // namespace grit::ctl
