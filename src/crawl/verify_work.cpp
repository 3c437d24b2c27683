#include "verify_work.hpp"

#include "host_end.hpp"
#include "journal_lines.hpp"
#include "removals.hpp"

#include "grit/base/kill_point.hpp"
#include "grit/base/quantity.hpp"
#include "grit/store/opt_out_rows.hpp"
#include "grit/store/url_map.hpp"
#include "grit/store/volume_rows.hpp"

#include <fmt/format.h>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <cerrno>
#include <map>
#include <random>
#include <string>
#include <system_error>
#include <utility>

namespace grit::crawl {
namespace json = boost::json;

namespace {

// Images whose paths are sorted together: some 2 MB of memory, and a long way for the disk's head in one direction.
constexpr std::size_t kImagesAtOnce = 8'192;
// Rows of one transaction: results of the crawl wait for it.
constexpr std::size_t kRowsAtOnce = 500;
// Files between two looks that others can take at the state of the work.
constexpr std::uint64_t kFilesPerLook = 64;
// The broken file is gone by then, so that the new one may have its name.
constexpr Milliseconds kAskAgainIn{10'000};

Problem unreadable(const ErrorCode& error) { return Problem{"the state can not be read: " + error.message()}; }

// A bad disk may never give these bytes again; other errors (no permission, no descriptor) say nothing of the bytes.
bool is_damage(const ImageLook& look) {
    return look.fault != ImageFault::unreadable || look.error == EIO || look.error == EBADMSG || look.error == EUCLEAN;
}

std::uint64_t random_seed() {
    std::random_device device;
    return std::uint64_t{device()} << 32 | device();
}

}  // namespace

Verify::Work::Work(Verify& owner, VerifyState state)
    : owner_(owner), state_(std::move(state)), began_(owner.parts_.clock.now()), checker_(owner.parts_.volumes) {}

void Verify::Work::run() {
    owner_.parts_.log.info("verify.begun", {{"images", state_.images_total}, {"sample", state_.order.sample}, {"repair", state_.order.repair},
                                            {"lost_volumes", state_.order.lost.size()}, {"uid", state_.order.by_uid}});
    Checked<void> done;
    if (auto list = DurableFile::create(state_.list)) {
        list_.emplace(std::move(*list));
        done = go_through();
        const auto written = list_->commit();
        done = done ? written : done;
    } else {
        done = list.error();
    }
    if (done && !stopping() && !state_.order.lost.empty()) {
        done = forget_lost_volumes();
    }
    state_.running = false;
    state_.stopped = stopping();
    state_.problem = done ? std::string() : done.error().what;
    publish();
    const Logger& log = owner_.parts_.log;
    if (!done) {
        log.error("verify.failed", {{"problem", state_.problem}});
        return;
    }
    log.info(state_.stopped ? "verify.stopped" : "verify.done",
             {{"checked", state_.checked}, {"bytes", state_.bytes_read}, {"missing", state_.missing},
              {"wrong_size", state_.wrong_size}, {"wrong_digest", state_.wrong_digest},
              {"unreadable", state_.unreadable}, {"requeued", state_.requeued}});
}

Checked<void> Verify::Work::go_through() {
    const auto damaged = [this](std::string_view, const ErrorCode& error) {
        ++state_.damaged_rows;
        owner_.parts_.log.error("verify.row_damaged", {{"table", "records"}, {"error", error.message()}});
    };
    VerifyWalk files(owner_.parts_.env, VerifyWalk::Which::files, damaged);
    if (state_.order.sample > 0) {
        if (const auto drawn = files.draw(state_.order.sample, random_seed()); !drawn) {
            return unreadable(drawn.error());
        }
    }
    if (auto looked = look_through(files); !looked || !state_.order.repair || state_.requeued == 0) {
        return looked;
    }
    // What was placed beside a file before that file was given up is on record after this.
    if (!wait_until_recorded()) {
        return {};
    }
    VerifyWalk orphans(owner_.parts_.env, VerifyWalk::Which::orphans, damaged);
    return look_through(orphans);
}

Checked<void> Verify::Work::look_through(VerifyWalk& walk) {
    const std::uint64_t shared_before = state_.shared;
    while (!walk.ended() && !stopping()) {
        auto portion = walk.next(kImagesAtOnce, owner_.job_.stop_flag());
        if (!portion) {
            return unreadable(portion.error());
        }
        state_.shared = shared_before + walk.shared();
        if (auto looked = look_at(std::move(*portion)); !looked) {
            return looked;
        }
        publish();
    }
    return {};
}

Checked<void> Verify::Work::look_at(std::vector<Named> portion) {
    if (!state_.order.lost.empty()) {
        return give_up_lost(portion);
    }
    state_.on_volumes_out += std::erase_if(portion, [this](const Named& named) { return owner_.parts_.volumes.is_out(named.image.path); });
    std::sort(portion.begin(), portion.end(), [](const Named& a, const Named& b) { return a.image.path < b.image.path; });
    std::vector<WantedImage> images;
    for (const Named& named : portion) {
        images.push_back(named.image);
    }
    std::vector<Broken> broken;
    checker_.check(images, owner_.job_.stop_flag(), [&](std::size_t i, const ImageLook& look) {
        state_.bytes_read += look.bytes_read;
        if (look.fault != ImageFault::none) {
            broken.push_back(Broken{portion[i], look, {}, false});
        }
        if (++state_.checked % kFilesPerLook == 0) {
            publish();
        }
        return true;
    });
    if (broken.empty()) {
        return {};
    }
    if (auto there = drop_what_vanished(broken); !there) {
        return there;
    }
    return make_something_of(std::move(broken));
}

Checked<void> Verify::Work::make_something_of(std::vector<Broken> broken) {
    auto confirmed = still_named(std::move(broken));
    if (!confirmed) {
        return confirmed.error();
    }
    Checked<void> done = state_.order.repair ? repair(*confirmed) : Checked<void>();
    const auto told = tell(*confirmed);
    kill_point("verify.told");
    return done ? told : done;
}

// An operator has said that they are gone.
Checked<void> Verify::Work::give_up_lost(const std::vector<Named>& portion) {
    std::vector<Broken> gone;
    for (const Named& named : portion) {
        const auto& lost = state_.order.lost;
        if (std::find(lost.begin(), lost.end(), archive::volume_of(named.image.path)) != lost.end()) {
            gone.push_back(Broken{named, ImageLook{ImageFault::missing}, {}, false});
        }
    }
    state_.checked += portion.size();
    return gone.empty() ? Checked<void>() : make_something_of(std::move(gone));
}

// A volume that was unmounted has none of its images: that is no damage of theirs.
Checked<void> Verify::Work::drop_what_vanished(std::vector<Broken>& broken) {
    const archive::Volumes& volumes = owner_.parts_.volumes;
    std::map<std::string, bool, std::less<>> there;
    for (const Broken& one : broken) {
        const std::string& path = one.named.image.path;
        const std::string_view volume = archive::volume_of(path);
        if (there.contains(volume)) {
            continue;
        }
        const auto confirmed = volumes.confirm(path);
        if (!confirmed && volumes.alone()) {
            return Problem{confirmed.error().what + ". Nothing was made of what is not found there"};
        }
        there[std::string(volume)] = confirmed && !volumes.is_out(path);
    }
    state_.on_volumes_out += std::erase_if(
        broken, [&](const Broken& one) { return !there.find(archive::volume_of(one.named.image.path))->second; });
    return {};
}

// What was changed since it was read from the state is nothing to complain of.
Checked<std::vector<Verify::Work::Broken>> Verify::Work::still_named(std::vector<Broken> broken) {
    const auto txn = owner_.parts_.env.read();
    if (!txn) {
        return unreadable(txn.error());
    }
    std::vector<Broken> confirmed;
    for (Broken& one : broken) {
        auto record = store::get_record(*txn, one.named.key);
        if (!record || record->location != one.named.image.path || record->sha256 != one.named.image.sha256) {
            ++state_.changed;
            continue;
        }
        one.record = std::move(*record);
        count(one.look.fault);
        confirmed.push_back(std::move(one));
    }
    return confirmed;
}

void Verify::Work::count(ImageFault fault) {
    switch (fault) {
        case ImageFault::none:
            return;
        case ImageFault::missing:
            ++state_.missing;
            return;
        case ImageFault::wrong_size:
            ++state_.wrong_size;
            return;
        case ImageFault::wrong_digest:
            ++state_.wrong_digest;
            return;
        case ImageFault::unreadable:
            ++state_.unreadable;
            return;
    }
}

Checked<void> Verify::Work::tell(const std::vector<Broken>& broken) {
    for (const Broken& one : broken) {
        json::object line{{"path", one.named.image.path},
                          {"fault", name_of(one.look.fault)},
                          {"url", one.record.url},
                          {"ordinal", one.record.ordinal},
                          {"bytes", one.named.image.size},
                          {"sha256", media::hex(one.named.image.sha256)},
                          {"requeued", one.requeued}};
        if (one.look.fault == ImageFault::wrong_size) {
            line["found_bytes"] = one.look.found_size;
        } else if (one.look.fault == ImageFault::wrong_digest) {
            line["found_sha256"] = media::hex(one.look.found_sha256);
        } else if (one.look.fault == ImageFault::unreadable) {
            line["error"] = std::generic_category().message(one.look.error);
        }
        if (auto written = list_->write(json::serialize(line) + "\n"); !written) {
            return written;
        }
        if (!state_.order.lost.empty()) {
            continue;  // as many as a volume holds: the list has them
        }
        owner_.parts_.log.warning("verify.broken", {{"path", one.named.image.path}, {"fault", name_of(one.look.fault)},
                                                    {"requeued", one.requeued}});
    }
    publish();
    return {};
}

// No record names anything on them any more.
Checked<void> Verify::Work::forget_lost_volumes() {
    for (const std::string& volume : state_.order.lost) {
        const auto forgotten = owner_.parts_.writer.transact([&](store::WriteTxn& txn) { return store::forget_volume(txn, volume); });
        if (!forgotten) {
            return Problem{"the state can not be written: " + forgotten.error().message()};
        }
        kill_point("volume_lost.forgotten");
        owner_.parts_.log.warning("volume.forgotten", {{"volume", volume}, {"requeued", state_.requeued}});
    }
    return {};
}

// Repair --------------------------------------------------------------------------------------------------------------

Checked<void> Verify::Work::repair(std::vector<Broken>& broken) {
    const auto end = std::partition(broken.begin(), broken.end(), [](const Broken& one) { return is_damage(one.look); });
    const std::span<Broken> wanted(broken.begin(), end);
    for (std::size_t done = 0; done < wanted.size(); done += kRowsAtOnce) {
        const auto some = wanted.subspan(done, std::min(kRowsAtOnce, wanted.size() - done));
        Repaired repaired;
        const auto written = owner_.parts_.writer.transact([&](store::WriteTxn& txn) { return requeue(txn, some, repaired); });
        if (!written) {
            std::for_each(some.begin(), some.end(), [](Broken& one) { one.requeued = false; });
            return Problem{"the state can not be written: " + written.error().message()};
        }
        kill_point("verify.given_up");
        state_.requeued += repaired.records;
        owner_.parts_.listener.put_back(repaired.records, repaired.hosts);
        publish();
    }
    // Also when the daemon is ending: what is due is little.
    return remove_due_files(owner_.parts_.env, owner_.parts_.writer, owner_.parts_.volumes, [] { return false; });
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
        if (const auto forgotten = forget_image(txn, named, *record); !forgotten) {
            return forgotten;
        }
        std::uint64_t& settled = totals->outcomes[index_of(record->outcome)];
        settled -= settled > 0 ? 1 : 0;
        totals->stored_bytes -= record->outcome == Outcome::stored ? std::min(totals->stored_bytes, record->size) : 0;
        if (auto host = store::get_host(txn, named.key.host)) {  // else the next commit writes it anew
            host_name = host->name;
            host->stored -= host->stored > 0 ? 1 : 0;
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
        record->location.clear();
        record->sha256 = {};
        record->size = 0;
        record->image_type = 0;
        record->width = record->height = 0;
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

// Nobody is to find the file by this record, or to be told that it has these bytes.
Result<void> Verify::Work::forget_image(store::WriteTxn& txn, const Named& named, const store::Record& record) {
    if (const auto unmapped = store::unmap_urls(txn, named.key, record); !unmapped) {
        return unmapped;
    }
    const auto content = store::get_content(txn, record.sha256);
    if (!content && content.error() != store::Errc::not_found) {
        return content.error();
    }
    if (content && *content == record.location) {
        if (const auto erased = store::delete_content(txn, record.sha256); !erased) {
            return erased.error();
        }
    }
    return store::put_removal(txn, record.location, store::Removal::due);
}

}  // namespace grit::crawl
