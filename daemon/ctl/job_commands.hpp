// `gritctl verify` and `backup`: long jobs that the daemon does, watched until they end; and `compact`, which needs none.
#pragma once

#include <cstdint>
#include <string>

#include "control_commands.hpp"

namespace grit::ctl {

struct VerifyCommand {
    std::uint64_t sample = 0;  ///< 0: all.
    bool repair = false;
    bool stop = false;  ///< End the one under way.
};
/// Begins it, shows how far it is, and ends it if interrupted (SIGINT, SIGTERM).
/// Failures besides the usual: failed, where an image is broken and not asked for again.
[[nodiscard]] Ended verify(const Client& client, const Output& output, const VerifyCommand& command);

struct BackupCommand {
    std::string folder;
    std::string config;  ///< Without a daemon, from the state of that config.
    bool stop = false;
};
/// As `verify`.
[[nodiscard]] Ended backup(const Client& client, const Output& output, const BackupCommand& command);

/// Writes the state of that config anew, without its free pages. Failures: failed, where a gritd uses it.
[[nodiscard]] Ended compact(const Output& output, const std::string& config);

}  // namespace grit::ctl
