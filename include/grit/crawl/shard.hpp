// One thread of the crawl: its hosts, its connections, its loop.
#pragma once

#include "grit/archive/depot.hpp"
#include "grit/async/task_group.hpp"
#include "grit/async/wakeup.hpp"
#include "grit/base/clock.hpp"
#include "grit/base/log.hpp"
#include "grit/config/config.hpp"
#include "grit/crawl/committer.hpp"
#include "grit/fetch/fetcher.hpp"
#include "grit/frontier/frontier.hpp"
#include "grit/net/address_guard.hpp"
#include "grit/net/address_limits.hpp"
#include "grit/net/client.hpp"
#include "grit/net/network_watch.hpp"
#include "grit/net/resolver.hpp"
#include "grit/net/tls_context.hpp"
#include "grit/politeness/blocklist.hpp"
#include "grit/politeness/site_policies.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <thread>
#include <vector>

namespace grit::metrics {
class Metrics;
}

namespace grit::crawl {

/// What all shards share. Everything outlives them.
struct ShardContext {
    const config::Config& config;  ///< each shard keeps a copy
    store::Env& env;
    frontier::HostTable& hosts;
    Committer& committer;
    archive::TempSource& images;
    boost::asio::thread_pool& disk;
    net::TlsContext& tls;
    const net::AddressGuard& guard;
    net::AddressLimits& address_limits;
    net::NetworkWatch& network;
    metrics::Metrics& metrics;
    const Clock& clock;
    const Clock& schedule;  ///< of times that are written down to be kept to (ScheduleClock)
    const Logger& log;
    std::atomic<bool>& paused;
};

/// What a shard asks of the crawl as a whole. Called on the shard's thread.
class Crossing {
  public:
    virtual ~Crossing() = default;
    /// Hands a task to the shard of its host.
    virtual void route(frontier::TaskPtr task) = 0;
    /// Runs something on the shard that owns a host.
    virtual void on_shard_of(HostId host, std::function<void(frontier::Frontier&)> what) = 0;
    /// Our own side is broken: the crawl pauses.
    virtual void fault(Outcome outcome, const std::string& what) = 0;
    /// The crawl pauses for a while: images that are to be taken over can not be reached.
    virtual void adoption_unreachable(const std::string& what) = 0;
};

/// Leases, fetches and settles, on a thread of its own.
///
/// Threads: `post`, `counts`, `earliest_work`, `heartbeat` from any; all else from the thread that made it.
/// Life: construct, fill the frontier by `post`, `start`, `drain` or not, `stop`, `join`.
class Shard {
  public:
    Shard(const ShardContext& context, Crossing& crossing, std::size_t max_in_flight);
    ~Shard();
    Shard(const Shard&) = delete;
    Shard& operator=(const Shard&) = delete;

    void start();
    /// Runs on the shard's thread, in the order posted; wakes its loop.
    void post(std::function<void(Shard&)> what);
    [[nodiscard]] frontier::Frontier& frontier() noexcept { return frontier_; }

    /// Takes over the keys that may change while the daemon runs, with the next fetch.
    void apply(const config::Config& config, std::size_t max_in_flight);
    /// What an operator has blocked, from now on. On the shard's thread, or before it starts.
    void set_blocklist(politeness::BlocklistPtr list);
    /// Leases nothing new; what is in flight goes on.
    void drain();
    /// Cuts what is in flight (it is asked again after the next start) and ends the thread's work.
    void stop();
    void join();

    /// As of the last look, at most a quarter of a second ago.
    [[nodiscard]] frontier::FrontierCounts counts() const;
    /// When there is something to do; SteadyTime::max() if nothing is known of.
    [[nodiscard]] SteadyTime earliest_work() const;
    [[nodiscard]] std::size_t in_flight() const noexcept { return in_flight_.load(std::memory_order_relaxed); }
    /// When the loop turned last: for the watchdog.
    [[nodiscard]] SteadyTime heartbeat() const;

  private:
    boost::asio::awaitable<void> run();
    boost::asio::awaitable<void> work(frontier::Lease lease);
    boost::asio::awaitable<void> end_work();
    boost::asio::awaitable<void> doubt_network(fetch::Fetched& result);
    boost::asio::awaitable<void> ask_name_servers();
    void look_for_network();
    void prefetch_names();
    void lease_what_may_be_asked();
    void submit_verdicts();
    void end_verdict(frontier::Verdict verdict);

    void end_image(frontier::Lease lease, fetch::Fetched result);
    void end_adoption(frontier::Lease lease, fetch::Fetched result);
    void own_fault(const fetch::Fetched& result);
    void wait_for_file(frontier::Lease lease, fetch::Fetched result);
    void follow_redirect(frontier::Lease lease, fetch::Fetched result);
    void retry_or_end(frontier::TaskPtr task, fetch::Fetched result);
    void settle(frontier::TaskPtr task, fetch::Fetched result, std::optional<std::int64_t> retry_at_ms);
    void back_off(frontier::Lease lease, const fetch::Fetched& result);
    void wait_for_host(frontier::Lease lease, const fetch::Fetched& result);
    /// What was asked on this shard could not be reached or trusted. @return as Frontier::origin_down.
    std::optional<Milliseconds> charge(const store::OriginKey& asked, Outcome outcome);

    void end_site(frontier::Lease lease, fetch::Fetched result, bool address_blocked);
    void site_blocked(const frontier::Task& task);
    void site_answered(const frontier::SiteQuestion& question, fetch::Fetched result);
    void site_failed(const frontier::SiteQuestion& question, const fetch::Fetched& result, std::optional<Milliseconds> wait);

    void remember(HostId host, bool urgent = false);
    void publish_counts();

    ShardContext context_;
    config::Config config_;
    Crossing& crossing_;
    std::size_t max_in_flight_;
    std::minstd_rand random_;
    boost::asio::io_context io_;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> keep_running_;
    std::vector<Milliseconds> down_schedule_;
    politeness::HostClasses classes_;
    politeness::SitePolicies sites_;
    politeness::BlocklistPtr blocklist_;
    frontier::Frontier frontier_;
    std::unique_ptr<net::Resolver> resolver_;  // ended with the thread's work: a lookup outlives who asked for it
    net::Client client_;
    fetch::Fetcher fetcher_;
    Wakeup wakeup_;
    TaskGroup fetches_;
    TaskGroup loop_;
    TaskGroup ending_;
    SteadyTime next_network_look_{};
    SteadyTime next_prefetch_{};
    bool draining_ = false;
    bool stopped_ = false;
    std::atomic<std::size_t> in_flight_{0};
    std::atomic<SteadyTime> heartbeat_{};
    mutable std::mutex counts_mutex_;
    frontier::FrontierCounts counts_;
    SteadyTime earliest_work_ = SteadyTime::max();
    std::thread thread_;
};

}  // namespace grit::crawl
