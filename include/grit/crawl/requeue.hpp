// An operator's retry: settled URLs without an image are asked again.
#pragma once

#include "grit/base/clock.hpp"
#include "grit/base/log.hpp"
#include "grit/base/outcome.hpp"
#include "grit/base/result.hpp"
#include "grit/crawl/settlement.hpp"
#include "grit/politeness/block.hpp"
#include "grit/store/env.hpp"
#include "grit/store/tables.hpp"
#include "grit/store/writer.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace grit::journal {
class Journal;
}

namespace grit::crawl {

/// Which URLs are to be asked again.
struct RequeueFilter {
    std::vector<Outcome> outcomes;
    std::optional<HostId> host;
    std::int64_t since_ms = 0;  ///< asked last, or given up with their host, at or after this wall time
    bool dry_run = false;
    /// Only records that this block has ended; their hosts' pace and back-off, and whether they are given up, stay as
    /// they are.
    std::optional<politeness::Block> ended_by = std::nullopt;
};

/// Told of what is in the state again. Called on the thread of `Requeue::run`.
class RequeueListener {
  public:
    virtual ~RequeueListener() = default;
    /// @param records  that wait for a retry, due now.
    /// @param hosts  whose URLs these are, to be forgiven, each with the lines that had ended with it and are pending
    ///               again (none, as a rule).
    virtual void put_back(std::uint64_t records, const std::vector<LinesBack>& hosts) = 0;
};

/// Walks over all records and hosts, in short transactions, and puts back what the filter chooses, in portions: results
/// are committed in between, and a kill leaves the portions that were written.
///
/// A host that was given up is asked again as a whole, if it was given up as one of the outcomes or one of its records is
/// put back: half of it would end again at once.
/// Threads: one that may block. Lifetime: all that it is given outlives it.
class Requeue {
  public:
    /// @param schedule  of when they are asked again (ScheduleClock).
    /// @param cancelled  looked at between portions: ends the walk.
    /// @param journal  nothing: none is written.
    Requeue(store::Env& env, store::Writer& writer, const Clock& clock, const Clock& schedule, const Logger& log, RequeueListener& listener,
            const std::atomic<bool>& cancelled, journal::Journal* journal = nullptr, std::size_t portion = 10'000)
        : env_(env),
          writer_(writer),
          clock_(clock),
          schedule_(schedule),
          log_(log),
          listener_(listener),
          cancelled_(cancelled),
          journal_(journal),
          portion_(portion) {}

    /// @return how many URLs were put back; with `dry_run`, how many would be.
    [[nodiscard]] Checked<std::uint64_t> run(const RequeueFilter& filter);

  private:
    struct Portion {
        std::vector<HostId> hosts;              // that were given up as one of the outcomes
        std::vector<store::RecordKey> records;  // ascending
        [[nodiscard]] std::size_t size() const { return hosts.size() + records.size(); }
    };
    // A walk over one table, one short transaction at a time.
    struct Walk {
        store::Table table;
        std::string from;
        bool ended = false;
    };
    [[nodiscard]] Checked<std::uint64_t> walk(Walk walk, const RequeueFilter& filter);
    [[nodiscard]] Result<void> go_on(Walk& walk, const RequeueFilter& filter, Portion& portion) const;
    // @return false where the walk ends.
    bool look_at_host(const RequeueFilter& filter, std::string_view key, std::string_view value, Portion& portion) const;
    bool look_at_record(const RequeueFilter& filter, std::string_view key, std::string_view value, Portion& portion) const;
    [[nodiscard]] Result<std::uint64_t> count(const Portion& portion);
    [[nodiscard]] Result<std::uint64_t> put_back(const RequeueFilter& filter, const Portion& portion);
    [[nodiscard]] Result<std::uint64_t> put_back_records(store::WriteTxn& txn, store::Totals& totals,
                                                         std::span<const store::RecordKey> keys);
    [[nodiscard]] Result<LinesBack> put_back_host(store::WriteTxn& txn, store::Totals& totals, HostId host,
                                                  std::uint64_t records, bool forgiven);
    void damaged(store::Table table, const ErrorCode& error) const;

    store::Env& env_;
    store::Writer& writer_;
    const Clock& clock_;
    const Clock& schedule_;
    const Logger& log_;
    RequeueListener& listener_;
    const std::atomic<bool>& cancelled_;
    journal::Journal* journal_;
    std::size_t portion_;
    std::vector<std::string> lines_;       // for the journal, of one transaction
    std::unordered_set<HostId> counted_;  // hosts whose lines a dry run has counted
};

}  // namespace grit::crawl
