// A host whose row was damaged, known again from what else the state has of it. Private to the module.
#pragma once

#include "grit/frontier/queue_census.hpp"
#include "grit/store/tables.hpp"

#include <cstdint>
#include <optional>

namespace grit::crawl {

/// The host's name is that of its records' URLs; what it has left is counted in its blocks. Its pace, its back-off and
/// whether it was given up are not known any more.
/// @param not_before_ms  when it may be asked again: what it had asked for is not known.
/// @return nothing if no record tells its name.
[[nodiscard]] Result<std::optional<store::HostRow>> mend_host(const store::Txn& txn, HostId host,
                                                              const frontier::QueuedLines& queued,
                                                              std::int64_t not_before_ms);

}  // namespace grit::crawl
