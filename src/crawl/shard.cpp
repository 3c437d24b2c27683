#include "grit/crawl/shard.hpp"

#include "grit/metrics/metrics.hpp"
#include "grit/robots/rules.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <cassert>
#include <utility>

namespace grit::crawl {
namespace asio = boost::asio;
using asio::awaitable;
using fetch::Fetched;
using frontier::Lease;
using frontier::Task;
using frontier::TaskPtr;
using politeness::Answer;

namespace {

constexpr std::size_t kRobotsCacheBytes = std::size_t{64} << 20;
// RFC 9309 section 2.3.1.2: at least five consecutive redirects are followed.
constexpr std::uint8_t kMaxRobotsRedirects = 5;
// Results that wait for their commit: beyond it the shard leases nothing (a slow disk slows the crawl, not memory).
constexpr std::size_t kMaxUncommitted = 20'000;
// A host whose address has its number of connections looks again after this.
constexpr Milliseconds kBusyAddressWait{250};
constexpr Milliseconds kLongestSleep{250};

net::Client::Options client_options(const config::Config& config, std::size_t max_in_flight) {
    net::Client::Options options;
    options.connect_timeout = config.fetch.connect_timeout;
    options.first_byte_timeout = config.fetch.first_byte_timeout;
    options.idle_timeout = config.fetch.idle_timeout;
    options.min_rate = config.fetch.min_rate;
    options.user_agent = config.fetch.user_agent;
    options.port_map = config.network.port_map;
    options.max_idle_connections = max_in_flight;
    return options;
}

net::Resolver::Options resolver_options(const config::Config& config) {
    net::Resolver::Options options;
    options.servers = config.dns.servers;
    // A retry that is answered from the cache would be none: failures are forgotten before the first one.
    options.failure_ttl = std::min(options.failure_ttl, config.retry.schedule.front() / 2);
    return options;
}

fetch::FetchOptions fetch_options(const config::Config& config) {
    fetch::FetchOptions options;
    options.total_timeout = config.fetch.total_timeout;
    options.max_body = config.fetch.max_body;
    options.product_token = robots::product_token_of(config.fetch.user_agent);
    options.disallowed_directives = config.politeness.disallowed_directives;
    options.tdm_reservation = config.politeness.tdm_reservation;
    return options;
}

politeness::Manners manners_of(const config::Config& config, std::span<const Milliseconds> down_schedule) {
    politeness::Manners manners;
    manners.connections_per_host = config.politeness.connections_per_host;
    manners.connections_per_domain = config.politeness.connections_per_domain;
    manners.min_interval = config.politeness.min_interval;
    manners.max_interval = config.politeness.max_interval;
    manners.down_schedule = down_schedule;
    return manners;
}

// What an outcome says of the host's strength.
Answer answer_of(Outcome outcome) {
    switch (outcome) {
        case Outcome::timeout_first_byte:
        case Outcome::timeout_total:
        case Outcome::too_slow:
        case Outcome::connection_reset:
        case Outcome::http_server_error:
        case Outcome::http_too_many_requests:
        case Outcome::http_unavailable:
            return Answer::strained;
        default:
            break;
    }
    const Disposition disposition = disposition_of(outcome);
    return disposition == Disposition::own_fault || disposition == Disposition::host_down ? Answer::none : Answer::good;
}

// The host's pace, asked when the request is ready to go out.
class LeaseGate final : public net::SendGate {
  public:
    LeaseGate(frontier::Frontier& frontier, Lease& lease) : frontier_(frontier), lease_(lease) {}
    [[nodiscard]] bool may_send() override { return frontier_.may_send(lease_); }

  private:
    frontier::Frontier& frontier_;
    Lease& lease_;
};

}  // namespace

Shard::Shard(const ShardContext& context, Crossing& crossing, std::size_t max_in_flight)
    : context_(context),
      config_(context.config),
      crossing_(crossing),
      max_in_flight_(max_in_flight),
      random_(std::random_device{}()),
      io_(1),
      keep_running_(io_.get_executor()),
      down_schedule_(context.config.retry.schedule.begin(), context.config.retry.schedule.end()),
      manners_(manners_of(context.config, down_schedule_)),
      robots_(kRobotsCacheBytes),
      frontier_(context.env, context.hosts, manners_, context.config.politeness.robots ? &robots_ : nullptr,
                context.clock, context.log),
      resolver_(std::make_unique<net::Resolver>(io_, resolver_options(context.config), context.clock, context.metrics)),
      client_(io_, client_options(context.config, max_in_flight), *resolver_, context.guard, context.tls,
              context.address_limits, context.metrics, context.clock),
      fetcher_(client_, context.depot, context.disk, fetch_options(context.config), context.metrics, context.clock),
      wakeup_(io_),
      fetches_(io_),
      loop_(io_),
      ending_(io_) {
    heartbeat_ = context.clock.now();
}

Shard::~Shard() { assert(!thread_.joinable() && "stop() and join() a Shard before it is destroyed"); }

void Shard::start() {
    asio::post(io_, [this] { loop_.spawn(run()); });
    thread_ = std::thread([this] { io_.run(); });
}

void Shard::post(std::function<void(Shard&)> what) {
    asio::post(io_, [this, what = std::move(what)] {
        what(*this);
        wakeup_.notify();
    });
}

void Shard::apply(const config::Config& config, std::size_t max_in_flight) {
    post([config, max_in_flight](Shard& shard) {
        shard.config_ = config;
        shard.max_in_flight_ = max_in_flight;
        shard.down_schedule_ = config.retry.schedule;
        shard.manners_ = manners_of(config, shard.down_schedule_);
        shard.fetcher_.set_options(fetch_options(config));
    });
}

void Shard::drain() {
    post([](Shard& shard) { shard.draining_ = true; });
}

void Shard::stop() {
    post([](Shard& shard) {
        if (std::exchange(shard.stopped_, true)) {
            return;
        }
        shard.draining_ = true;
        shard.client_.stop();
        shard.loop_.stop();
        shard.ending_.spawn(shard.end_work());
        shard.keep_running_.reset();
    });
}

// Cuts what is in flight and leaves the loop nothing to wait for.
// A cancellation that meets a composed operation between two of its reads is lost (Beast), so it is said again.
awaitable<void> Shard::end_work() {
    constexpr Milliseconds kAgain{20};
    asio::steady_timer timer(io_);
    while (fetches_.size() > 0) {
        fetches_.stop();
        timer.expires_after(kAgain);
        co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
    }
    co_await client_.join();
    resolver_.reset();
}

void Shard::join() {
    if (thread_.joinable()) {
        thread_.join();
    }
}

// The loop ------------------------------------------------------------------------------------------------------------

awaitable<void> Shard::run() {
    while (!stopped_) {
        const SteadyTime now = context_.clock.now();
        heartbeat_ = now;
        if (!draining_ && !context_.paused.load(std::memory_order_relaxed)) {
            lease_what_may_be_asked();
        }
        submit_verdicts();
        publish_counts();
        SteadyTime until = now + kLongestSleep;
        const bool may_lease = !draining_ && !context_.paused.load(std::memory_order_relaxed) &&
                               in_flight() < max_in_flight_ && context_.committer.uncommitted() < kMaxUncommitted;
        if (may_lease) {
            // A host that is ready although nothing was leased: lease() looks at a bounded number of hosts per call.
            until = frontier_.has_ready() ? now + Milliseconds(1) : std::min(until, frontier_.next_due());
        }
        co_await wakeup_.wait_until(until);
    }
}

void Shard::lease_what_may_be_asked() {
    while (in_flight() < max_in_flight_ && context_.committer.uncommitted() < kMaxUncommitted) {
        std::optional<Lease> lease = frontier_.lease();
        if (!lease) {
            return;
        }
        in_flight_.fetch_add(1, std::memory_order_relaxed);
        context_.metrics.in_flight.add();
        fetches_.spawn(work(std::move(*lease)));
    }
}

awaitable<void> Shard::work(Lease lease) {
    // Gives the slot back however the coroutine ends, by cancellation too.
    struct Slot {
        Shard& shard;
        ~Slot() {
            shard.in_flight_.fetch_sub(1, std::memory_order_relaxed);
            shard.context_.metrics.in_flight.subtract();
            shard.wakeup_.notify();
        }
    } slot{*this};
    Task& task = lease.task();
    if (task.first_ms == 0) {
        task.first_ms = context_.clock.wall_now().time_since_epoch().count();
    }
    LeaseGate gate(frontier_, lease);
    if (task.kind == Task::Kind::robots) {
        Fetched result = co_await fetcher_.robots(task.url, gate);
        end_robots(std::move(lease), std::move(result));
    } else {
        Fetched result = co_await fetcher_.image(task.url, task.spent, gate);
        end_image(std::move(lease), std::move(result));
    }
}

void Shard::submit_verdicts() {
    for (frontier::Verdict& verdict : frontier_.take_verdicts()) {
        end_verdict(std::move(verdict));
    }
}

void Shard::end_verdict(frontier::Verdict verdict) {
    Fetched result;
    result.outcome = verdict.outcome;
    result.detail = std::move(verdict.detail);
    if (verdict.task->kind == Task::Kind::robots) {
        const HostId asked = context_.hosts.find_or_add(verdict.task->url.host);
        robots_failed(std::move(verdict.task), asked, result);
        return;
    }
    if (verdict.outcome == Outcome::robots_denied) {
        context_.metrics.robots_decisions(metrics::RobotsDecision::denied).add();
    }
    settle(std::move(verdict.task), std::move(result), std::nullopt);
}

// The end of an image -------------------------------------------------------------------------------------------------

void Shard::end_image(Lease lease, Fetched result) {
    const HostId asked = lease.host();
    if (result.busy) {
        frontier_.hold(asked, kBusyAddressWait);
        frontier_.give_back(std::move(lease), Answer::none);
        return;
    }
    if (result.redirect) {
        follow_redirect(std::move(lease), std::move(result));
        return;
    }
    context_.metrics.fetches(result.outcome).add();
    switch (disposition_of(result.outcome)) {
        case Disposition::slow_host:
            back_off(std::move(lease), result);
            return;
        case Disposition::host_down:
            wait_for_host(std::move(lease), result);
            return;
        case Disposition::own_fault:
            if (result.outcome != Outcome::shutting_down) {
                crossing_.fault(result.outcome, result.detail);
            }
            frontier_.give_back(std::move(lease), Answer::none);
            return;
        case Disposition::done:
        case Disposition::gone:
        case Disposition::retry_url:
            break;
    }
    if (config_.politeness.robots) {
        context_.metrics.robots_decisions(metrics::RobotsDecision::allowed).add();
    }
    TaskPtr task = frontier_.finish(std::move(lease), answer_of(result.outcome), result.latency);
    remember(asked);
    retry_or_end(std::move(task), std::move(result));
}

void Shard::follow_redirect(Lease lease, Fetched result) {
    const HostId asked = lease.host();
    TaskPtr task = frontier_.finish(std::move(lease), Answer::good, result.latency);
    remember(asked);
    if (task->hops >= config_.fetch.max_redirects) {
        result.redirect.reset();
        result.outcome = Outcome::redirect_refused;
        result.detail = "more than max_redirects redirects";
        context_.metrics.fetches(result.outcome).add();
        retry_or_end(std::move(task), std::move(result));
        return;
    }
    ++task->hops;
    task->spent += result.spent;
    task->url = std::move(*result.redirect);
    crossing_.route(std::move(task));
}

void Shard::retry_or_end(TaskPtr task, Fetched result) {
    task->attempts = static_cast<std::uint8_t>(std::min(task->attempts + 1, 255));
    const auto& schedule = config_.retry.schedule;
    if (disposition_of(result.outcome) != Disposition::retry_url || task->attempts > schedule.size()) {
        settle(std::move(task), std::move(result), std::nullopt);
        return;
    }
    // +-20 %: what failed together is not asked again together.
    std::uniform_real_distribution<double> jitter(0.8, 1.2);
    const auto wait = static_cast<std::int64_t>(static_cast<double>(schedule[task->attempts - 1U].count()) * jitter(random_));
    context_.metrics.retries(metrics::RetryReason::retry_url).add();
    settle(std::move(task), std::move(result), context_.clock.wall_now().time_since_epoch().count() + std::max<std::int64_t>(wait, 1));
}

void Shard::settle(TaskPtr task, Fetched result, std::optional<std::int64_t> retry_at_ms) {
    Settlement settlement;
    settlement.task = std::move(task);
    settlement.outcome = result.outcome;
    settlement.retry_at_ms = retry_at_ms;
    settlement.http_status = result.http_status;
    settlement.detail = std::move(result.detail);
    settlement.image = std::move(result.image);
    context_.committer.submit(std::move(settlement));
}

// 429 and 503: the host asked for less.
void Shard::back_off(Lease lease, const Fetched& result) {
    const HostId asked = lease.host();
    const Milliseconds wait = frontier_.throttle(asked, result.retry_after, result.outcome);
    context_.metrics.retries(metrics::RetryReason::slow_host).add();
    context_.log.debug("host.back_off", {{"host", lease.task().url.host}, {"status", result.http_status}, {"wait_ms", wait.count()}});
    frontier_.give_back(std::move(lease), Answer::strained);
    remember(asked, true);
}

void Shard::wait_for_host(Lease lease, const Fetched& result) {
    const HostId asked = lease.host();
    const auto wait = frontier_.host_down(asked, result.outcome);
    context_.metrics.retries(metrics::RetryReason::host_down).add();
    context_.log.debug("host.down", {{"host", lease.task().url.host},
                                     {"outcome", name_of(result.outcome)},
                                     {"wait_ms", wait ? wait->count() : -1}});
    frontier_.give_back(std::move(lease), Answer::none);
    remember(asked);
}

// The end of a robots.txt ---------------------------------------------------------------------------------------------

void Shard::end_robots(Lease lease, Fetched result) {
    const HostId asked = lease.host();
    if (result.busy) {
        frontier_.hold(asked, kBusyAddressWait);
    }
    // Where a redirect leads may fail time after time: it must not count as the good answer that forgives failures.
    const bool says_nothing = result.busy || (result.redirect && !result.rules);
    TaskPtr task = frontier_.finish(std::move(lease), says_nothing ? Answer::none : answer_of(result.outcome), result.latency);
    const bool redirected_too_often = result.redirect && task->hops >= kMaxRobotsRedirects;
    const bool pointless = !result.redirect && !result.busy && disposition_of(result.outcome) == Disposition::gone;
    if (!result.rules && (redirected_too_often || pointless)) {
        // RFC 9309 section 2.3.1.2 and 2.3.1.3: the file may be taken as unavailable. (An address that the guard refuses
        // is refused for the image too.)
        result.redirect.reset();
        result.rules = robots::Rules::allow_all();
    }
    if (result.redirect) {
        ++task->hops;
        task->url = std::move(*result.redirect);
        remember(asked);
        crossing_.route(std::move(task));
        return;
    }
    if (!result.rules) {
        robots_failed(std::move(task), asked, result);
        return;
    }
    remember(asked);
    crossing_.on_shard_of(task->home, [home = task->home, origin = task->robots_origin,
                                       rules = std::move(*result.rules)](frontier::Frontier& frontier) {
        frontier.robots_known(home, origin, rules);
    });
}

// Nobody may be asked for an image of that host until its rules are known (RFC 9309 section 2.3.1.4).
void Shard::robots_failed(TaskPtr task, HostId asked, const Fetched& result) {
    const HostId home = task->home;
    const Disposition disposition = disposition_of(result.outcome);
    context_.metrics.robots_decisions(metrics::RobotsDecision::unreachable).add();
    std::optional<Milliseconds> retry_after = result.retry_after;
    if (disposition == Disposition::slow_host) {
        const Milliseconds wait = frontier_.throttle(asked, retry_after, Outcome::robots_denied);
        remember(asked, true);
        crossing_.on_shard_of(home, [home, wait](frontier::Frontier& frontier) {
            frontier.hold(home, wait);
            frontier.robots_unknown(home);
        });
        return;
    }
    if (disposition == Disposition::own_fault) {
        if (!result.busy && result.outcome != Outcome::shutting_down) {
            crossing_.fault(result.outcome, result.detail);
        }
        crossing_.on_shard_of(home, [home](frontier::Frontier& frontier) { frontier.robots_unknown(home); });
        return;
    }
    // A host that can not be reached at all is that, whatever was asked of it; else its rules keep us out.
    const Outcome as = disposition == Disposition::host_down ? result.outcome : Outcome::robots_denied;
    crossing_.on_shard_of(home, [&committer = context_.committer, home, as](frontier::Frontier& frontier) {
        static_cast<void>(frontier.host_down(home, as));
        frontier.robots_unknown(home);
        committer.note(home, HostNote{frontier.memory(home), frontier.gone_as(home)});
    });
}

// For others ----------------------------------------------------------------------------------------------------------

void Shard::remember(HostId host, bool urgent) {
    context_.committer.note(host, HostNote{frontier_.memory(host), frontier_.gone_as(host)}, urgent);
}

void Shard::publish_counts() {
    const std::lock_guard lock(counts_mutex_);
    counts_ = frontier_.counts();
    earliest_work_ = frontier_.earliest_work();
}

frontier::FrontierCounts Shard::counts() const {
    const std::lock_guard lock(counts_mutex_);
    return counts_;
}

SteadyTime Shard::earliest_work() const {
    const std::lock_guard lock(counts_mutex_);
    return earliest_work_;
}

SteadyTime Shard::heartbeat() const { return heartbeat_.load(); }

}  // namespace grit::crawl
