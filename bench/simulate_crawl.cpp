// A whole crawl under a virtual clock: the real frontier and gates over a real state, a simulated web, a judge.
//
// What is left out: the network, robots.txt, records. Which lines are settled is written for the hosts that refuse
// (what they have in memory may go back to the disk while they are left alone); for the others it is not, to save hours
// of fsync. Prints one JSON line: how long the crawl took beside the shortest time possible, what broke a rule, and
// what the same work costs in two simpler orders:
//   fifo       slots take the URLs in input order and wait for the host's turn; they know each host's limit (generous)
//   shuffled   a thread pool over shuffled URLs without any pace, as img2dataset; a URL that is refused is lost
#include <CLI/CLI.hpp>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <queue>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "grit/frontier/frontier.hpp"
#include "grit/frontier/run_builder.hpp"
#include "grit/store/tables.hpp"
#include "grit/store/writer.hpp"
#include "manual_clock.hpp"
#include "simulated_web.hpp"
#include "temp_folder.hpp"

namespace grit::bench {
namespace {

using frontier::Frontier;
using frontier::Lease;
using politeness::Answer;

constexpr std::array<Milliseconds, 2> kDownSchedule{Milliseconds(60'000), Milliseconds(600'000)};
constexpr std::int64_t kRefusalNs = 20'000'000;  // a 429 comes quickly
constexpr std::uint64_t kRunLines = 1'000'000;
constexpr std::size_t kCommit = 2'000;
// Hosts with fewer URLs are not looked at for whether their pace has settled.
constexpr std::uint32_t kSettles = 2'000;

struct Options {
    WebOptions web;
    std::size_t slots = 2000;
    unsigned min_interval_ms = 100;
};

struct Bound {
    double longest_host_s = 0;    // max over hosts of URLs x interval
    double longest_served_s = 0;  // the same where the latency of two connections is more than the interval
    double work_s = 0;            // all latencies / slots
    [[nodiscard]] double seconds() const { return std::max(longest_host_s, work_s); }
};

/// When so much of the URLs had been answered.
struct Milestones {
    double half_s = 0;
    double nine_tenths_s = 0;
    double nearly_all_s = 0;  // 99 %

    void note(std::uint64_t done, std::uint64_t all, double at_s) {
        (done == all / 2          ? half_s
         : done == all / 10 * 9   ? nine_tenths_s
         : done == all / 100 * 99 ? nearly_all_s
                                  : ignored_) = at_s;
    }
    [[nodiscard]] std::string text() const {
        return "{\"50\": " + std::to_string(std::llround(half_s)) +
               ", \"90\": " + std::to_string(std::llround(nine_tenths_s)) +
               ", \"99\": " + std::to_string(std::llround(nearly_all_s)) + "}";
    }

  private:
    double ignored_ = 0;
};

struct Report {
    double makespan_s = 0;
    Milestones done;
    double wall_s = 0;
    std::uint64_t events = 0;
    std::uint64_t refusals = 0;
    std::uint64_t settled_requests = 0;  // of limited hosts in the second half of their URLs
    std::uint64_t settled_refusals = 0;
};

double status_mb(const char* field) {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with(field)) {
            return std::strtod(line.c_str() + line.find(':') + 1, nullptr) / 1024;
        }
    }
    return 0;
}

double since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// The data set in a state of its own.
class State {
  public:
    explicit State(const SimulatedWeb& web) : env_(store::Env::open(folder_.path()).value()), writer_(*env_, clock_) {
        counts_.resize(web.options().hosts);
        ids_.resize(web.options().hosts, kNoHost);
        for (std::uint64_t url = 0; url < web.options().urls;) {
            add_run(web, url, std::min(url + kRunLines, web.options().urls));
            url = std::min(url + kRunLines, web.options().urls);
        }
    }

    void load_into(Frontier& frontier) {
        const store::ReadTxn txn = env_->read().value();
        const auto done = store::for_each_run(txn, [&](RunId run, const std::vector<store::RunHost>& lines) {
            for (const store::RunHost& host : lines) {
                frontier.add_lines(host.host, run, host.lines);
            }
            return true;
        });
        done.value();
    }

    /// Writes which lines are settled, in one commit.
    void settle(const std::vector<frontier::TaskPtr>& tasks) {
        writer_
            .transact([&](store::WriteTxn& txn) -> Result<void> {
                for (const frontier::TaskPtr& task : tasks) {
                    auto progress = store::get_progress(txn, task->line->block);
                    if (!progress) {
                        return progress.error();
                    }
                    progress->set(task->line->entry);
                    if (const auto put = store::put_progress(txn, task->line->block, *progress); !put) {
                        return put;
                    }
                }
                return {};
            })
            .value();
    }

    store::Env& env() { return *env_; }
    frontier::HostTable& hosts() { return hosts_; }
    test::ManualClock& clock() { return clock_; }
    /// URLs by rank.
    [[nodiscard]] const std::vector<std::uint32_t>& counts() const { return counts_; }
    [[nodiscard]] std::uint32_t rank(HostId id) const { return ranks_[id]; }
    [[nodiscard]] double bytes_per_url() const {
        return static_cast<double>(env_->stats().used_bytes) / static_cast<double>(urls_);
    }

  private:
    void add_run(const SimulatedWeb& web, std::uint64_t begin, std::uint64_t end) {
        frontier::RunBuilder builder;
        for (std::uint64_t url = begin; url < end; ++url) {
            const std::uint32_t rank = web.rank_of(url);
            ++counts_[rank];
            const std::string name = SimulatedWeb::host_name(rank);
            if (ids_[rank] == kNoHost) {
                ids_[rank] = hosts_.find_or_add(name);
                ranks_.resize(std::max<std::size_t>(ranks_.size(), ids_[rank] + 1));
                ranks_[ids_[rank]] = rank;
            }
            builder.add(ids_[rank], url,
                        "https://" + name + "/wp-content/uploads/2018/02/photo-" + std::to_string(url) + ".jpg");
        }
        builder.sort();
        const RunId run = next_run_++;
        const std::vector<HostId> fresh = hosts_.take_unsaved();
        writer_
            .transact([&](store::WriteTxn& txn) -> Result<void> {
                const auto saved = frontier::save_hosts(txn, fresh, hosts_);
                return saved ? builder.write(txn, run, hosts_) : saved;
            })
            .value();
        urls_ = end;
    }

    test::TempFolder folder_;
    test::ManualClock clock_;
    std::unique_ptr<store::Env> env_;
    store::Writer writer_;
    frontier::HostTable hosts_;
    RunId next_run_ = 1;
    std::uint64_t urls_ = 0;
    std::vector<std::uint32_t> counts_;
    std::vector<HostId> ids_;
    std::vector<std::uint32_t> ranks_;
};

Bound lower_bound(const SimulatedWeb& web, const State& state, const Options& options) {
    std::vector<std::int64_t> latency(web.options().hosts);
    Bound bound;
    for (std::uint64_t url = 0; url < web.options().urls; ++url) {
        const std::uint32_t rank = web.rank_of(url);
        const std::int64_t taken = web.latency_ns(rank, url);
        latency[rank] += taken;
        bound.work_s += static_cast<double>(taken) / 1e9 / static_cast<double>(options.slots);
    }
    for (std::uint32_t rank = 0; rank < web.options().hosts; ++rank) {
        const double limit = web.limit(rank);
        const double interval = std::max(options.min_interval_ms / 1e3, limit > 0 ? 1 / limit : 0);
        const double paced = state.counts()[rank] * interval;
        bound.longest_host_s = std::max(bound.longest_host_s, paced);
        bound.longest_served_s = std::max({bound.longest_served_s, paced, static_cast<double>(latency[rank]) / 2e9});
    }
    return bound;
}

/// Drives a frontier as a shard does.
class Simulation {
  public:
    Simulation(const SimulatedWeb& web, State& state, const Options& options)
        : web_(web),
          state_(state),
          classes_({.min_interval = Milliseconds(options.min_interval_ms), .down_schedule = kDownSchedule}),
          frontier_(state.env(), state.hosts(), classes_, sites_, state.clock(), log_),
          judge_(web.options().hosts, classes_.own().min_interval, classes_.own().connections_per_host,
                 classes_.own().connections_per_domain),
          limits_(web.options().hosts),
          served_(web.options().hosts),
          flights_(options.slots) {
        for (std::size_t slot = options.slots; slot > 0; --slot) {
            free_.push_back(static_cast<std::uint32_t>(slot - 1));
        }
        state.load_into(frontier_);
        start_ns_ = now_ns();
    }

    Report run() {
        const auto wall = std::chrono::steady_clock::now();
        while (true) {
            fill_slots();
            if (settled_ == web_.options().urls) {
                break;
            }
            std::int64_t next = ends_.empty() ? std::numeric_limits<std::int64_t>::max() : ends_.top().first;
            if (!free_.empty()) {
                next = std::min(next, frontier_.next_due().time_since_epoch().count());
            }
            if (next == std::numeric_limits<std::int64_t>::max()) {
                throw std::logic_error("nothing is under way and nobody is due, but URLs are left");
            }
            state_.clock().advance(std::chrono::nanoseconds(std::max<std::int64_t>(0, next - now_ns())));
            while (!ends_.empty() && ends_.top().first <= now_ns()) {
                const std::uint32_t slot = ends_.top().second;
                ends_.pop();
                end(slot);
            }
        }
        report_.makespan_s = static_cast<double>(now_ns() - start_ns_) / 1e9;
        report_.wall_s = since(wall);
        return report_;
    }

    [[nodiscard]] const Judge::Violations& violations() const { return judge_.violations(); }

  private:
    struct Flight {
        std::optional<Lease> lease;
        std::uint32_t rank = 0;
        std::uint64_t domain = 0;
        Milliseconds latency{0};
        bool refused = false;
    };

    [[nodiscard]] std::int64_t now_ns() const { return state_.clock().now().time_since_epoch().count(); }

    void fill_slots() {
        while (!free_.empty()) {
            auto lease = frontier_.lease();
            for (frontier::Verdict& verdict : frontier_.take_verdicts()) {
                throw std::logic_error("no URL of this web may end unasked: " + verdict.task->raw_url);
            }
            if (lease) {
                start(std::move(*lease));
            } else if (!frontier_.has_ready()) {
                return;
            }
        }
    }

    void start(Lease lease) {
        if (!frontier_.may_send(lease)) {
            throw std::logic_error("a lease that may not be sent at once");
        }
        const std::uint32_t slot = free_.back();
        free_.pop_back();
        Flight& flight = flights_[slot];
        const HostId host = lease.host();
        flight.rank = state_.rank(host);
        flight.domain = state_.hosts().info(host).domain;
        judge_.sent(flight.rank, flight.domain, now_ns());
        const double limit = web_.limit(flight.rank);
        flight.refused = limit > 0 && !limits_[flight.rank].admits(now_ns(), limit);
        const std::int64_t taken = flight.refused ? kRefusalNs : web_.latency_ns(flight.rank, lease.task().ordinal);
        flight.latency = Milliseconds(taken / 1'000'000);
        flight.lease.emplace(std::move(lease));
        ends_.emplace(now_ns() + taken, slot);
        if (limit > 0 && state_.counts()[flight.rank] >= kSettles &&
            served_[flight.rank] * 2 > state_.counts()[flight.rank]) {
            ++report_.settled_requests;
            report_.settled_refusals += flight.refused ? 1 : 0;
        }
    }

    void end(std::uint32_t slot) {
        Flight& flight = flights_[slot];
        Lease lease = std::move(*flight.lease);
        flight.lease.reset();
        free_.push_back(slot);
        judge_.ended(flight.rank, flight.domain);
        ++report_.events;
        if (flight.refused) {
            ++report_.refusals;
            const Milliseconds asked = web_.retry_after(flight.rank);
            if (asked.count() > 0) {
                judge_.asked_for_peace(flight.rank, now_ns() + asked.count() * 1'000'000);
            }
            frontier_.throttle(lease.host(), asked.count() > 0 ? std::optional(asked) : std::nullopt,
                               Outcome::http_too_many_requests);
            frontier_.give_back(std::move(lease), Answer::strained);
            return;
        }
        if (++served_[flight.rank] > state_.counts()[flight.rank]) {
            throw std::logic_error("a URL was asked for twice: " + lease.task().raw_url);
        }
        report_.done.note(++settled_, web_.options().urls, static_cast<double>(now_ns() - start_ns_) / 1e9);
        frontier::TaskPtr task = frontier_.finish(std::move(lease), Answer::good, flight.latency);
        if (web_.limit(flight.rank) <= 0) {
            frontier_.acknowledge(task->home, task->hash, task->line);
            return;
        }
        unsettled_.push_back(std::move(task));
        if (unsettled_.size() >= kCommit) {
            state_.settle(unsettled_);
            for (const frontier::TaskPtr& done : std::exchange(unsettled_, {})) {
                frontier_.acknowledge(done->home, done->hash, done->line);
            }
        }
    }

    const SimulatedWeb& web_;
    State& state_;
    politeness::HostClasses classes_;
    std::string log_text_;
    Logger log_{LogLevel::warning, log_text_};
    politeness::SitePolicies sites_{0, {.robots = false, .tdmrep = false}};
    Frontier frontier_;
    Judge judge_;
    std::vector<HiddenLimit> limits_;
    std::vector<std::uint32_t> served_;
    std::vector<Flight> flights_;
    std::vector<std::uint32_t> free_;
    using End = std::pair<std::int64_t, std::uint32_t>;
    std::priority_queue<End, std::vector<End>, std::greater<>> ends_;
    std::vector<frontier::TaskPtr> unsettled_;  // answered, not committed yet
    std::int64_t start_ns_ = 0;
    std::uint64_t settled_ = 0;
    Report report_;
};

/// Slots that become free take the next URL. @return when each slot is free, the earliest first.
class Slots {
  public:
    explicit Slots(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            free_at_.push(0);
        }
    }
    std::int64_t take() {
        const std::int64_t at = free_at_.top();
        free_at_.pop();
        return at;
    }
    void give(std::int64_t at) {
        free_at_.push(at);
        last_ = std::max(last_, at);
    }
    [[nodiscard]] double makespan_s() const { return static_cast<double>(last_) / 1e9; }

  private:
    std::priority_queue<std::int64_t, std::vector<std::int64_t>, std::greater<>> free_at_;
    std::int64_t last_ = 0;
};

struct InOrder {
    double makespan_s = 0;
    Milestones done;
};

InOrder first_in_first_out(const SimulatedWeb& web, const Options& options) {
    struct Host {
        std::int64_t next_at = 0;
        std::array<std::int64_t, 2> ends{};
    };
    std::vector<Host> hosts(web.options().hosts);
    Slots slots(options.slots);
    InOrder result;
    for (std::uint64_t url = 0; url < web.options().urls; ++url) {
        const std::uint32_t rank = web.rank_of(url);
        Host& host = hosts[rank];
        const double limit = web.limit(rank);
        const double interval = std::max(options.min_interval_ms / 1e3, limit > 0 ? 1 / limit : 0);
        std::int64_t& end = host.ends[0] < host.ends[1] ? host.ends[0] : host.ends[1];
        const std::int64_t start = std::max({slots.take(), host.next_at, end});
        host.next_at = start + static_cast<std::int64_t>(interval * 1e9);
        end = start + web.latency_ns(rank, url);
        slots.give(end);
        result.done.note(url + 1, web.options().urls, static_cast<double>(end) / 1e9);
    }
    result.makespan_s = slots.makespan_s();
    return result;
}

struct Unpaced {
    double makespan_s = 0;
    std::uint64_t too_close = 0;
    std::uint64_t too_many_open = 0;
    std::uint64_t lost = 0;
};

Unpaced shuffled_pool(const SimulatedWeb& web, const Options& options) {
    struct Host {
        std::int64_t last = -1'000'000'000'000;
        HiddenLimit limit;
        std::array<std::int64_t, 2> ends{};
    };
    std::vector<Host> hosts(web.options().hosts);
    Slots slots(options.slots);
    Unpaced result;
    // The hosts of the input are drawn independently: its order is a shuffled one.
    for (std::uint64_t url = 0; url < web.options().urls; ++url) {
        const std::uint32_t rank = web.rank_of(url);
        Host& host = hosts[rank];
        const std::int64_t start = slots.take();
        const double limit = web.limit(rank);
        const bool refused = limit > 0 && !host.limit.admits(start, limit);
        result.lost += refused ? 1 : 0;
        result.too_close += start - host.last < std::int64_t{options.min_interval_ms} * 1'000'000 ? 1 : 0;
        std::int64_t& end = host.ends[0] < host.ends[1] ? host.ends[0] : host.ends[1];
        result.too_many_open += end > start ? 1 : 0;
        host.last = start;
        end = std::max(end, start + (refused ? kRefusalNs : web.latency_ns(rank, url)));
        slots.give(start + (refused ? kRefusalNs : web.latency_ns(rank, url)));
    }
    result.makespan_s = slots.makespan_s();
    return result;
}

int run(const Options& options) {
    const SimulatedWeb web(options.web);
    const auto ingest = std::chrono::steady_clock::now();
    State state(web);
    const double ingest_s = since(ingest);
    const Bound bound = lower_bound(web, state, options);
    const double before_mb = status_mb("RssAnon");
    auto simulation = std::make_unique<Simulation>(web, state, options);
    const double loaded_mb = status_mb("RssAnon");
    const Report report = simulation->run();
    const Judge::Violations bad = simulation->violations();
    const double after_mb = status_mb("RssAnon");
    const double peak_mb = status_mb("VmHWM");
    simulation.reset();
    const InOrder fifo = first_in_first_out(web, options);
    const Unpaced pool = shuffled_pool(web, options);
    std::array<double, 3> load{};
    getloadavg(load.data(), 3);
    std::printf(
        "{\"bench\": \"simulate_crawl\", \"urls\": %llu, \"hosts\": %zu, \"slots\": %zu, \"zipf\": %.3f, "
        "\"largest_host_urls\": %u, ",
        static_cast<unsigned long long>(options.web.urls), state.hosts().size(), options.slots, web.exponent(),
        *std::max_element(state.counts().begin(), state.counts().end()));
    std::printf(
        "\"makespan_s\": %.1f, \"bound_s\": %.1f, \"ratio\": %.4f, \"bound_longest_host_s\": %.1f, \"bound_work_s\": "
        "%.1f, "
        "\"bound_with_latency_s\": %.1f, \"done_s\": %s, ",
        report.makespan_s, bound.seconds(), report.makespan_s / bound.seconds(), bound.longest_host_s, bound.work_s,
        std::max(bound.longest_served_s, bound.work_s), report.done.text().c_str());
    std::printf(
        "\"violations\": {\"interval\": %llu, \"open_per_host\": %llu, \"open_per_domain\": %llu, \"retry_after\": "
        "%llu}, ",
        static_cast<unsigned long long>(bad.interval), static_cast<unsigned long long>(bad.open_host),
        static_cast<unsigned long long>(bad.open_domain), static_cast<unsigned long long>(bad.retry_after));
    std::printf("\"refusals\": %llu, \"settled_refusal_share\": %.5f, \"settled_requests\": %llu, ",
                static_cast<unsigned long long>(report.refusals),
                static_cast<double>(report.settled_refusals) /
                    static_cast<double>(std::max<std::uint64_t>(report.settled_requests, 1)),
                static_cast<unsigned long long>(report.settled_requests));
    std::printf(
        "\"events\": %llu, \"events_per_second\": %.0f, \"wall_s\": %.1f, \"ingest_s\": %.1f, \"state_bytes_per_url\": "
        "%.1f, "
        "\"peak_rss_mb\": %.0f, \"anonymous_mb\": {\"before\": %.0f, \"loaded\": %.0f, \"after\": %.0f}, ",
        static_cast<unsigned long long>(report.events), static_cast<double>(report.events) / report.wall_s,
        report.wall_s, ingest_s, state.bytes_per_url(), peak_mb, before_mb, loaded_mb, after_mb);
    std::printf(
        "\"fifo\": {\"makespan_s\": %.1f, \"ratio\": %.3f, \"done_s\": %s}, \"shuffled\": {\"makespan_s\": %.1f, "
        "\"interval_violations\": %llu, "
        "\"open_violations\": %llu, \"lost_to_429\": %llu}, \"load\": %.2f}\n",
        fifo.makespan_s, fifo.makespan_s / bound.seconds(), fifo.done.text().c_str(), pool.makespan_s,
        static_cast<unsigned long long>(pool.too_close), static_cast<unsigned long long>(pool.too_many_open),
        static_cast<unsigned long long>(pool.lost), load[0]);
    return bad.interval + bad.open_host + bad.open_domain + bad.retry_after == 0 ? 0 : 1;
}

}  // namespace
}  // namespace grit::bench

int main(int argc, char** argv) {
    grit::bench::Options options;
    CLI::App app("A crawl under a virtual clock: makespan beside its lower bound, judged");
    app.add_option("--urls", options.web.urls)->capture_default_str();
    app.add_option("--hosts", options.web.hosts)->capture_default_str();
    app.add_option("--slots", options.slots, "requests open at once")->capture_default_str();
    app.add_option("--min-interval", options.min_interval_ms, "milliseconds")->capture_default_str();
    app.add_option("--limited", options.web.limited, "share of hosts with a hidden limit")->capture_default_str();
    app.add_option("--seed", options.web.seed)->capture_default_str();
    CLI11_PARSE(app, argc, argv);
    return grit::bench::run(options);
}
