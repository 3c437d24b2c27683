#include "grit/crawl/committer.hpp"

#include "journal_lines.hpp"
#include "record_writer.hpp"
#include "sidecar.hpp"

#include "grit/base/kill_point.hpp"
#include "grit/journal/error.hpp"
#include "grit/journal/journal.hpp"
#include "grit/metrics/metrics.hpp"
#include "grit/store/line_blocks.hpp"
#include "grit/store/opt_out_rows.hpp"
#include "grit/store/shard_rows.hpp"
#include "grit/store/tables.hpp"

#include <algorithm>
#include <chrono>
#include <future>
#include <map>
#include <memory>
#include <set>
#include <utility>

namespace grit::crawl {
namespace {

// While a sync takes its time: how often it is looked for hosts that asked to be left alone.
constexpr std::chrono::milliseconds kWishLook{25};
// A sync writes what every program has left in the page cache: on a large machine with slow disks that takes minutes.
constexpr Milliseconds kLongestDiskWork{900'000};

// Nothing is written, and so nothing synced, where they are as they were: some layouts have none.
Result<void> note_intents(store::WriteTxn& txn, const std::vector<std::string>& intents) {
    const auto noted = store::get_intents(txn);
    return noted && *noted == intents ? Result<void>() : store::put_intents(txn, intents);
}

frontier::Ending ending_of(const Settlement& settlement) {
    if (settlement.retry_at_ms || settlement.outcome == Outcome::duplicate_url) {
        return frontier::Ending::none;  // it goes on; it counts lines, not URLs
    }
    return disposition_of(settlement.outcome) == Disposition::done ? frontier::Ending::stored : frontier::Ending::failed;
}

}  // namespace

// What is committed together.
struct Committer::Group {
    std::vector<Settlement> results;
    std::vector<std::string> temp_names;  // beside results: of images, once they are released
    std::vector<Placed> placed;           // beside results: once it is decided
    std::unordered_map<HostId, HostNote> notes;
    Wishes wishes;  // those of the notes that can not wait for the images
    std::map<store::OriginKey, store::SiteRow> sites;
    std::vector<LinesBack> lines_back;  // by the notes, once they are written
    SteadyTime started{};
    WallTime now{};  // of its records
};

struct Committer::Job final : store::WriteJob {
    explicit Job(Committer& c) : committer(c) {}
    void run(store::WriteSession& session) override { committer.run(session); }
    Committer& committer;
};

Committer::Committer(store::Writer& writer, archive::Layout& layout, const frontier::HostTable& hosts,
                     metrics::Metrics& metrics, const Clock& clock, const Logger& log, CommitListener& listener,
                     Options options)
    : writer_(writer),
      layout_(layout),
      hosts_(hosts),
      metrics_(metrics),
      clock_(clock),
      log_(log),
      listener_(listener),
      options_(options) {}

Committer::~Committer() = default;

Result<void> Committer::load(const store::Txn& txn) {
    const auto waiting = txn.count(store::Table::retries);
    if (!waiting) {
        return waiting.error();
    }
    waiting_ = *waiting;
    return {};
}

void Committer::submit(Settlement settlement) {
    uncommitted_.fetch_add(1, std::memory_order_relaxed);
    const std::lock_guard lock(mutex_);
    submitted_.fetch_add(1);
    results_.push_back(std::move(settlement));
}

void Committer::note(HostId host, const HostNote& note, bool urgent) {
    const std::lock_guard lock(mutex_);
    HostNote& held = notes_[host];
    const std::uint64_t ended = held.ended + note.ended;
    if (held.ended == 0 && ended > 0) {
        uncommitted_.fetch_add(1, std::memory_order_relaxed);
    }
    held = note;
    held.ended = ended;
    if (urgent) {
        urgent_.insert(host);
    }
}

void Committer::note_site(const store::OriginKey& origin, store::SiteRow row) {
    const std::lock_guard lock(mutex_);
    sites_[origin] = std::move(row);
}

void Committer::tick() {
    const std::lock_guard lock(mutex_);
    const Milliseconds interval = faulty_ ? options_.retry_after_fault : options_.interval;
    const bool seals = options_.journal != nullptr && options_.journal->seal_due();
    const bool something = !results_.empty() || !notes_.empty() || !sites_.empty() || faulty_ || seals;
    const bool due = clock_.now() - last_start_ >= interval;
    const bool sooner = !faulty_ && (!urgent_.empty() || results_.size() >= options_.group);
    if (running_ || !something || !(due || sooner)) {
        return;
    }
    start_job();
}

void Committer::finish() {
    {
        const std::lock_guard lock(mutex_);
        start_job();
    }
    writer_.drain();
}

void Committer::start_job() {
    running_ = true;
    last_start_ = clock_.now();
    writer_.submit(std::make_unique<Job>(*this));
}

// On the writer's thread ----------------------------------------------------------------------------------------------

void Committer::run(store::WriteSession& session) {
    bool goes_on = true;
    while (goes_on) {
        std::unique_ptr<Group> group = std::move(unfinished_);
        goes_on = group != nullptr;  // after an old group the new results have their turn at once
        if (!group) {
            group = gather();
            kill_point("commit.gathered");
        }
        const bool published = !group->placed.empty() || publish_images(session, *group);
        if (published && record(session, *group)) {
            faulty_ = false;
            acknowledge(*group);
        } else {
            faulty_ = true;
            goes_on = false;
            unfinished_ = std::move(group);
        }
    }
    if (options_.journal != nullptr) {
        options_.journal->seal_if_due();
    }
    const std::lock_guard lock(mutex_);
    running_ = false;
}

std::unique_ptr<Committer::Group> Committer::gather() {
    auto group = std::make_unique<Group>();
    group->started = clock_.now();
    group->now = clock_.wall_now();
    const std::lock_guard lock(mutex_);
    group->wishes = take_wishes();
    group->results = std::exchange(results_, {});
    group->notes = std::exchange(notes_, {});
    group->sites = std::exchange(sites_, {});
    return group;
}

// The notes of hosts that asked to be left alone; they stay among the others. (What has ended with a host is counted, and so
// written once.) With the lock held.
Committer::Wishes Committer::take_wishes() {
    Wishes wishes;
    for (const HostId host : std::exchange(urgent_, {})) {
        if (const auto note = notes_.find(host); note != notes_.end() && note->second.ended == 0) {
            wishes.insert(*note);
        }
    }
    return wishes;
}

// Beside this thread, which is not taken for stuck meanwhile. Where no thread is to be had it is deferred: made here.
template <class Work>
auto Committer::while_disk_works(store::WriteSession& session, Work work, const std::function<void()>& meanwhile) {
    auto done = std::async(std::launch::async | std::launch::deferred, std::move(work));
    const SteadyTime begun = clock_.now();
    do {
        if (clock_.now() - begun < kLongestDiskWork) {
            session.note_turn();
        }
        meanwhile();
    } while (done.wait_for(kWishLook) == std::future_status::timeout);
    return done.get();
}

// Those that came while the group was under way.
Committer::Wishes Committer::newer_wishes(Group& group) {
    const std::lock_guard lock(mutex_);
    Wishes wishes = take_wishes();
    for (const auto& [host, wish] : wishes) {
        if (const auto older = group.notes.find(host); older != group.notes.end()) {
            const std::uint64_t ended = older->second.ended;
            older->second = wish;  // or the group would take it back
            older->second.ended = ended;
        }
    }
    return wishes;
}

// Step 1. A slow disk does not keep a host's wish from being on record: those that come meanwhile are written meanwhile.
Result<void> Committer::sync_images(store::WriteSession& session, Group& group) {
    const auto meanwhile = [&] {
        Wishes wishes = std::exchange(group.wishes, {});
        if (wishes.empty()) {
            wishes = newer_wishes(group);
        }
        if (!wishes.empty()) {
            write_wishes(session, wishes);
        }
    };
    return while_disk_works(session, [this] { return layout_.sync(); }, meanwhile);
}

// What fails here is tried again, and told, with the group.
void Committer::write_wishes(store::WriteSession& session, const Wishes& wishes) {
    std::vector<LinesBack> lines_back;
    const auto written = session.transact([&](store::WriteTxn& txn) -> Result<void> {
        RecordWriter writer(txn, hosts_, clock_.wall_now(), log_, options_.journal != nullptr);
        if (const auto begun = writer.begin(); !begun) {
            return begun;
        }
        for (const auto& [host, note] : wishes) {
            if (const auto noted = writer.note(host, note); !noted) {
                return noted;
            }
        }
        lines_back = writer.take_lines_back();
        if (const auto done = writer.finish(); !done) {
            return done;
        }
        return write_lines(options_.journal, txn, writer.journal_lines());
    });
    if (written && !lines_back.empty()) {
        listener_.lines_back(lines_back);
    }
    kill_point("commit.wishes_written");
}

// Steps 1 to 3. @return false if it is to be tried again: nothing is lost by that.
bool Committer::publish_images(store::WriteSession& session, Group& group) {
    group.temp_names.resize(group.results.size());
    bool any = false;
    for (std::size_t i = 0; i < group.results.size(); ++i) {
        auto& image = group.results[i].image;
        if (image && group.temp_names[i].empty()) {
            // Before the sync, so that it is known what the sync is to cover.
            group.temp_names[i] = image->file.release();
        }
        any = any || image.has_value();
    }
    if (!any) {
        group.placed.assign(group.results.size(), Placed{});
        return true;
    }
    kill_point("commit.released");
    if (const auto synced = sync_images(session, group); !synced) {
        bounce_images(session, group, synced.error());
        return true;
    }
    kill_point("commit.synced");
    bounce_lost(group);
    if (const auto planned = session.transact([&](store::WriteTxn& txn) { return plan(txn, group); }); !planned) {
        listener_.fault(store::outcome_of(planned.error()), planned.error().message());
        group.placed.clear();
        return false;
    }
    kill_point("commit.intended");
    const archive::Publishing published = while_disk_works(session, [this] { return layout_.publish(); }, [] {});
    if (published) {
        kill_point("commit.published");
        bounce_lost(group);
        return true;
    }
    if (published.again) {
        listener_.fault(archive::outcome_of(published.error), published.error.message());
        group.placed.clear();
        return false;
    }
    bounce_images(session, group, published.error);
    return true;
}

// A place whose first record was deleted while others name its file is not free (opt-outs).
Result<bool> Committer::is_free(const store::Txn& txn, const std::string& location) const {
    const std::string claim = layout_.claim_of(location);
    for (const std::string& name : {location, claim}) {
        const auto spoken_for = store::get_removal(txn, name);
        if (spoken_for) {
            return false;
        }
        if (spoken_for.error() != store::Errc::not_found) {
            return {boost::system::in_place_error, spoken_for.error()};
        }
        if (name == claim) {
            break;
        }
    }
    return true;
}

// @return the location that a new image gets.
Result<std::string> Committer::place(const store::Txn& txn, archive::Arrival arrival) {
    for (;; ++arrival.copy) {
        const auto free = is_free(txn, layout_.propose(arrival));
        if (!free) {
            return free.error();
        }
        if (*free) {
            return layout_.accept(std::move(arrival));
        }
    }
}

// @return where equal bytes are; empty if they are nowhere, or that is not to be looked at.
Result<std::string> Committer::twin_of(const store::Txn& txn, const store::Sha256& digest,
                                       const std::map<store::Sha256, std::string>& in_group) const {
    if (!options_.dedupe_content) {
        return std::string();
    }
    auto known = store::get_content(txn, digest);
    if (!known && known.error() != store::Errc::not_found) {
        return known;
    }
    // One that nobody can read now is no reason to throw this one away.
    if (known && !layout_.is_out(*known)) {
        return known;
    }
    const auto twin = in_group.find(digest);
    return twin != in_group.end() ? twin->second : std::string();
}

Result<archive::Arrival> Committer::arrival_of(const store::Txn& txn, const Settlement& settlement,
                                               const std::string& temp_name, WallTime now) const {
    const fetch::Image& image = *settlement.image;
    archive::Arrival arrival;
    arrival.temp_name = temp_name;
    arrival.size = image.size;
    arrival.sha256 = image.sha256;
    arrival.ordinal = settlement.task->ordinal;
    arrival.extension = media::extension_of(image.type);
    if (layout_.sidecars() == archive::Sidecars::none) {
        return arrival;
    }
    auto line = store::get_line(txn, arrival.ordinal);
    if (!line && line.error() != store::Errc::not_found && line.error() != store::Errc::corrupt &&
        line.error() != store::Errc::newer_row) {
        return line.error();
    }
    if (!line) {
        log_.error("commit.annotation_missing", {{"ordinal", arrival.ordinal}, {"error", line.error().message()}});
    }
    arrival.companions = companions_of(layout_.sidecars(), line ? std::string_view(*line) : std::string_view(), settlement,
                                       now);
    return arrival;
}

// Where each image goes: to a place of its own, or nowhere if its bytes are there already. Repeatable.
Result<void> Committer::plan(store::WriteTxn& txn, Group& group) {
    layout_.begin();
    group.placed.assign(group.results.size(), Placed{});
    std::map<store::Sha256, std::string> in_group;
    for (std::size_t i = 0; i < group.results.size(); ++i) {
        const auto& image = group.results[i].image;
        if (!image) {
            continue;
        }
        auto twin = twin_of(txn, image->sha256, in_group);
        if (!twin) {
            return twin.error();
        }
        if (!twin->empty()) {
            group.placed[i] = Placed{std::move(*twin), true};
            continue;
        }
        auto arrival = arrival_of(txn, group.results[i], group.temp_names[i], group.now);
        auto location = arrival ? place(txn, std::move(*arrival)) : Result<std::string>(arrival.error());
        if (!location) {
            return location.error();
        }
        group.placed[i] = Placed{std::move(*location), false};
        in_group.emplace(image->sha256, group.placed[i].location);
    }
    if (options_.journal != nullptr) {
        // Only so that the sync of the images covers it; what goes wrong here goes wrong again where it counts.
        static_cast<void>(options_.journal->stage(txn, expected_journal_lines(group.results, group.placed, hosts_, group.now)));
    }
    return note_intents(txn, layout_.intents());
}

// The disk lost the images, or may have: they are fetched again. Nothing of them may stay, nothing is recorded.
void Committer::bounce_images(store::WriteSession& session, Group& group, const ErrorCode& error) {
    listener_.fault(archive::outcome_of(error), error.message());
    if (options_.journal != nullptr) {
        options_.journal->distrust();
    }
    if (const auto withdrawn = layout_.withdraw(); !withdrawn) {
        log_.error("commit.images_kept", {{"error", withdrawn.error().message()}});
    }
    const auto noted = session.transact([this](store::WriteTxn& txn) { return note_intents(txn, layout_.intents()); });
    if (!noted) {
        log_.error("commit.intents_kept", {{"error", noted.error().message()}});
    }
    give_back(group, [](const Settlement& result, std::size_t) { return result.image.has_value(); });
    group.placed.assign(group.results.size(), Placed{});
}

// Of several volumes one went out: its images are fetched again, the others of the group go on.
void Committer::bounce_lost(Group& group) {
    const bool is_placed = !group.placed.empty();
    std::vector<bool> lost(group.results.size(), false);
    std::set<std::string> gone;
    for (std::size_t i = 0; i < group.results.size(); ++i) {
        const bool is_twin = is_placed && group.placed[i].duplicate;
        lost[i] = group.results[i].image && !is_twin && layout_.lost(group.temp_names[i]);
        if (lost[i] && is_placed) {
            gone.insert(group.placed[i].location);
        }
    }
    for (std::size_t i = 0; i < group.results.size() && !gone.empty(); ++i) {
        lost[i] = lost[i] || (group.results[i].image && gone.contains(group.placed[i].location));
    }
    if (std::none_of(lost.begin(), lost.end(), [](bool one) { return one; })) {
        return;
    }
    if (!layout_.takes_images()) {
        listener_.fault(Outcome::store_error, "no image volume can be used");
    }
    if (options_.journal != nullptr) {
        options_.journal->distrust();
    }
    give_back(group, [&lost](const Settlement&, std::size_t i) { return lost[i]; });
}

// These are fetched again, the others stay in the group.
void Committer::give_back(Group& group, const std::function<bool(const Settlement&, std::size_t)>& which) {
    std::vector<frontier::TaskPtr> tasks;
    Group rest;
    for (std::size_t i = 0; i < group.results.size(); ++i) {
        Settlement& result = group.results[i];
        if (!which(result, i)) {
            rest.results.push_back(std::move(result));
            rest.temp_names.push_back(std::move(group.temp_names[i]));
            if (!group.placed.empty()) {
                rest.placed.push_back(std::move(group.placed[i]));
            }
            continue;
        }
        discard(group.temp_names[i]);
        // The try is charged to nobody.
        result.task->attempts = static_cast<std::uint8_t>(std::max(result.task->attempts - 1, 0));
        result.task->spent = Milliseconds(0);
        tasks.push_back(std::move(result.task));
    }
    const std::size_t bounced = tasks.size();
    group.results = std::move(rest.results);
    group.temp_names = std::move(rest.temp_names);
    group.placed = std::move(rest.placed);
    listener_.bounced(std::move(tasks));
    uncommitted_.fetch_sub(bounced, std::memory_order_relaxed);
    recorded_.fetch_add(bounced);
}

void Committer::discard(const std::string& temp_name) {
    if (const auto discarded = layout_.discard(temp_name); !discarded) {
        log_.warning("commit.temporary_kept", {{"error", discarded.error().message()}});  // until the next start
    }
}

// Step 4.
bool Committer::record(store::WriteSession& session, Group& group) {
    std::int64_t waiting_change = 0;
    const auto write = [&](store::WriteTxn& txn) -> Result<void> {
        RecordWriter writer(txn, hosts_, group.now, log_, options_.journal != nullptr, options_.dedupe_content);
        if (const auto begun = writer.begin(); !begun) {
            return begun;
        }
        for (std::size_t i = 0; i < group.results.size(); ++i) {
            if (const auto settled = writer.settle(group.results[i], group.placed[i]); !settled) {
                return settled;
            }
        }
        for (const auto& [host, note] : group.notes) {
            if (const auto noted = writer.note(host, note); !noted) {
                return noted;
            }
        }
        for (const auto& [origin, row] : group.sites) {
            if (const auto noted = writer.note_site(origin, row); !noted) {
                return noted;
            }
        }
        waiting_change = writer.waiting_change();
        group.lines_back = writer.take_lines_back();
        if (const auto done = writer.finish(); !done) {
            return done;
        }
        if (const auto told = write_lines(options_.journal, txn, writer.journal_lines()); !told) {
            return told;
        }
        for (const archive::ShardMark& mark : layout_.marks()) {
            if (const auto noted = store::put_shard(txn, mark.shard, {mark.bytes, mark.samples, mark.sealed, mark.volume}); !noted) {
                return noted;
            }
        }
        if (options_.schedule != nullptr) {
            if (const auto noted = store::put_clock(txn, options_.schedule->mark()); !noted) {
                return noted;
            }
        }
        return layout_.empty() ? Result<void>() : note_intents(txn, layout_.left_behind());
    };
    if (const auto written = session.transact(write); !written) {
        listener_.fault(journal::outcome_of(written.error()), written.error().message());
        return false;
    }
    kill_point("commit.recorded");
    layout_.committed();
    add_waiting(waiting_change);
    return true;
}

// Step 5.
void Committer::acknowledge(Group& group) {
    std::vector<Acknowledgement> done;
    bool stored = false;
    for (std::size_t i = 0; i < group.results.size(); ++i) {
        Settlement& result = group.results[i];
        done.push_back(Acknowledgement{result.task->home, result.task->hash, result.outcome == Outcome::duplicate_url,
                                       result.task->retry, result.task->line, ending_of(result)});
        if (!result.image) {
            continue;
        }
        stored = true;
        if (group.placed[i].duplicate) {
            discard(group.temp_names[i]);
            kill_point("commit.twin_discarded");
        } else {
            metrics_.stored_bytes.add(result.image->size);
        }
    }
    if (stored) {
        metrics_.last_success.set(clock_.wall_now());
    }
    metrics_.commit_duration.observe(clock_.now() - group.started);
    // Told first, counted down then: who sees nothing uncommitted knows that all has been handed on.
    listener_.committed(done);
    if (!group.lines_back.empty()) {
        listener_.lines_back(group.lines_back);
    }
    const auto ends = std::count_if(group.notes.begin(), group.notes.end(), [](const auto& note) { return note.second.ended > 0; });
    uncommitted_.fetch_sub(group.results.size() + static_cast<std::size_t>(ends), std::memory_order_relaxed);
    recorded_.fetch_add(group.results.size());
    kill_point("commit.acknowledged");
}

}  // namespace grit::crawl
