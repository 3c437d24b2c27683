// The blocks of one host over many runs, in the order of the queue.
#pragma once

#include "grit/store/tables.hpp"

namespace grit::store {

/// The first block of `from.host` at or behind that place, in runs up to `last_run`. One lookup per run without such a block.
/// Errors besides those of tables.hpp: not_found, there is none.
[[nodiscard]] Result<QueueKey> next_block_of_runs(const Txn& txn, const QueueKey& from, RunId last_run);

}  // namespace grit::store
