// What the supervisor shows of the crawl: numbers, hosts, and the operator's retry.
#include "grit/crawl/supervisor.hpp"

#include "stats_files.hpp"

#include "grit/metrics/metrics.hpp"

#include <algorithm>
#include <utility>

namespace grit::crawl {
namespace {

// Rates are taken over so many looks, a second apart.
constexpr std::size_t kSamples = 30;
// The shards' walk over all their hosts costs tens of milliseconds: it is not taken with each look.
constexpr std::size_t kLooksPerWalk = 10;

}  // namespace

// Numbers -------------------------------------------------------------------------------------------------------------

void Supervisor::measure() {
    metrics::Metrics& metrics = parts_.metrics;
    Sample sample{parts_.clock.now()};
    for (const metrics::Counter& fetches : metrics.fetches.all()) {
        sample.fetches += fetches.value();
    }
    sample.stored = metrics.fetches(Outcome::stored).value();
    sample.bytes = metrics.downloaded_bytes.value();
    samples_.push_back(sample);
    if (samples_.size() > kSamples) {
        samples_.erase(samples_.begin());
    }
    const CrawlStatus now = status();
    if (looks_++ % kLooksPerWalk == 0 || now.input.complete != input_was_complete_) {
        input_was_complete_ = now.input.complete;
        ask_for_longest_host();
    }
    const bool idle = now.input.complete && now.hosts.remaining + now.in_flight + now.waiting == 0 && committer_.uncommitted() == 0;
    if (stats_files_ && idle && !std::exchange(was_idle_, idle)) {
        stats_files_->ask();
    }
    was_idle_ = idle;
    std::uint64_t done = 0;
    std::uint64_t failed = 0;
    for (const Outcome outcome : kAllOutcomes) {
        (disposition_of(outcome) == Disposition::done ? done : failed) += now.totals.outcomes[index_of(outcome)];
    }
    using metrics::HostState;
    using metrics::RecordState;
    const auto as_gauge = [](std::uint64_t value) { return static_cast<std::int64_t>(value); };
    metrics.records(RecordState::pending).set(as_gauge(now.hosts.remaining));
    metrics.records(RecordState::active).set(as_gauge(now.in_flight));
    metrics.records(RecordState::retry_wait).set(as_gauge(now.waiting));
    metrics.records(RecordState::done).set(as_gauge(done));
    metrics.records(RecordState::failed).set(as_gauge(failed));
    metrics.hosts(HostState::ready).set(as_gauge(now.hosts.ready));
    metrics.hosts(HostState::active).set(as_gauge(now.hosts.active));
    metrics.hosts(HostState::paced).set(as_gauge(now.hosts.parked));
    metrics.hosts(HostState::awaits_site).set(as_gauge(now.hosts.site));
    metrics.hosts(HostState::awaits_domain).set(as_gauge(now.hosts.domain));
    metrics.hosts(HostState::backoff).set(as_gauge(now.hosts.backoff));
    metrics.hosts(HostState::open_circuit).set(as_gauge(now.hosts.down));
    metrics.hosts(HostState::drained).set(as_gauge(now.hosts.finished));
    show_next_due();
    const store::EnvStats state = parts_.env.stats();
    metrics.state_map_used_bytes.set(as_gauge(state.used_bytes));
    metrics.state_map_size_bytes.set(as_gauge(state.map_bytes));
}

// The soonest of all shards, in wall time.
void Supervisor::show_next_due() {
    SteadyTime due = SteadyTime::max();
    for (const auto& shard : shards_) {
        due = std::min(due, shard->earliest_work());
    }
    const auto wait = due == SteadyTime::max() ? Milliseconds(0)
                                               : std::chrono::duration_cast<Milliseconds>(due - parts_.clock.now());
    parts_.metrics.next_due.set(due == SteadyTime::max() ? WallTime() : parts_.clock.wall_now() + wait);
}

CrawlStatus Supervisor::status() const {
    CrawlStatus status;
    if (auto txn = parts_.env.read()) {
        if (const auto totals = store::get_totals(*txn)) {
            status.totals = *totals;
        }
    }
    status.waiting = committer_.waiting();
    status.uncommitted = committer_.uncommitted();
    for (const auto& shard : shards_) {
        const frontier::FrontierCounts counts = shard->counts();
        status.in_flight += shard->in_flight();
        status.hosts.known += counts.known;
        status.hosts.ready += counts.ready;
        status.hosts.active += counts.active;
        status.hosts.parked += counts.parked;
        status.hosts.site += counts.site;
        status.hosts.domain += counts.domain;
        status.hosts.backoff += counts.backoff;
        status.hosts.down += counts.down;
        status.hosts.finished += counts.finished;
        status.hosts.remaining += counts.remaining;
    }
    status.input = ingestor_.progress();
    status.draining = draining_;
    status.paused_by_operator = operator_pause_.has_value();
    status.max_in_flight = parts_.config.fetch.max_in_flight;
    {
        const std::lock_guard lock(mutex_);
        status.paused = paused_;
        // A fault stops the shards at once; the control thread says so with its next tick.
        status.pause_reason = pause_reason_.empty() && own_fault_ ? own_fault_->reason : pause_reason_;
    }
    if (samples_.size() >= 2) {
        const Sample& first = samples_.front();
        const Sample& last = samples_.back();
        const double seconds = std::chrono::duration<double>(last.at - first.at).count();
        if (seconds > 0) {
            status.fetches_per_second = static_cast<double>(last.fetches - first.fetches) / seconds;
            status.stored_per_second = static_cast<double>(last.stored - first.stored) / seconds;
            status.bytes_per_second = static_cast<double>(last.bytes - first.bytes) / seconds;
        }
    }
    estimate_end(status);
    return status;
}

// The host that takes longest bounds the crawl, however fast the others are.
void Supervisor::estimate_end(CrawlStatus& status) const {
    status.longest_host = longest_host_;
    std::uint64_t bound = 0;
    if (longest_host_) {
        const auto left = std::chrono::duration_cast<Milliseconds>(longest_host_ends_ - parts_.clock.now());
        status.longest_host->eta = std::max(left, Milliseconds(0));
        bound = static_cast<std::uint64_t>(std::chrono::ceil<std::chrono::seconds>(status.longest_host->eta).count());
    }
    const std::uint64_t left = status.hosts.remaining + status.in_flight + status.waiting;
    if (left == 0 && status.input.complete) {
        status.eta_seconds = 0;
        status.longest_host.reset();  // as of the last look there was one
    } else if (status.fetches_per_second > 0 && !status.paused) {
        const auto by_rate = static_cast<std::uint64_t>(static_cast<double>(left) / status.fetches_per_second);
        status.eta_seconds = std::max(by_rate, bound);
    } else if (bound > 0 && !status.paused) {
        status.eta_seconds = bound;  // nobody could be asked lately: the longest host is all that is known
    }
}

// For operators -------------------------------------------------------------------------------------------------------

Checked<std::uint64_t> Supervisor::requeue(const RequeueFilter& filter) {
    RequeueListener& listener = *this;
    Requeue requeue(parts_.env, parts_.writer, parts_.clock, schedule_, parts_.log, listener, stopped_, parts_.journal);
    return requeue.run(filter);
}

SteadyTime Supervisor::oldest_heartbeat() const {
    SteadyTime oldest = parts_.writer.heartbeat();
    for (const auto& shard : shards_) {
        oldest = std::min(oldest, shard->heartbeat());
    }
    return oldest;
}

}  // namespace grit::crawl
