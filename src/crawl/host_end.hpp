// What it does to the counters when lines end with their host, and when they come back.
//
// Such a line has no record: it lies in its block as before, its host's row says how many there are and as what they
// ended. So however many they are, they end and come back by one row and the totals.
#pragma once

#include "grit/crawl/settlement.hpp"
#include "grit/store/rows.hpp"

#include <cstdint>

namespace grit::crawl {

/// The host is given up as `as` (store::kNotGone: it is not), and `ended` more of its lines end so. Those that ended
/// before end so, too: a host has one outcome at a time.
/// @return those that are pending again: all that had ended, if it is not given up (any more).
LinesBack set_host_end(HostId host, store::HostRow& row, store::Totals& totals, std::uint8_t as, std::uint64_t ended,
                       std::int64_t now_ms);

}  // namespace grit::crawl
