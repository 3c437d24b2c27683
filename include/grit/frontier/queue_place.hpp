// How far down its host's queue a URL lies that is not in memory yet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "grit/base/ids.hpp"
#include "grit/store/queue_block.hpp"
#include "grit/store/tables.hpp"
#include "grit/store/txn.hpp"

namespace grit::frontier {

/// Which lines are looked through: those of one host from a block on, in the order in which they are asked.
struct QueueStretch {
    HostId host = kNoHost;
    std::string_view name;  ///< of that host
    RunId run = 0;
    std::uint32_t block = 0;
    RunId last_run = 0;
    /// Bounds the time: a block of up to 128 lines takes about 0.2 ms to unpack and to clean.
    std::size_t most_blocks = 64;
};

struct QueuePlace {
    std::optional<std::uint64_t> ahead;  ///< lines before it; nothing if it is not among those looked at
    std::uint64_t looked_at = 0;
    bool to_the_end = false;  ///< there are no more lines of that host
};

/// Reads the state. Errors: those of the store; a block that is damaged is passed over.
[[nodiscard]] Result<QueuePlace> place_in_queue(const store::ReadTxn& txn, const QueueStretch& stretch,
                                               const UrlHash& wanted);

}  // namespace grit::frontier
