// What the state remembers of the clocks (`meta/clock`), so that the next start knows how much time has passed.
#pragma once

#include <cstdint>
#include <string>

#include "grit/store/txn.hpp"

namespace grit::store {

/// The clocks at one moment.
struct ClockRow {
    std::int64_t wall_ms = 0;      ///< The machine's, ms since 1970.
    std::int64_t schedule_ms = 0;  ///< That of scheduled times (crawl/schedule_clock.hpp).
    std::int64_t boot_ms = 0;      ///< Since the machine was started, suspended or not.
    std::string boot_id;           ///< Which start of the machine that was.
    bool operator==(const ClockRow&) const = default;
};

/// Errors: not_found (a state that was made before), corrupt, newer_row, io.
[[nodiscard]] Result<ClockRow> get_clock(const Txn& txn);
[[nodiscard]] Result<void> put_clock(WriteTxn& txn, const ClockRow& row);

}  // namespace grit::store
