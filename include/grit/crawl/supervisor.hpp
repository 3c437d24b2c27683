// The crawl as a whole: takes it over from the state, runs its shards, pauses it, and knows when it is done.
#pragma once

#include "grit/archive/volumes.hpp"
#include "grit/base/clock.hpp"
#include "grit/base/log.hpp"
#include "grit/config/config.hpp"
#include "grit/crawl/committer.hpp"
#include "grit/crawl/held_list.hpp"
#include "grit/crawl/ingestor.hpp"
#include "grit/crawl/longest_host.hpp"
#include "grit/crawl/opt_out.hpp"
#include "grit/crawl/removals.hpp"
#include "grit/crawl/requeue.hpp"
#include "grit/crawl/retry_feed.hpp"
#include "grit/crawl/schedule_clock.hpp"
#include "grit/crawl/shard.hpp"
#include "grit/crawl/verify.hpp"
#include "grit/frontier/host_table.hpp"
#include "grit/frontier/queue_census.hpp"
#include "grit/politeness/blocklist.hpp"
#include "grit/store/env.hpp"
#include "grit/store/tables.hpp"
#include "grit/store/writer.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace grit::metrics {
class Metrics;
}

namespace grit::crawl {

class RetryMend;
class StatsFiles;

/// How a crawl that was to run once has ended.
enum class OnceEnd : std::uint8_t {
    settled,  ///< every annotation has its outcome
    waiting,  ///< some wait for a time beyond the patience
    faulty,   ///< a fault of our own kept coming back beyond the patience, or can only be mended by a new start
    failed,   ///< the input could not be read
};

/// A look at everything.
struct CrawlStatus {
    store::Totals totals;
    std::uint64_t waiting = 0;      ///< URLs with a retry scheduled
    std::uint64_t in_flight = 0;
    std::uint64_t uncommitted = 0;  ///< results on their way into the state
    frontier::FrontierCounts hosts;
    IngestProgress input;
    bool paused = false;
    bool draining = false;
    bool paused_by_operator = false;
    std::string pause_reason;  ///< never empty while paused
    std::optional<std::uint64_t> eta_seconds;
    std::optional<LongestHost> longest_host;  ///< as of some seconds ago; nothing while nobody has anything left
    std::size_t max_in_flight = 0;
    double fetches_per_second = 0;  ///< over the last half minute or so, like the next two
    double stored_per_second = 0;
    double bytes_per_second = 0;
};

/// Threads: all functions from the control thread (that of `control`), but `requeue` and those of the interfaces.
/// Life: construct, `load`, `start`, then `stop` and `join`. All that it is given outlives it.
class Supervisor final : private CommitListener, private Crossing, private RequeueListener {
  public:
    struct Parts {
        const config::Config& config;
        boost::asio::io_context& control;
        store::Env& env;
        store::Writer& writer;
        archive::Volumes& volumes;
        metrics::Metrics& metrics;
        const Clock& clock;
        const Logger& log;
        bool once = false;
        journal::Journal* journal = nullptr;  ///< nothing: none is written
    };

    /// @throw std::runtime_error with a text for the operator (trust store, DNS servers).
    explicit Supervisor(const Parts& parts);
    ~Supervisor();
    Supervisor(const Supervisor&) = delete;
    Supervisor& operator=(const Supervisor&) = delete;

    /// Cleans up after a crash and takes hosts, runs and counters over from the state. Blocking.
    [[nodiscard]] Checked<void> load();
    /// @param on_once_end  called on the control thread: with `once` when the crawl has nothing more to do; in any case when
    ///     the state has closed itself (`store::Env::closed`), as `faulty`: only a new process can go on.
    void start(std::function<void(OnceEnd)> on_once_end);

    /// The operator's pause. Faults of our own pause besides, and end by themselves.
    void pause(std::string reason);
    void resume();
    /// Leases nothing new.
    void drain();
    [[nodiscard]] bool drained() const;
    /// Ends everything: cuts what is in flight, commits what is finished. Blocking, a second or so.
    void stop();
    /// Takes over the keys that may change while the daemon runs; `Parts::config` is to be changed before.
    void apply(const config::Config& config);
    /// Reads what was appended to the inputs, and new files that their patterns match.
    void rescan_inputs();

    [[nodiscard]] CrawlStatus status() const;
    /// A view of one host; waits for its shard (milliseconds). Not from a shard's thread.
    [[nodiscard]] std::optional<frontier::HostView> host(std::string_view name);
    /// Where one URL is; waits for its shard (milliseconds). Not from a shard's thread.
    [[nodiscard]] std::optional<frontier::UrlView> url(HostId home, const url::CanonicalUrl& url);
    /// The hosts with the most of something. Waits for the shards, which walk over all their hosts in slices: up to
    /// a tenth of a second per million hosts, more when they are busy. From any thread but a shard's.
    [[nodiscard]] Checked<std::vector<frontier::HostView>> rank_hosts(const frontier::HostQuery& query) const;
    /// Puts settled URLs without an image back. @return how many. Blocking, for as long as it takes to read all records.
    /// Threads: any that may block. `stop` cuts it short.
    [[nodiscard]] Checked<std::uint64_t> requeue(const RequeueFilter& filter);

    /// Nothing that the block concerns is asked from the return of the call on; what is open ends and is not kept. A block
    /// that there is already gets the new reason. Waits for the writer and the shards (a commit's time).
    /// @param block  from `politeness::parse_block`, with its other fields.
    [[nodiscard]] Checked<void> block(politeness::Block block);
    /// Takes a block back. What it has ended stays so until `requeue` with `ended_by`. Waits as `block` does.
    /// @return the block; nothing if there is none.
    [[nodiscard]] Checked<std::optional<politeness::Block>> unblock(politeness::BlockKind kind, const std::string& value);
    /// Blocks a domain, and begins to list what is stored from it, and to delete that if asked to.
    [[nodiscard]] Checked<void> opt_out(const OptOutOrder& order);
    [[nodiscard]] std::optional<OptOutState> opt_out_state() const { return opt_out_.state(); }
    /// From now on the state may have adoptions (store/adoption_rows.hpp). Any thread.
    void expect_adoptions();

    /// Begins to read images again (verify.hpp). Not with `repair` while an opt-out deletes records. One that only finishes an
    /// earlier repair gives way, and goes on behind this one.
    [[nodiscard]] Checked<void> verify(const VerifyOrder& order);
    void stop_verify();
    [[nodiscard]] std::optional<VerifyState> verify_state() const { return verify_.state(); }
    /// What a volume that went out held; nothing if it did not.
    [[nodiscard]] std::optional<HeldState> held_by(const std::string& volume) const { return held_.state(volume); }
    /// A volume that is out does not come back: begins to ask again for all that it held (a verify with `lost`), then forgets it.
    [[nodiscard]] Checked<void> give_up_volume(const std::string& name, std::uint32_t by_uid);
    [[nodiscard]] const politeness::Blocklist& blocklist() const noexcept { return *blocklist_; }

    /// The oldest turn of any loop that has to turn: the watchdog's measure.
    [[nodiscard]] SteadyTime oldest_heartbeat() const;
    [[nodiscard]] frontier::HostTable& hosts() noexcept { return hosts_; }
    /// What is added to a scheduled time of the state (a retry's, say) to show it as the machine's clock has it.
    [[nodiscard]] Milliseconds machine_ahead() const { return schedule_.machine_ahead(); }

  private:
    struct Probe;
    struct OwnFault {
        std::string reason;
        SteadyTime until;
    };

    // CommitListener, on the writer's thread; Crossing, on a shard's.
    void committed(const std::vector<Acknowledgement>& done) override;
    void lines_back(const std::vector<LinesBack>& back) override;
    void bounced(std::vector<frontier::TaskPtr> tasks) override;
    void fault(Outcome outcome, const std::string& what) override;
    void adoption_unreachable(const std::string& what) override;
    void rest_for(Milliseconds time, std::string reason);
    void route(frontier::TaskPtr task) override;
    void on_shard_of(HostId host, std::function<void(frontier::Frontier&)> what) override;
    // RequeueListener.
    void put_back(std::uint64_t records, const std::vector<LinesBack>& hosts) override;
    void run_committed(RunId run, const std::vector<store::RunHost>& hosts);

    [[nodiscard]] Checked<void> clean_up_after_crash();
    void remove_due_images();
    void take_up_the_clock(const store::Txn& txn);
    void watch_the_clock();
    [[nodiscard]] Checked<void> take_up_state();
    [[nodiscard]] Checked<void> take_over(std::vector<std::pair<HostId, store::HostRow>>& mended);
    void mend_host_of(const store::Txn& txn, HostId host, const frontier::QueueCensus& census,
                      std::vector<std::pair<HostId, store::HostRow>>& mended);
    [[nodiscard]] Checked<void> load_blocks(const store::Txn& txn);
    void adopt(std::vector<politeness::Block> blocks);
    [[nodiscard]] Checked<void> load_hosts(const store::Txn& txn, std::vector<std::pair<HostId, store::HostRow>>& mended);
    [[nodiscard]] Shard& shard_of(HostId host);
    void schedule_tick();
    void tick();
    void feed_due_retries();
    void watch_volumes();
    void tell_of_volume(const archive::VolumeView& now);
    [[nodiscard]] bool opt_out_deletes() const;
    [[nodiscard]] Result<std::optional<VerifyOrder>> order_to_finish() const;
    void finish_repairs();
    void interrupt_resumed();
    [[nodiscard]] bool is_repairing() const;
    void update_pause();
    void measure();
    void ask_for_longest_host();
    void note_longest_host(const std::vector<frontier::HostView>& of_a_shard);
    void estimate_end(CrawlStatus& status) const;
    void show_next_due();
    void find_elsewhere(const UrlHash& hash, frontier::UrlView& view);
    void look_for_end();
    [[nodiscard]] bool in_trouble_for_long() const;
    void judge_end(const Probe& probe);

    Parts parts_;
    ScheduleClock schedule_;
    frontier::HostTable hosts_;
    politeness::BlocklistPtr blocklist_ = std::make_shared<const politeness::Blocklist>();
    net::TlsContext tls_;
    net::AddressGuard guard_;
    net::AddressLimits address_limits_;
    net::NetworkWatch network_;
    boost::asio::thread_pool disk_;
    Committer committer_;
    std::unique_ptr<StatsFiles> stats_files_;  // nothing: the layout has none
    bool was_idle_ = false;
    std::atomic<bool> paused_{false};
    std::vector<std::unique_ptr<Shard>> shards_;
    Ingestor ingestor_;
    Removals removals_;
    OptOut opt_out_;
    Verify verify_;
    HeldList held_;
    boost::asio::steady_timer timer_;
    std::function<void(OnceEnd)> on_once_end_;

    bool started_ = false;
    bool draining_ = false;
    std::atomic<bool> stopped_{false};
    std::optional<std::string> operator_pause_;
    bool owes_repair_ = false;  // an earlier life, or a repair that gave way, may have left one to be finished
    std::string volume_trouble_;
    std::map<std::string, archive::VolumeView> volumes_told_;  // as of the last look
    SteadyTime paused_since_ = SteadyTime::max();
    RetryFeed retry_feed_;
    std::unique_ptr<RetryMend> retry_mend_;
    SteadyTime next_feed_{};
    SteadyTime next_volume_look_{};
    SteadyTime next_measure_{};
    Milliseconds machine_ahead_{0};  // at the last look
    SteadyTime next_end_look_{};
    bool probing_ = false;
    std::uint64_t activity_at_last_probe_ = 0;
    std::atomic<std::uint64_t> activity_{0};

    mutable std::mutex mutex_;  // guards what follows: set by other threads
    std::optional<OwnFault> own_fault_;
    SteadyTime trouble_since_ = SteadyTime::max();  // faults, and no commit since
    std::string pause_reason_;

    struct Sample {
        SteadyTime at;
        std::uint64_t fetches = 0;
        std::uint64_t stored = 0;
        std::uint64_t bytes = 0;
    };
    std::vector<Sample> samples_;
    std::size_t looks_ = 0;
    bool input_was_complete_ = false;
    std::size_t shards_asked_ = 0;  // that have not said yet which host of theirs takes longest
    std::optional<LongestHost> longest_asked_;
    std::optional<LongestHost> longest_host_;
    SteadyTime longest_host_ends_{};
    LongestHostNotice longest_host_notice_;
};

}  // namespace grit::crawl
