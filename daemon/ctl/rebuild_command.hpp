// `gritctl rebuild`: a state that was lost, made anew of the journal and the images.
#pragma once

#include <string>
#include <vector>

#include "control_commands.hpp"

namespace grit::ctl {

/// @param config  of the dataset.
/// @param lost    volumes that are gone for good. Failures: failed, where a gritd uses the state, or one is there that opens; usage.
[[nodiscard]] Ended rebuild(const Output& output, const std::string& config, const std::vector<std::string>& lost);

}  // namespace grit::ctl
