// From what an operator wrote to what the frontier goes by.
#pragma once

#include "grit/base/clock.hpp"
#include "grit/config/config.hpp"
#include "grit/politeness/host_classes.hpp"

#include <span>

namespace grit::crawl {

/// The manners of [politeness] and of every class that holds.
/// @param down_schedule  outlives what is returned.
[[nodiscard]] politeness::HostClasses host_classes_of(const config::Config& config,
                                                      std::span<const Milliseconds> down_schedule);

}  // namespace grit::crawl
