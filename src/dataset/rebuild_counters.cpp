#include "rebuild_counters.hpp"

#include <algorithm>
#include <string>

#include "grit/store/url_map.hpp"
#include "rebuild_problems.hpp"

namespace grit::dataset {
namespace {

// Rows of one transaction: some megabytes. Each sync writes pages all over the tables.
constexpr std::size_t kAtOnce = 20'000;

}  // namespace

RebuildCounters::RebuildCounters(store::Env& env, store::Writer& writer, Replay& replay) : env_(env), writer_(writer), replay_(replay) {
    for (const auto& [id, input] : replay.inputs()) {
        for (const store::OrdinalExtent& extent : input.extents) {
            if (input.path != "-") {
                lines_.emplace_back(extent.first_ordinal, extent.first_ordinal + extent.lines);
            }
        }
    }
    std::sort(lines_.begin(), lines_.end());
}

// Not what came through a pipe, nor where nobody knows any more which line had which number.
bool RebuildCounters::comes_again(Ordinal ordinal) const {
    const auto behind = std::upper_bound(lines_.begin(), lines_.end(), ordinal, [](Ordinal wanted, const auto& extent) { return wanted < extent.first; });
    return behind != lines_.begin() && ordinal < std::prev(behind)->second;
}

// Equal bytes are named by the record that has them as its own, if there is one: the copies come last.
Checked<RebuildCounters::Counted> RebuildCounters::run(const std::function<bool(std::uint64_t)>& on_count) {
    for (const bool copies : {false, true}) {
        if (auto walked = walk(copies, on_count); !walked) {
            return walked.error();
        }
    }
    if (auto written = write_rest(); !written) {
        return written.error();
    }
    return counted_;
}

Checked<void> RebuildCounters::walk(bool copies, const std::function<bool(std::uint64_t)>& on_count) {
    Rows some;
    Result<void> written;
    bool ended = false;
    std::uint64_t seen = 0;
    const auto flush = [&] {
        written = writer_.transact([&](store::WriteTxn& txn) { return copies ? write_copies(txn, some) : write_records(txn, some); });
        if (written && !copies) {
            std::for_each(some.begin(), some.end(), [this](const auto& one) { count(one.first, one.second); });
        }
        seen += some.size();
        some.clear();
        ended = !on_count(seen);
        return written.has_value() && !ended;
    };
    // Never while a reading transaction is open: writing may wait for readers.
    std::string from;
    for (bool more = true; more;) {
        more = false;
        {
            const auto txn = env_.read();
            if (!txn) {
                return new_state_unreadable(txn.error());
            }
            std::size_t looked_at = 0;
            Result<void> damage;
            const auto walked = store::for_each(*txn, store::Table::records, [&](std::string_view key, std::string_view value) {
                if (looked_at++ == kAtOnce) {
                    from = key;
                    more = true;
                    return false;
                }
                const auto parsed = store::parse_record_key(key);
                auto record = store::decode_record(value);
                if (!parsed || !record) {
                    damage = parsed ? record.error() : parsed.error();
                } else if (!copies || record->outcome == Outcome::duplicate_content) {
                    some.emplace_back(*parsed, std::move(*record));
                }
                return damage.has_value();
            }, from);
            if (!walked || !damage) {
                return new_state_unreadable(walked ? damage.error() : walked.error());
            }
        }
        if (!flush()) {
            return written ? rebuild_ended() : new_state_unwritable(written.error());
        }
    }
    return {};
}

void RebuildCounters::count(const store::RecordKey& key, const store::Record& record) {
    store::HostRow& host = replay_.hosts().at(key.host);
    host.restored += comes_again(record.ordinal) ? 1 : 0;
    ++counted_.records;
    counted_.waiting += record.waiting ? 1 : 0;
    counted_.images += record.location.empty() ? 0 : 1;
    if (record.waiting) {
        return;
    }
    ++totals_.outcomes[index_of(record.outcome)];
    const bool stored = disposition_of(record.outcome) == Disposition::done;
    ++(stored ? host.stored : host.failed);
    totals_.stored_bytes += record.outcome == Outcome::stored ? record.size : 0;
}

Result<void> RebuildCounters::write_records(store::WriteTxn& txn, const Rows& some) {
    for (const auto& [key, record] : some) {
        Result<void> put;
        if (record.waiting) {
            put = store::put_retry(txn, store::RetryKey{record.due_ms, key}, record.outcome);
        } else if (!record.location.empty()) {
            put = store::map_urls(txn, key, record);
            put = put && record.outcome == Outcome::stored ? store::put_content(txn, record.sha256, record.location) : put;
        }
        if (!put) {
            return put;
        }
    }
    return {};
}

// Files whose first record was deleted while others name them: the name is not free (opt-outs).
Result<void> RebuildCounters::write_copies(store::WriteTxn& txn, const Rows& some) {
    for (const auto& [key, record] : some) {
        const auto known = store::get_content(txn, record.sha256);
        if (!known && known.error() != store::Errc::not_found) {
            return known.error();
        }
        if (record.location.empty() || (known && *known == record.location)) {
            continue;
        }
        auto put = known ? Result<void>() : store::put_content(txn, record.sha256, record.location);
        put = put ? store::put_removal(txn, record.location, store::Removal::kept) : put;
        if (!put) {
            return put;
        }
    }
    return {};
}

Checked<void> RebuildCounters::write_rest() {
    totals_.lines = counted_.records;
    totals_.next_ordinal = replay_.next_ordinal();
    totals_.next_host = static_cast<HostId>(replay_.hosts().size() + 1);
    const auto written = writer_.transact([this](store::WriteTxn& txn) -> Result<void> {
        auto put = store::put_totals(txn, totals_);
        for (const auto& [id, row] : replay_.hosts()) {
            put = put ? store::put_host(txn, id, row) : put;
        }
        for (auto& [id, row] : replay_.inputs()) {
            row.byte_offset = row.line = 0;
            row.done = false;
            put = put ? store::put_input(txn, id, row) : put;
        }
        for (const auto& [name, row] : replay_.blocks()) {
            put = put ? store::put_block_row(txn, row) : put;
        }
        return put && replay_.opt_out() ? store::put_opt_out(txn, *replay_.opt_out()) : put;
    });
    return written ? Checked<void>() : new_state_unwritable(written.error());
}

}  // namespace grit::dataset
