// What the supervisor shows of the crawl: numbers, hosts, and the operator's retry.
#include "grit/crawl/supervisor.hpp"

#include "grit/metrics/metrics.hpp"

#include <algorithm>
#include <future>
#include <utility>

namespace grit::crawl {
namespace {

// Rates are taken over so many looks, a second apart.
constexpr std::size_t kSamples = 30;
// The shards' walk over all their hosts costs milliseconds: it is not taken with each look.
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
    if (looks_++ % kLooksPerWalk == 0) {
        ask_for_longest_host();
    }
    const CrawlStatus now = status();
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
    metrics.hosts(HostState::ready).set(as_gauge(now.hosts.ready + now.hosts.parked));
    metrics.hosts(HostState::active).set(as_gauge(now.hosts.active));
    metrics.hosts(HostState::backoff).set(as_gauge(now.hosts.backoff));
    metrics.hosts(HostState::open_circuit).set(as_gauge(now.hosts.down));
    metrics.hosts(HostState::drained).set(as_gauge(now.hosts.finished));
    const store::EnvStats state = parts_.env.stats();
    metrics.state_map_used_bytes.set(as_gauge(state.used_bytes));
    metrics.state_map_size_bytes.set(as_gauge(state.map_bytes));
    if (const auto volume = parts_.depot.free_space()) {
        metrics.volume_free_bytes.set(as_gauge(volume->free_bytes));
    }
}

// When the last host will be through at its present pace; the answers come later.
void Supervisor::ask_for_longest_host() {
    longest_host_ends_ = SteadyTime();
    for (const auto& shard : shards_) {
        shard->post([this](Shard& asked) {
            const std::vector<frontier::HostView> longest = asked.frontier().largest(1);
            if (longest.empty()) {
                return;
            }
            const frontier::HostView& host = longest.front();
            const SteadyTime ends = parts_.clock.now() + host.next_in + host.interval * static_cast<std::int64_t>(host.remaining);
            boost::asio::post(parts_.control, [this, ends] { longest_host_ends_ = std::max(longest_host_ends_, ends); });
        });
    }
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
        status.hosts.backoff += counts.backoff;
        status.hosts.down += counts.down;
        status.hosts.finished += counts.finished;
        status.hosts.remaining += counts.remaining;
    }
    status.input = ingestor_.progress();
    status.draining = draining_;
    {
        const std::lock_guard lock(mutex_);
        status.paused = paused_;
        status.pause_reason = pause_reason_;
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
    const std::uint64_t left = status.hosts.remaining + status.in_flight + status.waiting;
    if (left == 0 && status.input.complete) {
        status.eta_seconds = 0;
    } else if (status.fetches_per_second > 0 && !status.paused) {
        // The host that takes longest bounds the crawl, however fast the others are.
        const auto by_rate = static_cast<std::uint64_t>(static_cast<double>(left) / status.fetches_per_second);
        const auto longest = std::chrono::duration_cast<std::chrono::seconds>(longest_host_ends_ - parts_.clock.now());
        status.eta_seconds = std::max(by_rate, static_cast<std::uint64_t>(std::max<std::int64_t>(longest.count(), 0)));
    }
    return status;
}

// For operators -------------------------------------------------------------------------------------------------------

std::optional<frontier::HostView> Supervisor::host(std::string_view name) {
    const auto id = hosts_.find(name);
    if (!id) {
        return std::nullopt;
    }
    auto answer = std::make_shared<std::promise<std::optional<frontier::HostView>>>();
    shard_of(*id).post([answer, id = *id](Shard& shard) { answer->set_value(shard.frontier().view(id)); });
    return answer->get_future().get();
}

std::vector<frontier::HostView> Supervisor::largest_hosts(std::size_t limit) {
    std::vector<frontier::HostView> all;
    for (const auto& shard : shards_) {
        auto answer = std::make_shared<std::promise<std::vector<frontier::HostView>>>();
        shard->post([answer, limit](Shard& asked) { answer->set_value(asked.frontier().largest(limit)); });
        const std::vector<frontier::HostView> some = answer->get_future().get();
        all.insert(all.end(), some.begin(), some.end());
    }
    std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.remaining > b.remaining; });
    all.resize(std::min(all.size(), limit));
    return all;
}

Checked<std::uint64_t> Supervisor::requeue(const RequeueFilter& filter) {
    RequeueListener& listener = *this;
    Requeue requeue(parts_.env, parts_.writer, parts_.clock, parts_.log, listener, stopped_);
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
