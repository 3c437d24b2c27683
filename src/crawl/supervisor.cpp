#include "grit/crawl/supervisor.hpp"

#include "stats_files.hpp"

#include "grit/base/kill_point.hpp"
#include "grit/metrics/metrics.hpp"
#include "retry_mend.hpp"

#include <boost/asio/post.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <thread>
#include <utility>

namespace grit::crawl {
namespace asio = boost::asio;
using frontier::Task;
using frontier::TaskPtr;

namespace {

constexpr Milliseconds kTick{25};
constexpr Milliseconds kFeedInterval{250};
constexpr Milliseconds kVolumeInterval{1'000};
constexpr Milliseconds kMeasureInterval{1'000};
constexpr Milliseconds kEndLookInterval{100};
constexpr std::size_t kRetriesPerFeed = 2'000;
// How long the crawl rests after a fault of our own, before it tries again.
constexpr Milliseconds kFaultPause{5'000};
constexpr Milliseconds kDescriptorPause{1'000};
constexpr Milliseconds kAdoptionPause{10'000};
constexpr std::size_t kDiskThreads = 2;

std::size_t shard_count(const config::Config& config) {
    if (config.fetch.shards > 0) {
        return config.fetch.shards;
    }
    return std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, 64);
}

std::size_t in_flight_each(const config::Config& config) {
    return std::max<std::size_t>(config.fetch.max_in_flight / shard_count(config), 1);
}

net::TlsContext::Options tls_options(const config::Config& config) {
    net::TlsContext::Options options;
    options.waivers.insert(config.tls.waivers.begin(), config.tls.waivers.end());
    options.verify = config.tls.verify;
    options.ca_file = config.tls.ca_file;
    return options;
}

Ingestor::Options ingest_options(const Supervisor::Parts& parts, std::function<void(Outcome, const std::string&)> on_fault) {
    Ingestor::Options options;
    options.on_fault = std::move(on_fault);
    options.input = parts.config.input;
    options.state_dir = parts.config.state.dir;
    options.accept_unfinished_tail = parts.once;
    options.journal = parts.journal;
    options.keep_lines = parts.volumes.sidecars() != archive::Sidecars::none;
    return options;
}

Committer::Options commit_options(const Supervisor::Parts& parts, const ScheduleClock& schedule) {
    Committer::Options options;
    options.journal = parts.journal;
    options.dedupe_content = parts.config.storage.dedupe_content;
    options.schedule = &schedule;
    return options;
}

}  // namespace

Supervisor::Supervisor(const Parts& parts)
    : parts_(parts),
      schedule_(parts.clock),
      tls_(tls_options(parts.config)),
      guard_(parts.config.network.allow),
      address_limits_(parts.config.politeness.connections_per_address),
      disk_(kDiskThreads),
      committer_(parts.writer, parts.volumes, hosts_, parts.metrics, parts.clock, parts.log, *this, commit_options(parts, schedule_)),
      ingestor_(ingest_options(parts, [this](Outcome outcome, const std::string& what) { fault(outcome, what); }), parts.env, parts.writer, hosts_, parts.metrics, parts.log,
                [this](RunId run, const std::vector<store::RunHost>& hosts) { run_committed(run, hosts); }),
      removals_(parts.env, parts.writer, parts.volumes, parts.log),
      opt_out_(OptOut::Parts{parts.env, parts.writer, parts.volumes, hosts_, parts.clock, parts.log, removals_,
                             [this] { return committer_.submitted(); }, [this] { return committer_.recorded(); }, parts.journal}),
      verify_(Verify::Parts{parts.env, parts.writer, parts.volumes, parts.clock, schedule_, parts.log, *this, removals_,
                            [this] { return committer_.submitted(); }, [this] { return committer_.recorded(); }, parts.journal}),
      held_(parts.env, parts.log),
      timer_(parts.control) {
    const ShardContext context{parts.config,    parts.env, hosts_,          committer_,      parts.volumes, disk_,
                               tls_,            guard_,    address_limits_, network_, parts.metrics,   parts.clock, schedule_,   parts.log,
                               paused_};
    retry_mend_ = std::make_unique<RetryMend>(parts.writer, parts.log, [this](std::int64_t change) { committer_.add_waiting(change); });
    if (parts.volumes.sidecars() == archive::Sidecars::img2dataset) {
        stats_files_ = std::make_unique<StatsFiles>(parts.env, parts.volumes, parts.log);
    }
    Crossing& crossing = *this;
    for (std::size_t i = 0; i < shard_count(parts.config); ++i) {
        shards_.push_back(std::make_unique<Shard>(context, crossing, in_flight_each(parts.config)));
    }
}

Supervisor::~Supervisor() { stop(); }

// Taking over ---------------------------------------------------------------------------------------------------------

Checked<void> Supervisor::load() {
    if (const auto clean = clean_up_after_crash(); !clean) {
        return clean;
    }
    remove_due_images();
    return take_up_state();
}

void Supervisor::expect_adoptions() {
    for (const auto& shard : shards_) {
        shard->post([](Shard& told) { told.frontier().expect_adoptions(); });
    }
}

Shard& Supervisor::shard_of(HostId host) { return *shards_[hosts_.info(host).partition % shards_.size()]; }

void Supervisor::start(std::function<void(OnceEnd)> on_once_end) {
    on_once_end_ = std::move(on_once_end);
    started_ = true;
    watch_volumes();
    update_pause();
    parts_.volumes.watch(kVolumeInterval);
    for (const auto& shard : shards_) {
        shard->start();
    }
    ingestor_.start();
    if (stats_files_) {
        stats_files_->start();
    }
    if (const auto resumed = opt_out_.resume(); !resumed) {
        parts_.log.error("optout.not_resumed", {{"problem", resumed.error().what}});
    }
    owes_repair_ = true;
    finish_repairs();
    schedule_tick();
}

// Steering ------------------------------------------------------------------------------------------------------------

void Supervisor::pause(std::string reason) {
    operator_pause_ = reason.empty() ? "paused by the operator" : std::move(reason);
    update_pause();
}

void Supervisor::resume() {
    operator_pause_.reset();
    {
        const std::lock_guard lock(mutex_);
        own_fault_.reset();
    }
    update_pause();
}

void Supervisor::drain() {
    draining_ = true;
    for (const auto& shard : shards_) {
        shard->drain();
    }
}

bool Supervisor::drained() const {
    return std::all_of(shards_.begin(), shards_.end(), [](const auto& shard) { return shard->in_flight() == 0; });
}

void Supervisor::stop() {
    if (stopped_.exchange(true)) {
        return;
    }
    timer_.cancel();
    opt_out_.stop();
    verify_.stop();
    removals_.stop();
    retry_mend_->stop();
    held_.stop();
    ingestor_.stop();
    for (const auto& shard : shards_) {
        if (!started_) {
            shard->start();
        }
        shard->stop();
    }
    for (const auto& shard : shards_) {
        shard->join();
    }
    committer_.finish();
    parts_.volumes.close();
    if (started_) {
        watch_volumes();  // one that went out since the last look is told of
    }
    if (stats_files_) {
        stats_files_->stop();
        const auto written = parts_.once && started_ ? stats_files_->write() : Checked<void>();
        if (!written) {
            parts_.log.warning("stats_files.not_written", {{"problem", written.error().what}});
        }
    }
    disk_.join();
    parts_.volumes.stop_watch();
}

void Supervisor::apply(const config::Config& config) {
    for (const auto& shard : shards_) {
        shard->apply(config, in_flight_each(config));
    }
}

void Supervisor::rescan_inputs() { ingestor_.rescan(); }

void Supervisor::update_pause() {
    const SteadyTime now = parts_.clock.now();
    std::string reason;
    if (operator_pause_) {
        reason = *operator_pause_;
    } else {
        reason = volume_trouble_;
    }
    const std::lock_guard lock(mutex_);
    // Without a network the shards ask the name servers, and nobody else, until one answers.
    if (own_fault_ && now >= own_fault_->until && !network_.down()) {
        own_fault_.reset();
    }
    if (reason.empty() && own_fault_) {
        reason = own_fault_->reason;
    }
    if (reason != pause_reason_) {
        if (reason.empty()) {
            parts_.log.info("crawl.resumed");
            paused_since_ = SteadyTime::max();
        } else {
            parts_.log.warning("crawl.paused", {{"reason", reason}});
            paused_since_ = std::min(paused_since_, now);
        }
        pause_reason_ = reason;
    }
    const bool pausing = !reason.empty();
    if (pausing != paused_.exchange(pausing)) {
        for (const auto& shard : shards_) {
            shard->post([](Shard&) {});  // wakes it
        }
    }
    parts_.metrics.paused.set(pausing ? 1 : 0);
}

// What other threads say ----------------------------------------------------------------------------------------------

void Supervisor::committed(const std::vector<Acknowledgement>& done) {
    ++activity_;
    if (!done.empty()) {
        const std::lock_guard lock(mutex_);
        trouble_since_ = SteadyTime::max();
    }
    std::vector<std::vector<Acknowledgement>> by_shard(shards_.size());
    for (const Acknowledgement& one : done) {
        if (one.retry) {
            retry_feed_.settled(*one.retry);
        }
        if (one.home != kNoHost) {
            by_shard[hosts_.info(one.home).partition % shards_.size()].push_back(one);
        }
    }
    for (std::size_t i = 0; i < shards_.size(); ++i) {
        if (by_shard[i].empty()) {
            continue;
        }
        shards_[i]->post([mine = std::move(by_shard[i])](Shard& shard) {
            for (const Acknowledgement& one : mine) {
                if (one.duplicate) {
                    shard.frontier().acknowledge_duplicate(one.home, one.line);
                } else {
                    shard.frontier().acknowledge(one.home, one.hash, one.line, one.ending);
                }
            }
        });
    }
}

void Supervisor::lines_back(const std::vector<LinesBack>& back) {
    for (const LinesBack& one : back) {
        on_shard_of(one.host, [one](frontier::Frontier& frontier) { frontier.lines_back(one.host, one.lines, one.first_run); });
    }
}

void Supervisor::put_back(std::uint64_t records, const std::vector<LinesBack>& hosts) {
    committer_.add_waiting(static_cast<std::int64_t>(records));
    for (const LinesBack& one : hosts) {
        on_shard_of(one.host, [this, one](frontier::Frontier& frontier) {
            frontier.forgive(one.host);
            if (one.lines > 0) {
                frontier.lines_back(one.host, one.lines, one.first_run);
            }
            committer_.note(one.host, note_of(frontier, one.host));
        });
    }
}

void Supervisor::bounced(std::vector<TaskPtr> tasks) {
    for (TaskPtr& task : tasks) {
        route(std::move(task));
    }
}

void Supervisor::fault(Outcome outcome, const std::string& what) {
    rest_for(outcome == Outcome::out_of_descriptors ? kDescriptorPause : kFaultPause, fmt::format("{}: {}", name_of(outcome), what));
}

void Supervisor::adoption_unreachable(const std::string& what) {
    rest_for(kAdoptionPause, fmt::format("an adopted folder can not be reached: {} (what is noted of it is not asked for, unless gritctl adopt "
                                         "--forget --force gives it up)", what));
}

void Supervisor::rest_for(Milliseconds time, std::string reason) {
    {
        const std::lock_guard lock(mutex_);
        trouble_since_ = std::min(trouble_since_, parts_.clock.now());
        own_fault_ = OwnFault{std::move(reason), parts_.clock.now() + time};
    }
    paused_ = true;  // at once; the control thread says so with its next tick
}

void Supervisor::route(TaskPtr task) {
    ++activity_;
    Shard& shard = shard_of(hosts_.find_or_add(task->url.host));
    // std::function wants a copyable callable.
    auto shared = std::make_shared<TaskPtr>(std::move(task));
    shard.post([shared](Shard& target) { target.frontier().push(std::move(*shared)); });
}

void Supervisor::on_shard_of(HostId host, std::function<void(frontier::Frontier&)> what) {
    ++activity_;
    shard_of(host).post([what = std::move(what)](Shard& shard) { what(shard.frontier()); });
}

void Supervisor::run_committed(RunId run, const std::vector<store::RunHost>& hosts) {
    ++activity_;
    std::vector<std::vector<store::RunHost>> by_shard(shards_.size());
    for (const store::RunHost& host : hosts) {
        by_shard[hosts_.info(host.host).partition % shards_.size()].push_back(host);
    }
    for (std::size_t i = 0; i < shards_.size(); ++i) {
        shards_[i]->post([run, mine = std::move(by_shard[i])](Shard& shard) {
            for (const store::RunHost& host : mine) {
                shard.frontier().add_lines(host.host, run, host.lines);
            }
        });
    }
}

// The control thread's turns ------------------------------------------------------------------------------------------

void Supervisor::schedule_tick() {
    timer_.expires_after(kTick);
    timer_.async_wait([this](const ErrorCode& error) {
        if (!error && !stopped_) {
            tick();
            schedule_tick();
        }
    });
}

void Supervisor::tick() {
    const SteadyTime now = parts_.clock.now();
    committer_.tick();
    if (parts_.env.closed()) {
        parts_.log.error("state.closed", {{"what", "the disk refused a header of the state: it has to be opened anew"}});
        std::exchange(on_once_end_, [](OnceEnd) {})(OnceEnd::faulty);
        return;
    }
    if (now >= next_volume_look_) {
        next_volume_look_ = now + kVolumeInterval;
        watch_volumes();
        finish_repairs();
    }
    update_pause();
    if (now >= next_feed_) {
        next_feed_ = now + kFeedInterval;
        feed_due_retries();
    }
    if (now >= next_measure_) {
        next_measure_ = now + kMeasureInterval;
        measure();
        watch_the_clock();
    }
    if (parts_.once && now >= next_end_look_) {
        next_end_look_ = now + kEndLookInterval;
        look_for_end();
    }
}

// Hands retries whose time has come to their shards.
void Supervisor::feed_due_retries() {
    // After a rebuild an image that comes before its annotation would be stored without it.
    if (draining_ || paused_ || ingestor_.progress().reads_again) {
        return;
    }
    const SteadyTime start = parts_.clock.now();
    const std::int64_t now_ms = schedule_.wall_now().time_since_epoch().count();
    const auto due = retry_feed_.take_due(parts_.env, now_ms, kRetriesPerFeed);
    if (!due) {
        parts_.log.error("retries.read_failed", {{"error", due.error().message()}});
        return;
    }
    retry_mend_->mend(retry_feed_.take_damaged());
    auto txn = parts_.env.read();
    if (!txn) {
        retry_feed_.put_back(*due);
        parts_.log.error("retries.read_failed", {{"error", txn.error().message()}});
        return;
    }
    // A look costs what is out: while that is much it is taken less often.
    next_feed_ = std::max(next_feed_, start + 20 * (parts_.clock.now() - start));
    for (const store::Retry& retry : *due) {
        const auto record = store::get_record(*txn, retry.key.record);
        auto url = record ? url::canonicalize(record->url) : Result<url::CanonicalUrl>(record.error());
        if (!url) {
            parts_.log.error("retries.record_damaged", {{"error", url.error().message()}});
            continue;
        }
        auto task = std::make_unique<Task>();
        task->home = retry.key.record.host;
        task->hash = retry.key.record.hash;
        task->ordinal = record->ordinal;
        task->raw_url = record->url;
        task->url = std::move(*url);
        task->retry = retry.key;
        task->attempts = record->attempts;
        task->first_ms = record->first_ms;
        route(std::move(task));
    }
}

// Is it done? ---------------------------------------------------------------------------------------------------------

// What every shard says of itself, asked after all that was posted to it before.
struct Supervisor::Probe {
    std::atomic<std::size_t> missing;
    std::atomic<std::uint64_t> busy{0};       // requests, verdicts
    std::atomic<std::uint64_t> remaining{0};  // lines and tasks
    std::mutex mutex;
    SteadyTime earliest = SteadyTime::max();
    std::uint64_t activity = 0;
};

void Supervisor::look_for_end() {
    const IngestProgress input = ingestor_.progress();
    if (!input.problem.empty()) {
        parts_.log.error("crawl.input_failed", {{"problem", input.problem}});
        std::exchange(on_once_end_, [](OnceEnd) {})(OnceEnd::failed);
        return;
    }
    if (in_trouble_for_long()) {
        std::exchange(on_once_end_, [](OnceEnd) {})(OnceEnd::faulty);
        return;
    }
    if (probing_ || !input.complete) {
        return;
    }
    probing_ = true;
    auto probe = std::make_shared<Probe>();
    probe->missing = shards_.size();
    probe->activity = activity_;
    for (const auto& shard : shards_) {
        shard->post([this, probe](Shard& asked) {
            const frontier::FrontierCounts counts = asked.frontier().counts();
            probe->busy += asked.in_flight() + counts.open + counts.verdicts;
            probe->remaining += counts.remaining;
            {
                const std::lock_guard lock(probe->mutex);
                probe->earliest = std::min(probe->earliest, asked.frontier().earliest_work());
            }
            if (--probe->missing == 0) {
                asio::post(parts_.control, [this, probe] { judge_end(*probe); });
            }
        });
    }
}

bool Supervisor::in_trouble_for_long() const {
    const std::lock_guard lock(mutex_);
    return trouble_since_ != SteadyTime::max() &&
           parts_.clock.now() - trouble_since_ > parts_.config.retry.once_patience + kFaultPause;
}

// The end is believed when two looks in a row found nothing under way and nothing was handed over between them.
void Supervisor::judge_end(const Probe& probe) {
    probing_ = false;
    const SteadyTime now = parts_.clock.now();
    const SteadyTime patience_ends = now + parts_.config.retry.once_patience;
    const bool paused_for_long = paused_ && paused_since_ != SteadyTime::max() &&
                                 now - paused_since_ > parts_.config.retry.once_patience;
    const bool quiet = std::exchange(activity_at_last_probe_, probe.activity) == probe.activity &&
                       activity_ == probe.activity && committer_.uncommitted() == 0 && probe.busy == 0;
    if (stopped_ || !quiet || opt_out_.running() || is_repairing()) {
        return;
    }
    if (probe.remaining == 0 && committer_.waiting() == 0) {
        std::exchange(on_once_end_, [](OnceEnd) {})(OnceEnd::settled);
        return;
    }
    bool due_soon = probe.earliest <= patience_ends && !paused_for_long;
    // What has been handed out already waits in the frontier, and is part of the probe.
    const auto retry = retry_feed_.earliest(parts_.env);
    const std::int64_t wall_end = (schedule_.wall_now().time_since_epoch() + parts_.config.retry.once_patience).count();
    due_soon = due_soon || (!paused_for_long && retry && *retry && **retry <= wall_end);
    if (!due_soon) {
        std::exchange(on_once_end_, [](OnceEnd) {})(OnceEnd::waiting);
    }
}

}  // namespace grit::crawl
