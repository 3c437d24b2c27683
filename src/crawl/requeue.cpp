#include "grit/crawl/requeue.hpp"

#include "host_end.hpp"
#include "journal_lines.hpp"

#include "grit/journal/data.hpp"
#include "grit/store/codec.hpp"
#include "grit/store/error.hpp"

#include <algorithm>
#include <utility>

namespace grit::crawl {
namespace {

// Rows looked at in one reading transaction: a few milliseconds.
constexpr std::size_t kRowsAtOnce = 2'048;

bool is_among(const std::vector<Outcome>& outcomes, std::optional<Outcome> outcome) {
    return outcome && std::find(outcomes.begin(), outcomes.end(), *outcome) != outcomes.end();
}

}  // namespace

Checked<std::uint64_t> Requeue::run(const RequeueFilter& filter) {
    counted_.clear();
    const std::string from = filter.host ? store::host_key(*filter.host) : std::string();
    // Hosts first: their records are put back with them, or found to be.
    const auto hosts = filter.ended_by ? Checked<std::uint64_t>(0) : walk(Walk{store::Table::hosts, from}, filter);
    if (!hosts) {
        return hosts;
    }
    const auto records = walk(Walk{store::Table::records, from}, filter);
    return records ? Checked<std::uint64_t>(*hosts + *records) : records;
}

Checked<std::uint64_t> Requeue::walk(Walk walk, const RequeueFilter& filter) {
    std::uint64_t all = 0;
    while (!walk.ended) {
        Portion portion;
        while (!walk.ended && portion.size() < portion_) {
            if (cancelled_) {
                return Problem{"the daemon is stopping; what was put back until now stays so"};
            }
            if (const auto looked = go_on(walk, filter, portion); !looked) {
                return store::unreadable(looked.error());
            }
        }
        const auto done = filter.dry_run ? count(portion) : put_back(filter, portion);
        if (!done) {
            return store::unwritable(done.error());
        }
        all += *done;
    }
    return all;
}

// The next rows of the table. Never while something is written: the writer may wait for readers.
Result<void> Requeue::go_on(Walk& walk, const RequeueFilter& filter, Portion& portion) const {
    const auto txn = env_.read();
    if (!txn) {
        return txn.error();
    }
    std::size_t seen = 0;
    walk.ended = true;
    const auto visit = [&](std::string_view key, std::string_view value) {
        if (seen++ == kRowsAtOnce) {
            walk.from = key;
            walk.ended = false;
            return false;
        }
        return walk.table == store::Table::hosts ? look_at_host(filter, key, value, portion)
                                                 : look_at_record(filter, key, value, portion);
    };
    return store::for_each(*txn, walk.table, visit, walk.from);
}

bool Requeue::look_at_host(const RequeueFilter& filter, std::string_view key, std::string_view value, Portion& portion) const {
    const HostId host = store::Decoder(key).be32();
    if (filter.host && host != *filter.host) {
        return false;
    }
    const auto row = store::decode_host(value);
    if (!row) {
        damaged(store::Table::hosts, row.error());
    } else if (is_among(filter.outcomes, outcome_of_number(row->gone_as)) && row->gone_ms >= filter.since_ms) {
        portion.hosts.push_back(host);
    }
    return true;
}

bool Requeue::look_at_record(const RequeueFilter& filter, std::string_view key, std::string_view value,
                             Portion& portion) const {
    const auto parsed = store::parse_record_key(key);
    if (parsed && filter.host && parsed->host != *filter.host) {
        return false;
    }
    const auto record = store::decode_record(value);
    if (!parsed || !record) {
        damaged(store::Table::records, parsed ? record.error() : parsed.error());
    } else if (!record->waiting && record->location.empty() && parsed->host != kNoHost &&
               record->last_ms >= filter.since_ms && is_among(filter.outcomes, record->outcome) &&
               (!filter.ended_by || politeness::is_detail_of(*filter.ended_by, record->detail))) {
        portion.records.push_back(*parsed);
    }
    return true;
}

// What `put_back` would.
Result<std::uint64_t> Requeue::count(const Portion& portion) {
    const auto txn = env_.read();
    if (!txn) {
        return txn.error();
    }
    std::vector<HostId> hosts = portion.hosts;
    for (const store::RecordKey& key : portion.records) {
        hosts.push_back(key.host);
    }
    std::uint64_t urls = portion.records.size();
    for (const HostId host : hosts) {
        const auto row = counted_.insert(host).second ? store::get_host(*txn, host) : Result<store::HostRow>(store::HostRow());
        urls += row ? row->gone_lines : 0;
    }
    return urls;
}

Result<std::uint64_t> Requeue::put_back(const RequeueFilter& filter, const Portion& portion) {
    std::uint64_t records = 0;
    std::vector<LinesBack> hosts;
    const auto write = [&](store::WriteTxn& txn) -> Result<void> {
        records = 0;
        hosts.clear();
        lines_.clear();
        auto totals = store::get_totals(txn);
        if (!totals) {
            return totals.error();
        }
        const auto take = [&](HostId host, std::span<const store::RecordKey> keys) -> Result<void> {
            const auto put = put_back_records(txn, *totals, keys);
            const auto back = put ? put_back_host(txn, *totals, host, *put, !filter.ended_by) : Result<LinesBack>(put.error());
            if (!back) {
                return back.error();
            }
            records += *put;
            if (!filter.ended_by) {
                hosts.push_back(*back);
            }
            return {};
        };
        for (const HostId host : portion.hosts) {
            if (const auto taken = take(host, {}); !taken) {
                return taken;
            }
        }
        for (auto of_host = portion.records.begin(); of_host != portion.records.end();) {
            const auto next = std::find_if(of_host, portion.records.end(),
                                           [&](const store::RecordKey& key) { return key.host != of_host->host; });
            if (const auto taken = take(of_host->host, std::span(of_host, next)); !taken) {
                return taken;
            }
            of_host = next;
        }
        const auto put = store::put_totals(txn, *totals);
        return put ? write_lines(journal_, txn, lines_) : put;
    };
    if (portion.size() == 0) {
        return 0;
    }
    if (const auto written = writer_.transact(write); !written) {
        return written.error();
    }
    listener_.put_back(records, hosts);
    std::uint64_t urls = records;
    for (const LinesBack& back : hosts) {
        urls += back.lines;
    }
    return urls;
}

// Settled records become waiting ones, due now. @return how many there were.
Result<std::uint64_t> Requeue::put_back_records(store::WriteTxn& txn, store::Totals& totals,
                                                std::span<const store::RecordKey> keys) {
    std::uint64_t count = 0;
    const auto host = journal_ != nullptr && !keys.empty() ? store::get_host(txn, keys.front().host) : Result<store::HostRow>(store::HostRow());
    const std::int64_t due = schedule_.wall_now().time_since_epoch().count();
    for (const store::RecordKey& key : keys) {
        auto record = store::get_record(txn, key);
        if (!record || record->waiting || !record->location.empty()) {
            continue;  // it has changed since the look
        }
        std::uint64_t& settled = totals.outcomes[index_of(record->outcome)];
        settled -= settled > 0 ? 1 : 0;
        record->waiting = true;
        record->attempts = 0;
        record->due_ms = due;
        ++count;
        if (journal_ != nullptr && host) {
            lines_.push_back(record_line(journal::Kind::retry, host->name, *record, due));
        }
        if (const auto put = store::put_retry(txn, store::RetryKey{due, key}, record->outcome); !put) {
            return put.error();
        }
        if (const auto put = store::put_record(txn, key, *record); !put) {
            return put.error();
        }
    }
    return count;
}

// @param forgiven  the host is not given up any more.
Result<LinesBack> Requeue::put_back_host(store::WriteTxn& txn, store::Totals& totals, HostId host, std::uint64_t records,
                                         bool forgiven) {
    auto row = store::get_host(txn, host);
    if (!row) {
        return LinesBack{host, 0, 0};  // the next commit that touches it writes it anew
    }
    row->failed -= std::min(row->failed, records);
    const store::HostRow before = *row;
    const LinesBack back = forgiven ? set_host_end(host, *row, totals, store::kNotGone, 0, 0) : LinesBack{host, 0, 0};
    if (journal_ != nullptr && journal::manners_differ(before, *row)) {
        lines_.push_back(host_line(*row, clock_.wall_now().time_since_epoch().count()));
    }
    if (const auto put = store::put_host(txn, host, *row); !put) {
        return put.error();
    }
    return back;
}

void Requeue::damaged(store::Table table, const ErrorCode& error) const {
    log_.error("retry.row_damaged", {{"table", store::name_of(table)}, {"error", error.message()}});
}

}  // namespace grit::crawl
