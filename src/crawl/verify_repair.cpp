// The second half of a verify with `repair`: images that are broken are asked for again, their files removed.
#include "verify_work.hpp"

#include "given_up_image.hpp"
#include "host_end.hpp"
#include "journal_lines.hpp"

#include "grit/base/kill_point.hpp"
#include "grit/crawl/removals.hpp"
#include "grit/store/error.hpp"
#include "grit/store/volume_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

namespace grit::crawl {
namespace {

// Rows of one transaction: results of the crawl wait for it.
constexpr std::size_t kRowsAtOnce = 500;
// Short enough to be soon, and long enough that a short repair has removed the file: the new one may have its name then.
constexpr Milliseconds kAskAgainIn{10'000};

// A bad disk may never give these bytes again; other errors (no permission, no descriptor) say nothing of the bytes.
bool is_damage(const ImageLook& look) {
    return look.fault != ImageFault::unreadable || look.error == EIO || look.error == EBADMSG || look.error == EUCLEAN;
}

// Files that repairs have given up, from a path on: at most kRowsAtOnce.
Checked<std::vector<std::string>> first_broken(store::Env& env, std::string_view from) {
    std::vector<std::string> broken;
    const auto visit = [&](std::string_view path, store::Removal removal) {
        if (removal == store::Removal::broken) {
            broken.emplace_back(path);
        }
        return broken.size() < kRowsAtOnce;
    };
    const auto txn = env.read();
    const auto walked = txn ? store::for_each_removal(*txn, visit, from) : Result<void>(txn.error());
    return walked ? Checked<std::vector<std::string>>(std::move(broken)) : store::unreadable(walked.error());
}

}  // namespace

Checked<void> Verify::Work::repair(std::vector<Broken>& broken) {
    const auto end = std::partition(broken.begin(), broken.end(), [](const Broken& one) { return is_damage(one.look); });
    const std::span<Broken> wanted(broken.begin(), end);
    for (std::size_t done = 0; done < wanted.size(); done += kRowsAtOnce) {
        const auto some = wanted.subspan(done, std::min(kRowsAtOnce, wanted.size() - done));
        Repaired repaired;
        const auto written = owner_.parts_.writer.transact([&](store::WriteTxn& txn) { return requeue(txn, some, repaired); });
        if (!written) {
            std::for_each(some.begin(), some.end(), [](Broken& one) { one.requeued = false; });
            return store::unwritable(written.error());
        }
        kill_point("verify.given_up");
        state_.requeued += repaired.records;
        owner_.parts_.listener.put_back(repaired.records, repaired.hosts);
        publish();
    }
    return {};
}

// Step 1. Repeatable.
Result<void> Verify::Work::requeue(store::WriteTxn& txn, std::span<Broken> some, Repaired& repaired) const {
    repaired = {};
    auto totals = store::get_totals(txn);
    if (!totals) {
        return totals.error();
    }
    const std::int64_t now = owner_.parts_.clock.wall_now().time_since_epoch().count();
    const std::int64_t due = (owner_.parts_.schedule.wall_now().time_since_epoch() + kAskAgainIn).count();
    std::vector<std::string> lines;
    for (Broken& one : some) {
        std::string host_name;
        const Named& named = one.named;
        auto record = store::get_record(txn, named.key);
        one.requeued = record && record->location == named.image.path && record->sha256 == named.image.sha256;
        if (!one.requeued) {
            continue;
        }
        auto host = store::get_host(txn, named.key.host);
        if (const auto forgotten = forget_image(txn, named.key, *record, host ? &*host : nullptr, *totals); !forgotten) {
            return forgotten;
        }
        if (host) {  // else the next commit writes it anew
            host_name = host->name;
            if (host->gone_as != store::kNotGone) {
                repaired.hosts.push_back(set_host_end(named.key.host, *host, *totals, store::kNotGone, 0, 0));
            }
            if (const auto put = store::put_host(txn, named.key.host, *host); !put) {
                return put;
            }
        }
        record->outcome = Outcome::broken_image;
        record->detail = state_.order.lost.empty() ? fmt::format("verify: {}", name_of(one.look.fault)) : "its image volume was lost";
        record->waiting = true;
        record->due_ms = due;
        record->attempts = 0;
        lines.push_back(record_line(journal::Kind::broken, host_name, *record, now));
        auto put = store::put_retry(txn, store::RetryKey{due, named.key}, record->outcome);
        put = put ? store::put_record(txn, named.key, *record) : put;
        if (!put) {
            return put;
        }
        ++repaired.records;
    }
    const auto put = store::put_totals(txn, *totals);
    return put ? write_lines(owner_.parts_.journal, txn, lines) : put;
}

// Nobody is to find the file by this record, to be told that it has these bytes, or to come to name it.
Result<void> Verify::Work::forget_image(store::WriteTxn& txn, const store::RecordKey& key, store::Record& record, store::HostRow* host,
                                        store::Totals& totals) {
    const auto content = store::get_content(txn, record.sha256);
    if (!content && content.error() != store::Errc::not_found) {
        return content.error();
    }
    if (content && *content == record.location) {
        if (const auto erased = store::delete_content(txn, record.sha256); !erased) {
            return erased.error();
        }
    }
    const auto given_up = give_up_file(txn, record.location, record.size, store::Removal::broken, totals);
    return given_up ? clear_image(txn, key, record, totals, host) : given_up;
}

// Steps 2 to 4 --------------------------------------------------------------------------------------------------------

// Also of what an earlier repair had given up.
Checked<void> Verify::Work::finish_repair() {
    const auto broken = first_broken(owner_.parts_.env, {});
    if (!broken) {
        return broken.error();
    }
    if (!broken->empty()) {
        // What was placed beside a file before that file was given up is on record after this.
        if (!wait_until_recorded()) {
            return {};
        }
        VerifyWalk others = walk_over(VerifyWalk::Which::given_up);
        if (auto looked = look_through(others, &Work::give_up); !looked || stopping()) {
            return looked;
        }
        if (auto noted = note_due(); !noted || stopping()) {
            return noted;
        }
    }
    return remove_due();
}

// No record names these files any more. Repeatable.
Checked<void> Verify::Work::note_due() {
    std::string from;
    while (!stopping()) {
        const auto some = first_broken(owner_.parts_.env, from);
        if (!some || some->empty()) {
            return some ? Checked<void>() : Checked<void>(some.error());
        }
        const auto written = owner_.parts_.writer.transact([&](store::WriteTxn& txn) -> Result<void> {
            for (const std::string& path : *some) {
                if (const auto put = store::put_removal(txn, path, store::Removal::due); !put) {
                    return put;
                }
            }
            return {};
        });
        if (!written) {
            return store::unwritable(written.error());
        }
        kill_point("verify.files_due");
        from = some->back();
    }
    return {};
}

// What can not be removed now stays due: a repair is done without it.
Checked<void> Verify::Work::remove_due() {
    const auto done = owner_.parts_.removals.remove_due([this] { return stopping(); });
    if (!done && state_.order.lost.empty()) {
        return done.error();
    }
    if (!done) {
        owner_.parts_.log.error("verify.files_left", {{"problem", done.error().what}});
    } else if (done->left > 0) {
        state_.files_left = done->left;
        owner_.parts_.log.warning("verify.files_left", {{"files", done->left}, {"why", done->why_left}});
    }
    return {};
}

// No record names anything on them any more.
Checked<void> Verify::Work::forget_lost_volumes() {
    for (const std::string& volume : state_.order.lost) {
        const auto forgotten = owner_.parts_.writer.transact([&](store::WriteTxn& txn) { return store::forget_volume(txn, volume); });
        if (!forgotten) {
            return store::unwritable(forgotten.error());
        }
        kill_point("volume_lost.forgotten");
        owner_.parts_.log.warning("volume.forgotten", {{"volume", volume}, {"requeued", state_.requeued}});
    }
    return {};
}

}  // namespace grit::crawl
