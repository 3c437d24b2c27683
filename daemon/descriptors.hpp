// How many files and sockets this process may have open, and what that allows.
#pragma once

#include <cstdint>

namespace grit::daemon {

/// Raises the soft limit of open descriptors to the hard one (a plain shell gives 1,024).
/// @return the limit that is in force.
std::uint64_t raise_descriptor_limit();

/// Fetches at a time for which descriptors will do: each may hold a connection, a temporary file and, for the next
/// one, an idle connection; some are kept for the state, the listeners and the name servers' sockets.
[[nodiscard]] std::uint32_t fetches_within(std::uint64_t descriptors);

}  // namespace grit::daemon
