// Which classes of hosts hold: those of the file, and those that are shipped with gritd.
//
// Threads: pure functions, from any thread.
#pragma once

#include <vector>

#include "grit/config/config.hpp"

namespace grit::config {

/// The classes of config/cdn_classes.toml, which is compiled in.
[[nodiscard]] std::vector<HostClass> shipped_classes();

/// The classes that hold, each with all of its values.
///
/// The longest suffix decides which one a host is in. Those of the file come first: a shipped class of the same name is
/// left out, and a suffix that the file has is taken from the shipped class. An operator who is stricter than gritd's
/// defaults is so everywhere: then a shipped class allows no more than [politeness] does.
/// @return no suffix twice, no name twice; classes without a suffix of their own are left out.
[[nodiscard]] std::vector<HostClass> classes_in_force(const Politeness& politeness);

/// The config that does the same with every class written out and none shipped: for people, with effective_toml.
[[nodiscard]] Config with_classes_written_out(Config config);

}  // namespace grit::config
