#include "grit/crawl/shard.hpp"

#include "manners.hpp"

#include "grit/metrics/metrics.hpp"
#include "grit/robots/rules.hpp"

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

namespace {

constexpr std::size_t kSitePolicyBytes = std::size_t{64} << 20;
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

net::Resolver::Options resolver_options(const config::Config& config, net::NetworkWatch& network) {
    net::Resolver::Options options;
    options.watch = &network;
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
    const config::Filter& filter = config.filter;
    options.filter.min_bytes = filter.min_bytes;
    options.filter.least = {filter.min_width, filter.min_height};
    options.filter.most = {filter.max_width, filter.max_height};
    options.filter.min_area = filter.min_area;
    options.filter.max_area = filter.max_area;
    options.filter.max_aspect = filter.max_aspect;
    for (const std::string& digest : filter.placeholders) {
        options.filter.placeholders.insert(media::parse_sha256(digest).value());
    }
    return options;
}

politeness::ObeyedFiles obeyed_files(const config::Config& config) {
    return {config.politeness.robots, config.politeness.tdmrep};
}

// The host's pace, asked when the request is ready to go out.
class LeaseGate final : public net::SendGate {
  public:
    LeaseGate(frontier::Frontier& frontier, Lease& lease, const politeness::BlocklistPtr& blocklist)
        : frontier_(frontier), lease_(lease), blocklist_(blocklist) {}
    [[nodiscard]] bool may_send() override { return frontier_.may_send(lease_); }
    void written() override { frontier_.written(lease_); }
    [[nodiscard]] bool may_dial(const asio::ip::address& address) override {
        const politeness::Block* block = blocklist_ ? blocklist_->of_address(address) : nullptr;
        if (block != nullptr) {
            refusal_ = politeness::blocked_detail(*block);
        }
        return block == nullptr;
    }
    /// Why an address was not dialled; empty if none was blocked.
    [[nodiscard]] std::string& refusal() noexcept { return refusal_; }

  private:
    frontier::Frontier& frontier_;
    Lease& lease_;
    const politeness::BlocklistPtr& blocklist_;  // the shard's: it may change under way
    std::string refusal_;
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
      classes_(host_classes_of(context.config, down_schedule_)),
      sites_(kSitePolicyBytes, obeyed_files(context.config)),
      frontier_(context.env, context.hosts, classes_, sites_, context.schedule, context.log),
      resolver_(std::make_unique<net::Resolver>(io_, resolver_options(context.config, context.network), context.clock, context.metrics)),
      client_(io_, client_options(context.config, max_in_flight), *resolver_, context.guard, context.tls,
              context.address_limits, context.metrics, context.clock),
      fetcher_(client_, context.images, context.disk, fetch_options(context.config), context.metrics, context.clock),
      wakeup_(io_),
      fetches_(io_),
      loop_(io_),
      ending_(io_) {
    heartbeat_ = context.clock.now();
    frontier_.measure_with(context.metrics.politeness_wait, context.metrics.schedule_lag);
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
        politeness::HostClasses classes = host_classes_of(config, shard.down_schedule_);
        const bool same_hosts = classes.finds_as(shard.classes_);
        shard.classes_ = std::move(classes);
        if (!same_hosts) {
            shard.frontier_.classes_changed();
        }
        shard.fetcher_.set_options(fetch_options(config));
    });
}

void Shard::set_blocklist(politeness::BlocklistPtr list) {
    submit_verdicts();  // of the list before: who takes a block back looks for all that it has ended
    frontier_.set_blocklist(list);
    blocklist_ = std::move(list);
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
            prefetch_names();
        }
        look_for_network();
        submit_verdicts();
        publish_counts();
        SteadyTime until = now + kLongestSleep;
        const bool may_lease = !draining_ && !context_.paused.load(std::memory_order_relaxed) &&
                               in_flight() < max_in_flight_ && context_.committer.uncommitted() < Committer::kBacklog;
        if (may_lease) {
            // A host that is ready although nothing was leased: lease() looks at a bounded number of hosts per call.
            until = frontier_.has_ready() ? now + Milliseconds(1) : std::min(until, frontier_.next_due());
        }
        co_await wakeup_.wait_until(until);
        if (const SteadyTime woken = context_.clock.now(); woken >= until) {
            context_.metrics.event_loop_lag.observe(woken - until);
        }
    }
}

void Shard::lease_what_may_be_asked() {
    while (in_flight() < max_in_flight_ && context_.committer.uncommitted() < Committer::kBacklog) {
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
    LeaseGate gate(frontier_, lease, blocklist_);
    const bool for_site = task.kind == Task::Kind::site;
    Fetched result;
    if (task.adoption) {
        fetch::LocalImage source{task.adoption->file, task.adoption->offset, task.adoption->size, task.adoption->modified_ns,
                                 task.adoption->may_link};
        result = co_await fetcher_.local_image(std::move(source));
        end_adoption(std::move(lease), std::move(result));
        co_return;
    }
    if (for_site) {
        result = co_await fetcher_.site_file(task.question.file, task.url, gate);
    } else {
        result = co_await fetcher_.image(task.url, task.spent, gate);
    }
    co_await doubt_network(result);
    const bool address_blocked = result.outcome == Outcome::address_refused && !gate.refusal().empty();
    if (address_blocked) {
        result.detail = std::move(gate.refusal());
    }
    if (for_site) {
        end_site(std::move(lease), std::move(result), address_blocked);
    } else {
        end_image(std::move(lease), std::move(result));
    }
}

void Shard::submit_verdicts() {
    for (frontier::Verdict& verdict : frontier_.take_verdicts()) {
        end_verdict(std::move(verdict));
    }
    for (const frontier::HostEnd& end : frontier_.take_host_ends()) {
        const HostNote note = note_of(frontier_, end.host, end.lines);
        context_.committer.note(end.host, note);
        const auto as = outcome_of_number(note.gone_as);
        context_.log.info("host.given_up", {{"host", context_.hosts.info(end.host).name},
                                            {"lines", end.lines},
                                            {"as", as ? name_of(*as) : "looked at again"}});
    }
}

void Shard::end_verdict(frontier::Verdict verdict) {
    Fetched result;
    result.outcome = verdict.outcome;
    result.detail = std::move(verdict.detail);
    if (verdict.task->kind == Task::Kind::site) {
        if (verdict.outcome == Outcome::opted_out || verdict.outcome == Outcome::address_refused) {
            site_blocked(*verdict.task);
            return;
        }
        // Where the answer was said to be nobody may be asked: that is no word on the host that said so.
        result.outcome = Outcome::robots_denied;
        site_failed(verdict.task->question, result, verdict.again_in);
        return;
    }
    if (verdict.again_in) {
        const std::int64_t now_ms = context_.schedule.wall_now().time_since_epoch().count();
        settle(std::move(verdict.task), std::move(result), now_ms + std::max<std::int64_t>(verdict.again_in->count(), 1));
        return;
    }
    if (verdict.outcome == Outcome::robots_denied) {
        context_.metrics.robots_decisions(metrics::RobotsDecision::denied).add();
    }
    settle(std::move(verdict.task), std::move(result), std::nullopt);
}

// For others ----------------------------------------------------------------------------------------------------------

void Shard::remember(HostId host, bool urgent) {
    context_.committer.note(host, note_of(frontier_, host), urgent);
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
