// Turns settlements into rows, inside one transaction.
#pragma once

#include "grit/base/clock.hpp"
#include "grit/base/log.hpp"
#include "grit/crawl/settlement.hpp"
#include "grit/frontier/host_table.hpp"
#include "grit/store/tables.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace grit::crawl {

/// Where an image's bytes are, for its record.
struct Placed {
    std::string location;  ///< relative to the root
    bool duplicate = false;
};

/// Writes rows of one group. Counters and host rows are gathered and written by `finish`.
///
/// A row of a record, a host or a block's progress that was damaged counts as one that is not there, and is written anew:
/// what it said is lost, which the log says, but not the commit, which would meet it again each time.
/// Lifetime: of one transaction. Errors of all: those of the store.
class RecordWriter {
  public:
    /// @param journal         whether lines for the outcome journal are wanted.
    /// @param dedupe_content  the digests of new images are to be found later.
    RecordWriter(store::WriteTxn& txn, const frontier::HostTable& hosts, WallTime now, const Logger& log, bool journal = false,
                 bool dedupe_content = true)
        : txn_(txn), hosts_(hosts), now_(now), log_(log), dedupe_content_(dedupe_content), journal_(journal) {}

    [[nodiscard]] Result<void> begin();
    [[nodiscard]] Result<void> settle(const Settlement& settlement, const Placed& placed);
    [[nodiscard]] Result<void> note(HostId host, const HostNote& note);
    [[nodiscard]] Result<void> note_site(const store::OriginKey& origin, const store::SiteRow& row);
    [[nodiscard]] Result<void> finish();

    /// Change of the number of rows in `retries`.
    [[nodiscard]] std::int64_t waiting_change() const noexcept { return waiting_change_; }
    /// What had ended with its host and is pending again, by the notes of hosts that are not given up any more.
    [[nodiscard]] std::vector<LinesBack> take_lines_back() noexcept { return std::move(lines_back_); }
    /// Of what was settled and noted, for the outcome journal.
    [[nodiscard]] const std::vector<std::string>& journal_lines() const noexcept { return journal_lines_; }

  private:
    [[nodiscard]] Result<void> settle_duplicate(const Settlement& settlement);
    [[nodiscard]] Result<void> settle_record(const Settlement& settlement, const Placed& placed);
    [[nodiscard]] Result<void> take_line(const frontier::LineRef& line);
    [[nodiscard]] Result<void> advance_cursor(store::HostRow& row, const store::QueueKey& finished);
    [[nodiscard]] Result<store::HostRow*> host(HostId id);
    [[nodiscard]] bool is_damage(const ErrorCode& error, std::string_view table, std::string_view key) const;

    store::WriteTxn& txn_;
    const frontier::HostTable& hosts_;
    WallTime now_;
    const Logger& log_;
    bool dedupe_content_;
    store::Totals totals_;
    bool has_adoptions_ = false;
    std::unordered_map<HostId, store::HostRow> rows_;
    std::int64_t waiting_change_ = 0;
    std::vector<LinesBack> lines_back_;
    bool journal_;
    std::vector<std::string> journal_lines_;
};

/// What `RecordWriter::journal_lines` begins with if, as always but after damage or a rebuild, the state knows no more of
/// these URLs than their tasks do.
[[nodiscard]] std::vector<std::string> expected_journal_lines(std::span<const Settlement> results, std::span<const Placed> placed,
                                                              const frontier::HostTable& hosts, WallTime now);

}  // namespace grit::crawl
