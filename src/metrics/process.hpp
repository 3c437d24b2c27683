// The process_* families, by the names that every Prometheus client uses.
#pragma once

#include "family_list.hpp"
#include "grit/base/clock.hpp"

namespace grit::metrics {

/// Adds them. What can not be read (no /proc) is left out rather than shown as 0.
void add_process_families(FamilyList& list, WallTime started);

}  // namespace grit::metrics
