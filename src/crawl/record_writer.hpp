// Turns settlements into rows, inside one transaction.
#pragma once

#include "grit/base/clock.hpp"
#include "grit/crawl/settlement.hpp"
#include "grit/frontier/host_table.hpp"
#include "grit/store/tables.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

namespace grit::crawl {

/// Where an image's bytes are, for its record.
struct Placed {
    std::string location;  ///< relative to the root
    bool duplicate = false;
};

/// Writes rows of one group. Counters and host rows are gathered and written by `finish`.
///
/// Lifetime: of one transaction. Errors of all: those of the store.
class RecordWriter {
  public:
    RecordWriter(store::WriteTxn& txn, const frontier::HostTable& hosts, WallTime now) : txn_(txn), hosts_(hosts), now_(now) {}

    [[nodiscard]] Result<void> begin();
    [[nodiscard]] Result<void> settle(const Settlement& settlement, const Placed& placed);
    [[nodiscard]] Result<void> note(HostId host, const HostNote& note);
    [[nodiscard]] Result<void> note_site(const store::OriginKey& origin, const store::SiteRow& row);
    [[nodiscard]] Result<void> finish();

    /// Change of the number of rows in `retries`.
    [[nodiscard]] std::int64_t waiting_change() const noexcept { return waiting_change_; }

  private:
    [[nodiscard]] Result<void> settle_duplicate(const Settlement& settlement);
    [[nodiscard]] Result<void> settle_record(const Settlement& settlement, const Placed& placed);
    [[nodiscard]] Result<void> map_urls(const store::RecordKey& key, const store::Record& record);
    [[nodiscard]] Result<void> take_line(const frontier::LineRef& line);
    [[nodiscard]] Result<void> advance_cursor(store::HostRow& row, const store::QueueKey& finished);
    [[nodiscard]] Result<store::HostRow*> host(HostId id);

    store::WriteTxn& txn_;
    const frontier::HostTable& hosts_;
    WallTime now_;
    store::Totals totals_;
    std::unordered_map<HostId, store::HostRow> rows_;
    std::int64_t waiting_change_ = 0;
};

}  // namespace grit::crawl
