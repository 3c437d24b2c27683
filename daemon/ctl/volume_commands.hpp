// `gritctl volumes`: the image volumes, and giving up one that is lost.
#pragma once

#include <boost/json/array.hpp>
#include <string>

#include "control_commands.hpp"

namespace grit::ctl {

/// The table for people. @param volumes  as /v1/volumes has them.
[[nodiscard]] std::string render_volumes(const boost::json::array& volumes);

[[nodiscard]] Ended show_volumes(const Client& client, const Output& output);

/// A volume does not come back: what it held is asked for again.
/// @param config  empty: the daemon begins it at once. Else: noted in the state of that config, whose gritd must not run; its
///                next start begins it.
/// Failures besides the usual: failed, where it is not out, or there is none of that name.
[[nodiscard]] Ended give_up_volume(const Client& client, const Output& output, const std::string& name, const std::string& config);

}  // namespace grit::ctl
