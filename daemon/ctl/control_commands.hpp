// The commands that ask one question of the daemon.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "client.hpp"
#include "output.hpp"

namespace grit::ctl {

/// A command's end: well, or why not.
using Ended = Fallible<void>;

[[nodiscard]] Ended show_status(const Client& client, const Output& output);
[[nodiscard]] Ended show_stats(const Client& client, const Output& output);
/// gritctl's own version, then the daemon's.
[[nodiscard]] Ended show_version(const Client& client, const Output& output);
[[nodiscard]] Ended show_record(const Client& client, const Output& output, const std::string& url);
[[nodiscard]] Ended show_explanation(const Client& client, const Output& output, const std::string& url);
/// @param state  only hosts in it; empty: all.
[[nodiscard]] Ended show_hosts(const Client& client, const Output& output, const std::string& sort, std::size_t limit,
                               const std::string& state);
[[nodiscard]] Ended show_host(const Client& client, const Output& output, const std::string& name);

[[nodiscard]] Ended pause(const Client& client, const Output& output, const std::string& reason);
[[nodiscard]] Ended resume(const Client& client, const Output& output);
[[nodiscard]] Ended drain(const Client& client, const Output& output);
[[nodiscard]] Ended stop(const Client& client, const Output& output);
[[nodiscard]] Ended reload(const Client& client, const Output& output);
[[nodiscard]] Ended set_log_level(const Client& client, const Output& output, const std::string& level);

struct RetryRequest {
    std::vector<std::string> outcomes;
    std::string host;   ///< Empty: of all hosts.
    std::string since;  ///< "2h"; empty: whenever.
    bool dry_run = false;
};
[[nodiscard]] Ended retry(const Client& client, const Output& output, const RetryRequest& request);

}  // namespace grit::ctl
