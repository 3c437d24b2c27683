// `gritctl block`, `unblock`, `blocks` and `optout`: what is not to be asked, and what is not to be kept.
#pragma once

#include <string>
#include <vector>

#include "control_commands.hpp"

namespace grit::ctl {

/// @param words  a value, or a kind (host, domain, cidr, pattern) and a value.
/// Failures besides the usual: usage, for a first word of two that is no kind.
[[nodiscard]] Ended block(const Client& client, const Output& output, const std::vector<std::string>& words,
                          const std::string& reason);
/// Not found: that is not blocked.
[[nodiscard]] Ended unblock(const Client& client, const Output& output, const std::vector<std::string>& words);
[[nodiscard]] Ended show_blocks(const Client& client, const Output& output);

struct OptOutCommand {
    std::string domain;
    std::string reason;
    bool erase = false;
    bool dry_run = false;
};
/// Begins an opt-out and waits for its end. The daemon goes on with it if gritctl is interrupted.
[[nodiscard]] Ended opt_out(const Client& client, const Output& output, const OptOutCommand& command);

}  // namespace grit::ctl
