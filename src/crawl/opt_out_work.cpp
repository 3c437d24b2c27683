#include "opt_out_work.hpp"

#include "durable_file.hpp"
#include "given_up_image.hpp"
#include "journal_lines.hpp"

#include "grit/base/kill_point.hpp"
#include "grit/base/quantity.hpp"
#include "grit/crawl/removals.hpp"
#include "grit/journal/data.hpp"
#include "grit/media/digest.hpp"
#include "grit/media/image_type.hpp"
#include "grit/store/error.hpp"
#include "grit/url/canonical_url.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

namespace grit::crawl {
namespace json = boost::json;

namespace {

// Rows of one transaction: results of the crawl wait for it.
constexpr std::size_t kRowsAtOnce = 500;

std::string line_of(const store::Record& record) {
    json::object line{{"url", record.url},
                      {"path", record.location},
                      {"sha256", media::hex(record.sha256)},
                      {"bytes", record.size},
                      {"media_type", media::media_type_of(static_cast<media::ImageType>(record.image_type))},
                      {"outcome", name_of(record.outcome)},
                      {"ordinal", record.ordinal}};
    if (!record.final_url.empty()) {
        line["final_url"] = record.final_url;
    }
    return json::serialize(line) + "\n";
}

std::string ledger_line(const store::OptOutRow& row, std::int64_t now_ms) {
    return json::serialize(json::object{{"time", format_utc(now_ms)},
                                        {"began", format_utc(row.began_ms)},
                                        {"domain", row.domain},
                                        {"reason", row.reason},
                                        {"by_uid", row.by_uid},
                                        {"delete", row.erase},
                                        {"listed", row.listed},
                                        {"deleted", row.deleted},
                                        {"files_removed", row.files_removed},
                                        {"files_kept", row.files_kept},
                                        {"freed_bytes", row.freed_bytes},
                                        {"list", row.list}});
}

}  // namespace

bool OptOut::Work::stopping() const {
    const std::lock_guard lock(owner_.mutex_);
    return owner_.stopping_;
}

Checked<bool> OptOut::Work::go_on() {
    if (!only_files_left_) {
        std::vector<Step> steps{&Work::find_images};
        if (row_.erase && dry_run_) {
            steps.insert(steps.end(), {&Work::look_for_others});
        } else if (row_.erase) {
            steps.insert(steps.end(), {&Work::forget_content, &Work::look_for_others, &Work::delete_records});
        }
        if (!dry_run_ && !wait_until_recorded()) {
            return false;
        }
        if (auto taken = take(steps); !taken || !*taken) {
            return taken;
        }
        only_files_left_ = row_.erase && !dry_run_;
    }
    static constexpr std::array<Step, 2> kLast{&Work::remove_files, &Work::finish};
    return take(std::span(kLast).subspan(only_files_left_ ? 0 : 1));
}

// @return false if it was stopped on the way.
Checked<bool> OptOut::Work::take(std::span<const Step> steps) {
    for (const Step step : steps) {
        if (const auto done = (this->*step)(); !done) {
            return done.error();
        }
        if (stopping()) {
            return false;
        }
        owner_.publish(*this, true, {});
    }
    return true;
}

// How far it is, for a later life.
Result<void> OptOut::Work::save() {
    if (dry_run_) {
        return {};
    }
    return owner_.parts_.writer.transact([this](store::WriteTxn& txn) { return store::put_opt_out(txn, row_); });
}

// Which images are the domain's ---------------------------------------------------------------------------------------

bool OptOut::Work::is_of_domain(std::string_view host) const {
    const std::string& domain = row_.domain;
    return host.ends_with(domain) && (host.size() == domain.size() || host[host.size() - domain.size() - 1] == '.');
}

bool OptOut::Work::is_of_domain(const store::RecordKey& key, const store::Record& record) {
    if (key.host != judged_host_ && key.host != kNoHost) {
        judged_host_ = key.host;
        judged_host_is_of_domain_ = is_of_domain(owner_.parts_.hosts.info(key.host).name);
    }
    if (key.host != kNoHost && judged_host_is_of_domain_) {
        return true;
    }
    if (record.final_url.empty()) {
        return false;
    }
    const auto last = url::canonicalize(record.final_url);
    return last && is_of_domain(last->host);
}

// Their list is written on the way; in a later try, or life, the one that is there holds.
Checked<void> OptOut::Work::find_images() {
    keys_.clear();
    files_.clear();
    const auto folder = owner_.parts_.env.folder() / "optouts";
    std::optional<DurableFile> list;
    if (!row_.list_is_complete) {
        auto file = DurableFile::create((folder / row_.list).string());
        if (!file) {
            return file.error();
        }
        list.emplace(std::move(*file));
    }
    Checked<void> written;
    const auto take = [&](const store::RecordKey& key, const store::Record& record) {
        if (!record.location.empty() && is_of_domain(key, record)) {
            keys_.push_back(key);
            files_.try_emplace(record.location, File{record.sha256, record.size, false});
            written = list ? list->write(line_of(record)) : Checked<void>();
        }
        return written.has_value() && !stopping();
    };
    if (const auto scanned = store::scan_records(owner_.parts_.env, take); !scanned) {
        return store::unreadable(scanned.error());
    }
    if (!written || stopping() || !list) {
        return written;
    }
    if (auto committed = list->commit(); !committed) {
        return committed;
    }
    kill_point("optout.list_written");
    row_.listed = keys_.size();
    row_.list_is_complete = true;
    const auto saved = save();
    kill_point("optout.list_noted");
    return saved ? Checked<void>() : Checked<void>(store::unwritable(saved.error()));
}

// No new record can come to name a file of the domain's when this has returned.
Checked<void> OptOut::Work::forget_content() {
    std::vector<std::pair<store::Sha256, std::string_view>> some;
    const auto forget = [&](store::WriteTxn& txn) -> Result<void> {
        for (const auto& [digest, path] : some) {
            const auto known = store::get_content(txn, digest);
            if (!known || *known != path) {
                continue;
            }
            if (const auto erased = store::delete_content(txn, digest); !erased) {
                return erased.error();
            }
        }
        return {};
    };
    for (auto file = files_.begin(); file != files_.end() && !stopping();) {
        some.clear();
        for (; file != files_.end() && some.size() < kRowsAtOnce; ++file) {
            some.emplace_back(file->second.digest, file->first);
        }
        if (const auto written = owner_.parts_.writer.transact(forget); !written) {
            return store::unwritable(written.error());
        }
        kill_point("optout.content_forgotten");
    }
    static_cast<void>(wait_until_recorded());  // what was placed before, and is not on record yet
    return {};
}

Checked<void> OptOut::Work::look_for_others() {
    const auto look = [this](const store::RecordKey& key, const store::Record& record) {
        if (!record.location.empty()) {
            const auto file = files_.find(record.location);
            if (file != files_.end() && !file->second.named_by_others && !is_of_domain(key, record)) {
                file->second.named_by_others = true;
            }
        }
        return !stopping();
    };
    if (const auto scanned = store::scan_records(owner_.parts_.env, look); !scanned) {
        return store::unreadable(scanned.error());
    }
    count_files();
    return {};
}

void OptOut::Work::count_files() {
    if (row_.deleted > 0) {
        return;  // a later try sees only what is left; it was counted before
    }
    row_.files_kept = 0;
    std::uint64_t others = 0;
    std::uint64_t bytes = 0;
    for (const auto& [path, file] : files_) {
        ++(file.named_by_others ? row_.files_kept : others);
        bytes += file.named_by_others ? 0 : file.size;
    }
    if (dry_run_) {  // else each is counted with its removal
        row_.files_removed = others;
        row_.freed_bytes = bytes;
    }
}

// Deleting ------------------------------------------------------------------------------------------------------------

Checked<void> OptOut::Work::delete_records() {
    for (std::size_t done = 0; done < keys_.size() && !stopping(); done += kRowsAtOnce) {
        const auto some = std::span(keys_).subspan(done, std::min(kRowsAtOnce, keys_.size() - done));
        store::OptOutRow after;
        const auto written = owner_.parts_.writer.transact([&](store::WriteTxn& txn) {
            after = row_;
            return delete_some(txn, some, after);
        });
        if (!written) {
            return store::unwritable(written.error());
        }
        kill_point("optout.records_deleted");
        row_ = after;
        owner_.publish(*this, true, {});
    }
    return {};
}

Result<void> OptOut::Work::delete_some(store::WriteTxn& txn, std::span<const store::RecordKey> keys, store::OptOutRow& row) {
    auto totals = store::get_totals(txn);
    if (!totals) {
        return totals.error();
    }
    std::vector<std::string> lines;
    for (const store::RecordKey& key : keys) {
        auto record = store::get_record(txn, key);
        auto host = store::get_host(txn, key.host);
        if (!record || !host) {
            return record ? host.error() : record.error();
        }
        if (record->location.empty()) {
            continue;
        }
        if (const auto let_go = let_go_of(txn, *record, *totals, row); !let_go) {
            return let_go;
        }
        if (const auto cleared = clear_image(txn, key, *record, *totals, &*host); !cleared) {
            return cleared;
        }
        ++totals->outcomes[grit::index_of(Outcome::opted_out)];
        ++host->failed;
        ++row.deleted;
        record->outcome = Outcome::opted_out;
        record->detail = "opted out: " + row.domain + (row.reason.empty() ? "" : " (" + row.reason + ")");
        lines.push_back(record_line(journal::Kind::opt_out, host->name, *record, owner_.parts_.clock.wall_now().time_since_epoch().count()));
        if (const auto put = store::put_record(txn, key, *record); !put) {
            return put;
        }
        if (const auto put = store::put_host(txn, key.host, *host); !put) {
            return put;
        }
    }
    if (const auto put = store::put_totals(txn, *totals); !put) {
        return put;
    }
    const auto put = store::put_opt_out(txn, row);
    return put ? write_lines(owner_.parts_.journal, txn, lines) : put;
}

// The file of a record that is deleted is due for removal, or stays for others.
Result<void> OptOut::Work::let_go_of(store::WriteTxn& txn, const store::Record& record, store::Totals& totals,
                                     store::OptOutRow& row) {
    if (files_.at(record.location).named_by_others) {
        return keep_file(txn, record);
    }
    const auto noted = find_removal(txn, record.location);
    if (!noted) {
        return noted.error();
    }
    if (*noted && **noted == store::Removal::due) {
        return {};
    }
    ++row.files_removed;
    row.freed_bytes += record.size;
    return give_up_file(txn, record.location, record.size, store::Removal::due, totals);
}

Result<void> OptOut::Work::keep_file(store::WriteTxn& txn, const store::Record& record) const {
    const auto noted = find_removal(txn, record.location);
    if (!noted) {
        return noted.error();
    }
    // Of a repair that was cut: it looks at the others, and nobody else is to come to name the file.
    if (*noted && **noted == store::Removal::broken) {
        return {};
    }
    const auto named = keep_content(txn, record);
    if (!named || (*noted && **noted == store::Removal::kept)) {
        return named;
    }
    // A name that a kept image keeps from being used anew, besides its own.
    const std::string claim = owner_.parts_.layout.claim_of(record.location);
    const auto claimed = claim == record.location ? named : store::put_removal(txn, claim, store::Removal::kept);
    return claimed ? store::put_removal(txn, record.location, store::Removal::kept) : claimed;
}

// Equal bytes that come later are stored under this file's name again, if no other took its place meanwhile.
Result<void> OptOut::Work::keep_content(store::WriteTxn& txn, const store::Record& record) {
    const auto content = store::get_content(txn, record.sha256);
    if (content || content.error() != store::Errc::not_found) {
        return content ? Result<void>() : Result<void>(content.error());
    }
    return store::put_content(txn, record.sha256, record.location);
}

Checked<void> OptOut::Work::remove_files() {
    const auto done = owner_.parts_.removals.remove_due([this] { return stopping(); });
    if (!done) {
        return done.error();
    }
    return done->left == 0 ? Checked<void>()
                           : Checked<void>(Problem{fmt::format("{} files are left to be removed: {}", done->left, done->why_left)});
}

Checked<void> OptOut::Work::finish() {
    if (dry_run_) {
        return {};
    }
    kill_point("optout.removals_cleared");
    const std::string ledger = (owner_.parts_.env.folder() / "optouts.jsonl").string();
    const std::int64_t now = owner_.parts_.clock.wall_now().time_since_epoch().count();
    if (auto written = append_line_once(ledger, ledger_line(row_, now), "\"list\":" + json::serialize(json::value(row_.list))); !written) {
        return written;
    }
    kill_point("optout.ledger_written");
    const std::vector<std::string> lines{data_line(journal::Kind::opt_out_ended, journal::data_of(row_), now)};
    const auto ended = owner_.parts_.writer.transact([&](store::WriteTxn& txn) {
        const auto erased = store::delete_opt_out(txn);
        return erased ? write_lines(owner_.parts_.journal, txn, lines) : erased;
    });
    kill_point("optout.ended");
    return ended ? Checked<void>() : Checked<void>(store::unwritable(ended.error()));
}

}  // namespace grit::crawl
