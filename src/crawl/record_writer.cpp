#include "record_writer.hpp"

#include "host_end.hpp"
#include "journal_lines.hpp"

#include "grit/journal/data.hpp"
#include "grit/store/adoption_rows.hpp"
#include "grit/store/queue_walk.hpp"
#include "grit/store/url_map.hpp"
#include "grit/url/registrable_domain.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace grit::crawl {
namespace {

bool failed(const Result<void>& done) { return !done.has_value(); }

store::Record first_record_of(const frontier::Task& task) {
    store::Record record;
    record.ordinal = task.ordinal;
    record.url = task.raw_url;
    record.first_ms = task.first_ms;
    return record;
}

// What the end of a try makes of its record.
void fill(store::Record& record, const Settlement& settlement, const Placed& placed, WallTime now) {
    const frontier::Task& task = *settlement.task;
    record.outcome = placed.duplicate ? Outcome::duplicate_content : settlement.outcome;
    record.waiting = settlement.retry_at_ms.has_value();
    record.due_ms = settlement.retry_at_ms.value_or(0);
    record.http_status = settlement.http_status;
    record.attempts = task.attempts;
    record.last_ms = now.time_since_epoch().count();
    record.final_url = task.hops > 0 ? task.url.text : std::string();
    record.detail = settlement.detail;
    if (settlement.image) {
        record.size = settlement.image->size;
        record.image_type = static_cast<std::uint8_t>(settlement.image->type);
        record.width = settlement.image->width;
        record.height = settlement.image->height;
        record.sha256 = settlement.image->sha256;
        record.location = placed.location;
    }
}

std::string_view name_of_host(const frontier::HostTable& hosts, HostId host) {
    return host == kNoHost ? std::string_view() : hosts.info(host).name;
}

}  // namespace

Result<void> RecordWriter::begin() {
    auto totals = store::get_totals(txn_);
    if (!totals) {
        return totals.error();
    }
    totals_ = std::move(*totals);
    const auto adoptions = txn_.count(store::Table::adoptions);
    if (!adoptions) {
        return adoptions.error();
    }
    has_adoptions_ = *adoptions > 0;
    return {};
}

Result<void> RecordWriter::settle(const Settlement& settlement, const Placed& placed) {
    const frontier::Task& task = *settlement.task;
    // Before a new row for a later try is written: should both ever have the same time, the new one stays.
    if (task.retry) {
        const auto removed = store::delete_retry(txn_, *task.retry);
        if (!removed) {
            return removed.error();
        }
        waiting_change_ -= *removed ? 1 : 0;
    }
    const Result<void> done = settlement.outcome == Outcome::duplicate_url ? settle_duplicate(settlement)
                                                                           : settle_record(settlement, placed);
    if (failed(done)) {
        return done;
    }
    return task.line ? take_line(*task.line) : Result<void>();
}

// A line whose URL has a record, or is on its way to one: it gets its place in the map, now or when there is an image.
Result<void> RecordWriter::settle_duplicate(const Settlement& settlement) {
    const frontier::Task& task = *settlement.task;
    const store::RecordKey key{task.home, task.hash};
    const auto record = store::get_record(txn_, key);
    if (!record && record.error() != store::Errc::not_found && !is_damage(record.error(), "records", store::record_key(key))) {
        return record.error();
    }
    if (record && record->ordinal == task.ordinal && task.line) {
        const auto row = host(task.home);
        if (!row) {
            return row.error();
        }
        // Of a record that a rebuild brought back: it was counted with it.
        if ((*row)->restored > 0) {
            --(*row)->restored;
            totals_.lines -= std::min<std::uint64_t>(totals_.lines, 1);
            return {};
        }
    }
    ++totals_.outcomes[grit::index_of(Outcome::duplicate_url)];
    if (journal_) {
        journal_lines_.push_back(duplicate_line(name_of_host(hosts_, task.home), task.raw_url, task.ordinal, now_.time_since_epoch().count()));
    }
    if (record && task.raw_url == record->url) {
        return {};
    }
    if (record && !record->location.empty()) {
        if (const auto done = store::put_url_to_path(txn_, task.raw_url, record->location); failed(done)) {
            return done;
        }
    }
    return store::put_spelling(txn_, key, task.raw_url);
}

Result<void> RecordWriter::settle_record(const Settlement& settlement, const Placed& placed) {
    const frontier::Task& task = *settlement.task;
    const store::RecordKey key{task.home, task.hash};
    auto known = store::get_record(txn_, key);
    if (!known && known.error() != store::Errc::not_found && !is_damage(known.error(), "records", store::record_key(key))) {
        return known.error();
    }
    store::Record record = known ? std::move(*known) : first_record_of(task);
    if (!known) {
        // A duplicate that was settled before had nothing to be compared with.
        if (const auto same = store::delete_spelling(txn_, key, record.url); !same) {
            return same.error();
        }
    }
    fill(record, settlement, placed, now_);
    if (journal_) {
        journal_lines_.push_back(record_line(journal::Kind::result, name_of_host(hosts_, task.home), record, record.last_ms));
    }
    auto row = host(task.home);
    if (!row) {
        return row.error();
    }
    if (record.waiting) {
        ++waiting_change_;
        if (const auto done = store::put_retry(txn_, store::RetryKey{record.due_ms, key}, record.outcome); failed(done)) {
            return done;
        }
        return store::put_record(txn_, key, record);
    }
    if (has_adoptions_) {
        if (const auto taken = store::delete_adoption(txn_, key.hash); !taken) {
            return taken.error();
        }
    }
    ++totals_.outcomes[grit::index_of(record.outcome)];
    const bool stored = disposition_of(record.outcome) == Disposition::done;
    ++(stored ? (*row)->stored : (*row)->failed);
    if (stored) {
        totals_.stored_bytes += placed.duplicate ? 0 : record.size;
        if (const auto done = store::map_urls(txn_, key, record); failed(done)) {
            return done;
        }
        if (!placed.duplicate && dedupe_content_) {
            if (const auto done = store::put_content(txn_, record.sha256, record.location); failed(done)) {
                return done;
            }
        }
    }
    return store::put_record(txn_, key, record);
}

// The line is settled, or lives on in `retries`: its block forgets it, and goes when it was the last.
Result<void> RecordWriter::take_line(const frontier::LineRef& line) {
    auto row = host(line.block.host);
    if (!row) {
        return row.error();
    }
    ++(*row)->taken;
    auto progress = store::get_progress(txn_, line.block);
    if (!progress && is_damage(progress.error(), "progress", store::queue_key(line.block))) {
        progress = store::Progress();
    }
    if (!progress) {
        return progress.error();
    }
    progress->set(line.entry);
    if (!progress->all(line.entries)) {
        return store::put_progress(txn_, line.block, *progress);
    }
    if (const auto erased = store::erase_block(txn_, line.block); !erased) {
        return erased.error();
    }
    if (const auto erased = store::delete_progress(txn_, line.block); !erased) {
        return erased.error();
    }
    return advance_cursor(**row, line.block);
}

Result<void> RecordWriter::advance_cursor(store::HostRow& row, const store::QueueKey& finished) {
    const auto left = store::next_block_of_runs(txn_, store::QueueKey{row.cursor_run, finished.host, 0}, finished.run);
    if (!left && left.error() != store::Errc::not_found) {
        return left.error();
    }
    row.cursor_run = left ? left->run : finished.run + 1;
    return {};
}

Result<void> RecordWriter::note(HostId id, const HostNote& note) {
    auto row = host(id);
    if (!row) {
        return row.error();
    }
    const store::HostRow before = journal_ ? **row : store::HostRow();
    (*row)->not_before_ms = note.gate.not_before_ms;
    (*row)->interval_ms = note.gate.interval_ms;
    (*row)->backoff_level = note.gate.throttle_level;
    (*row)->down_attempts = note.gate.down_attempts;
    (*row)->ceiling_ms = note.gate.ceiling_ms;
    (*row)->answers_since_refusal = note.gate.good_answers;
    (*row)->near_ceiling = note.gate.near_ceiling;
    (*row)->origins = note.origins;
    const LinesBack back = set_host_end(id, **row, totals_, note.gone_as, note.ended, now_.time_since_epoch().count());
    if (back.lines > 0) {
        lines_back_.push_back(back);
    }
    if (journal_ && journal::manners_differ(before, **row)) {
        journal_lines_.push_back(host_line(**row, now_.time_since_epoch().count()));
    }
    return {};
}

// The host's row goes with it: its number must never be another host's after a restart.
Result<void> RecordWriter::note_site(const store::OriginKey& origin, const store::SiteRow& row) {
    const auto known = host(origin.host);
    return known ? store::put_site(txn_, origin, row) : Result<void>(known.error());
}

Result<store::HostRow*> RecordWriter::host(HostId id) {
    const auto held = rows_.find(id);
    if (held != rows_.end()) {
        return &held->second;
    }
    auto row = store::get_host(txn_, id);
    if (!row && row.error() != store::Errc::not_found && !is_damage(row.error(), "hosts", store::host_key(id))) {
        return row.error();
    }
    store::HostRow fresh;
    if (!row && id != kNoHost) {
        const frontier::HostInfo info = hosts_.info(id);
        fresh.name = info.name;
        fresh.domain = url::registrable_domain(info.name);
        fresh.partition = info.partition;
    }
    return &rows_.emplace(id, row ? std::move(*row) : std::move(fresh)).first->second;
}

// The row could be read, but its bytes can not have been written by this code.
bool RecordWriter::is_damage(const ErrorCode& error, std::string_view table, std::string_view key) const {
    if (error != store::Errc::corrupt && error != store::Errc::newer_row) {
        return false;
    }
    std::string hex;
    for (const char byte : key) {
        hex += fmt::format("{:02x}", static_cast<unsigned char>(byte));
    }
    log_.error("commit.row_damaged", {{"table", table}, {"key", hex}, {"error", error.message()}});
    return true;
}

Result<void> RecordWriter::finish() {
    for (const auto& [id, row] : rows_) {
        if (id == kNoHost) {
            continue;
        }
        totals_.next_host = std::max(totals_.next_host, id + 1);
        if (const auto done = store::put_host(txn_, id, row); failed(done)) {
            return done;
        }
    }
    return store::put_totals(txn_, totals_);
}

std::vector<std::string> expected_journal_lines(std::span<const Settlement> results, std::span<const Placed> placed,
                                                const frontier::HostTable& hosts, WallTime now) {
    std::vector<std::string> lines;
    lines.reserve(results.size());
    for (std::size_t i = 0; i < results.size(); ++i) {
        const frontier::Task& task = *results[i].task;
        const std::string_view host = name_of_host(hosts, task.home);
        const std::int64_t now_ms = now.time_since_epoch().count();
        if (results[i].outcome == Outcome::duplicate_url) {
            lines.push_back(duplicate_line(host, task.raw_url, task.ordinal, now_ms));
            continue;
        }
        store::Record record = first_record_of(task);
        fill(record, results[i], placed[i], now);
        lines.push_back(record_line(journal::Kind::result, host, record, now_ms));
    }
    return lines;
}

}  // namespace grit::crawl
