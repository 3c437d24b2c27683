// Every URL of one shard that is not settled yet, by host, and which host is to be asked next.
//
// Lines wait on disk, packed per host and run; a host holds in memory only the block it is working on. A host that may
// not be asked now is parked: it costs nothing until its time has come, and no fetch slot ever waits for it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include "grit/base/clock.hpp"
#include "grit/base/log.hpp"
#include "grit/frontier/host_ranking.hpp"
#include "grit/frontier/host_table.hpp"
#include "grit/frontier/host_view.hpp"
#include "grit/frontier/queue_census.hpp"
#include "grit/frontier/ready_queue.hpp"
#include "grit/frontier/task.hpp"
#include "grit/frontier/timer_wheel.hpp"
#include "grit/metrics/handles.hpp"
#include "grit/politeness/blocklist.hpp"
#include "grit/politeness/domain_gates.hpp"
#include "grit/politeness/host_classes.hpp"
#include "grit/politeness/host_gate.hpp"
#include "grit/politeness/site_policies.hpp"
#include "grit/store/env.hpp"
#include "grit/store/rows.hpp"

namespace grit::frontier {

class Frontier;

/// The right to send one request to one host now, and what to ask.
///
/// Ends in exactly one of Frontier's `finish` or `give_back`; destroyed unended it is given back.
class Lease {
  public:
    Lease(Lease&& other) noexcept;
    Lease& operator=(Lease&&) = delete;
    ~Lease();

    [[nodiscard]] Task& task() noexcept { return *task_; }
    [[nodiscard]] const Task& task() const noexcept { return *task_; }
    /// The host that is asked: of `task().url`, which after a redirect is not the record's own.
    [[nodiscard]] HostId host() const noexcept { return host_; }

  private:
    friend class Frontier;
    Lease(Frontier& frontier, HostId host, TaskPtr task);

    Frontier* frontier_;
    HostId host_;
    TaskPtr task_;
    bool sent_ = false;
};

/// How many hosts are in which state, and what waits.
struct FrontierCounts {
    std::uint64_t known = 0;      ///< hosts
    std::uint64_t ready = 0;      ///< may be asked now
    std::uint64_t active = 0;     ///< have a request open
    std::uint64_t parked = 0;     ///< wait for their interval
    std::uint64_t site = 0;       ///< wait for their robots.txt or tdmrep.json
    std::uint64_t domain = 0;     ///< wait for a place among the requests to their domain
    std::uint64_t backoff = 0;    ///< asked for less
    std::uint64_t down = 0;       ///< could not be reached
    std::uint64_t finished = 0;   ///< nothing left to do
    std::uint64_t remaining = 0;  ///< lines and due retries not leased yet
    std::uint64_t open = 0;       ///< leases out
    std::uint64_t verdicts = 0;   ///< to be taken, and ends of hosts
};

/// How a URL ended, as far as its host's tally goes.
enum class Ending : std::uint8_t { none, stored, failed };

/// The frontier of one shard.
///
/// Order: among the hosts that may be asked now the one that will take longest goes first (what is left times its pace,
/// by powers of two), since it bounds the crawl; among equals those with lines in memory, so that these stay few. A due
/// retry and a redirect go before their host's queue. Threads: its shard's only (the store's reading transactions are
/// short). Lifetime: all that it is given outlives it.
class Frontier {
  public:
    /// A lease of an image that is out.
    struct Asked {
        HostId host = kNoHost;
        SteadyTime since;
    };

    /// @param classes  may change between two calls; if other hosts are in them then, say `classes_changed`.
    /// @param sites  what is known of robots.txt and tdmrep.json files, and which of them are obeyed.
    Frontier(store::Env& env, HostTable& hosts, const politeness::HostClasses& classes, politeness::SitePolicies& sites,
             const Clock& clock, const Logger& log);
    ~Frontier();
    /// Where waits are counted from now on: how long hosts with work are held by their gates, and how late those that
    /// came due are leased. They outlive the frontier.
    void measure_with(metrics::DurationHistogram& politeness_wait, metrics::DurationHistogram& schedule_lag);
    Frontier(const Frontier&) = delete;
    Frontier& operator=(const Frontier&) = delete;

    /// Takes a host over from the state. What the last process asked in its last moments is unknown, and of whom: with a
    /// host of an earlier life, nobody is asked before `min_interval` has passed since this frontier was made.
    /// @param queued  its lines, settled ones included.
    void load_host(HostId id, const store::HostRow& row, const QueuedLines& queued);
    /// A run that was committed since the start brought lines for a host.
    void add_lines(HostId id, RunId run, std::uint32_t lines);
    /// A retry that is due, or a redirect that leads to one of this shard's hosts: next in its host's order.
    void push(TaskPtr task);

    /// From now on the state may have adoptions: a URL is looked up there before anybody is asked for it. What has failed so
    /// is a verdict; a lease whose task has an adoption is for no request.
    void expect_adoptions() noexcept { has_adoptions_ = true; }

    /// Looks up anew which class each host is in: a tenth of a second for a million hosts.
    void classes_changed();

    /// The next request to make, if a host may be asked now. Reads the state (short).
    /// Lines that end without a request on the way (duplicates, robots.txt) are kept for `take_verdicts`, and what ends
    /// with a host that was given up for `take_host_ends`. Where an origin's word is neither in memory nor in the state,
    /// the lease is for its robots.txt or its tdmrep.json.
    [[nodiscard]] std::optional<Lease> lease();
    [[nodiscard]] std::vector<Verdict> take_verdicts();
    /// However many lines a host has, they end as one number, and at once. Tasks that have a record of their own
    /// (retries), or come from another host, are verdicts, when their turn comes.
    [[nodiscard]] std::vector<HostEnd> take_host_ends();
    /// When a host that is parked may be asked; SteadyTime::max() if none is. Leases and verdicts may come sooner when
    /// a request ends.
    [[nodiscard]] SteadyTime next_due();
    /// Names of hosts that would be asked next if there were slots for them, the first one first; a few less than `limit`
    /// as a rule. Valid as long as the host table.
    [[nodiscard]] std::vector<std::string_view> next_hosts(std::size_t limit) const;
    /// True if lease() would look at a host at once.
    [[nodiscard]] bool has_ready() const noexcept;

    /// The request is ready to be sent: the host's pace counts from here. Not if the host has asked for less since the
    /// lease, and a request that was sent before (on a connection that turned out to be dead) only when the host may be
    /// asked again.
    /// @return whether to send it now.
    [[nodiscard]] bool may_send(Lease& lease);
    /// It has left: on a busy machine that can be a while after may_send, and the server counts from its arrival.
    void written(const Lease& lease);
    /// The request is over and the task has what it came for, or goes on elsewhere: the caller keeps the task.
    [[nodiscard]] TaskPtr finish(Lease lease, politeness::Answer answer, Milliseconds latency);
    /// The request is over, or was never sent, and the task is to be asked again: uncharged, first in its host's order.
    void give_back(Lease lease, politeness::Answer answer);

    /// The end of a task of kind `site`: `site_known`, or, maybe after `site_unreachable`, `site_asked`. Until then the
    /// origin's host is asked nothing else.
    /// @param status  HTTP.
    void site_known(const SiteQuestion& question, politeness::SiteWord word, std::uint16_t status);
    /// The file could not be had. @return true if the site may be asked for images nevertheless
    /// (SitePolicies::unreachable).
    /// @param put_off  the host that was asked asked for less.
    bool site_unreachable(const SiteQuestion& question, bool put_off);
    /// What is still missing is asked for when the host's turn comes.
    void site_asked(HostId home);
    /// What the state has to remember of an origin whose question has just ended.
    [[nodiscard]] store::SiteRow site_memory(const store::OriginKey& origin) const;

    /// The host asked for less (HostGate::throttled). @return how long it is left alone.
    /// @param as  what its URLs end as, should it have refused for good.
    Milliseconds throttle(HostId host, std::optional<Milliseconds> retry_after, Outcome as);
    /// The host could not be reached (HostGate::down).
    /// @param as  what its URLs end as once the schedule is used up.
    /// @return nothing if they do now.
    std::optional<Milliseconds> host_down(HostId host, Outcome as);
    void give_up(HostId host, Outcome as);
    /// That origin could not be reached or trusted, or its robots.txt could not be had: it waits by the schedule of a host
    /// that is down, while the host's other origins are asked on. One request at a time finds out whether it is back.
    /// @param as  what its URLs end as once the schedule is used up.
    /// @return nothing if they do now.
    std::optional<Milliseconds> origin_down(const store::OriginKey& origin, Outcome as);
    /// It waits, and that is not its fault. @param as  why.
    void origin_hold(const store::OriginKey& origin, Milliseconds time, Outcome as);
    /// The origins of a host that are down, for the state.
    [[nodiscard]] std::vector<store::OriginRow> origins_down(HostId host) const;
    /// An operator's retry: the host is asked again as if nothing had been. Lines that ended with it stay ended until
    /// `lines_back`.
    void forgive(HostId host);
    /// The state takes lines back that ended with their host (`take_host_ends`): they are pending again.
    /// @param first_run  none of them lies in an earlier run.
    void lines_back(HostId host, std::uint64_t lines, RunId first_run);
    /// @param why  address, site or state: shown to operators.
    void hold(HostId host, Milliseconds time, Wait why);

    /// What an operator has blocked, from now on; nullptr is nothing. What waits for a blocked host ends as `opted_out`
    /// with the next leases, whatever the host's gate says; nothing is asked for it any more, not even a robots.txt.
    /// Looks at each host (0.1 us).
    void set_blocklist(politeness::BlocklistPtr list);
    /// The block that concerns a task: of the host it is asked at, of the host whose record it is, or of its URL.
    /// nullptr if there is none. Valid until the next `set_blocklist`.
    [[nodiscard]] const politeness::Block* block_of(const Task& task) const;
    /// All addresses of a host turned out to be blocked when it was asked about its site: its URLs end as
    /// `address_refused`, until the list changes.
    void refuse_host(HostId host, std::string detail);
    /// What the state has to remember of it.
    [[nodiscard]] politeness::GateMemory memory(HostId host) const;
    /// The number of the outcome that its URLs end as; store::kNotGone.
    [[nodiscard]] std::uint8_t gone_as(HostId host) const;

    /// The record of that URL is committed: lines that are met from now on are judged by it.
    /// @param line  that is settled by it, if one is.
    void acknowledge(HostId home, const UrlHash& hash, const std::optional<LineRef>& line,
                     Ending ending = Ending::none);
    /// A line that was a duplicate is settled.
    void acknowledge_duplicate(HostId home, const std::optional<LineRef>& line);

    [[nodiscard]] FrontierCounts counts() const;
    [[nodiscard]] std::optional<HostView> view(HostId id) const;
    /// One URL and its host. Looks through what its host has in memory, and takes over what the state says of its site
    /// (short).
    [[nodiscard]] std::optional<UrlView> view(HostId home, const url::CanonicalUrl& url);
    /// The lease of one URL, if it is out for a host of this frontier.
    [[nodiscard]] std::optional<Asked> asked(const UrlHash& hash) const;
    /// Offers `count` hosts from position `from` on. @return the next position; nothing once all were offered.
    [[nodiscard]] std::optional<std::size_t> rank(HostRanking& ranking, std::size_t from, std::size_t count) const;
    [[nodiscard]] std::vector<HostView> ranked(const HostRanking& ranking) const;
    /// The hosts with the most left, in one go.
    [[nodiscard]] std::vector<HostView> largest(std::size_t limit) const;
    /// The soonest time at which there is something to do for a host that has work; max() if there is no work or
    /// it waits for an answer.
    [[nodiscard]] SteadyTime earliest_work();

  private:
    friend class Lease;

    // Where the frontier keeps a host; `ready` and `parked` have it in their queues.
    enum class Place : std::uint8_t { idle, ready, parked, busy, domain, site };
    struct InPlay;
    struct Host;
    struct Trouble;
    struct Origins;

    [[nodiscard]] std::uint32_t index_of(HostId id);
    [[nodiscard]] Host& host_of(HostId id);
    [[nodiscard]] const Host* find(HostId id) const;
    [[nodiscard]] const politeness::Manners& manners_of(const Host& host) const;
    [[nodiscard]] unsigned domain_limit(const Host& host) const;
    [[nodiscard]] static InPlay& in_play(Host& host);
    [[nodiscard]] static std::uint64_t remaining_of(const Host& host);
    [[nodiscard]] static bool must_wait_for_site(const Host& host);
    [[nodiscard]] ReadyQueue::Urgency urgency_of(const Host& host) const;

    void place(std::uint32_t index);
    void place_if_free(std::uint32_t index);
    void recount(Host& host);
    void wake_domain(const Host& of);
    void promote_parked(SteadyTime now);
    [[nodiscard]] std::uint32_t pop_ready();
    [[nodiscard]] bool is_ready_as(std::uint32_t index, ReadyQueue::Urgency urgency) const;

    [[nodiscard]] std::optional<Lease> lease_from(std::uint32_t index, SteadyTime now);
    [[nodiscard]] TaskPtr next_allowed_task(Host& host, SteadyTime now);
    [[nodiscard]] std::optional<Outcome> adopt(Task& task);
    [[nodiscard]] bool recall_sites(Host& host);
    [[nodiscard]] bool may_lead_here(const SiteQuestion& question, const store::OriginKey& here, SteadyTime now);
    [[nodiscard]] TaskPtr question_before(TaskPtr image, Host& host, const SiteQuestion& question);
    [[nodiscard]] TaskPtr next_task(Host& host);
    [[nodiscard]] TaskPtr next_urgent(Host& host);
    [[nodiscard]] TaskPtr next_line(Host& host);
    [[nodiscard]] bool load_block(Host& host, const store::ReadTxn& txn);
    [[nodiscard]] TaskPtr judge_line(Host& host, const store::ReadTxn& txn, TaskPtr line);
    void count_loaded(Host& host, std::uint64_t lines);
    void unload(Host& host);
    void end_lines_of_gone(Host& host);
    void end_tasks_of_ended(Host& host);
    [[nodiscard]] Verdict end_of(const Host& host, TaskPtr task) const;
    [[nodiscard]] bool is_ended(const Host& host) const;
    void verdict(TaskPtr task, Outcome outcome, std::string detail);
    void end_request(const Lease& lease, politeness::Answer answer, Milliseconds latency);
    static void shed(Host& host);

    [[nodiscard]] Origins* origins_of(const Host& host) const;
    [[nodiscard]] Trouble* trouble_of(const Host& host, const url::CanonicalUrl& url) const;
    [[nodiscard]] Trouble* make_trouble(Host& host, const store::OriginKey& origin);
    void load_origins(Host& host, const std::vector<store::OriginRow>& rows);
    void origin_changed(Host& host, const Trouble& trouble);
    void origin_answered(Host& host, const store::OriginKey& origin);
    void forget_origins(Host& host);
    void set_probing(const Host& host, const url::CanonicalUrl& url, bool probing);
    void look_again(Host& host);
    [[nodiscard]] bool is_given_up(const Host& host) const;
    [[nodiscard]] TaskPtr unless_origin_waits(Host& host, TaskPtr task);
    [[nodiscard]] bool origin_takes(Host& host, const Task& line);
    void pass_over(Host& host, const LineRef& line, Trouble& trouble);
    [[nodiscard]] std::uint64_t passed_over(const Host& host) const;
    void go_back(Host& host);
    void end_pass(Host& host);
    void end_lines_with(Host& host, const Trouble& trouble);
    [[nodiscard]] SteadyTime rests_until(const Host& host) const;
    [[nodiscard]] Milliseconds reserve(const Host& host, Milliseconds least);
    [[nodiscard]] bool put_off(Host& host, TaskPtr& task);
    void put_off_waiting(Host& host);
    [[nodiscard]] HostView view_of(const Host& host) const;
    [[nodiscard]] Wait wait_of(const Host& host) const;
    [[nodiscard]] Milliseconds eta_of(const Host& host, SteadyTime now) const;
    [[nodiscard]] std::uint64_t key_of(HostOrder order, const Host& host, SteadyTime now) const;
    void tell_site(Host& host, const url::CanonicalUrl& url, UrlView& view);
    void find_in_memory(const Host& host, const UrlHash& hash, UrlView& view) const;

    store::Env& env_;
    HostTable& table_;
    const politeness::HostClasses& classes_;
    politeness::SitePolicies& sites_;
    const Clock& clock_;
    const Logger& log_;
    store::BlockCodec codec_;
    std::minstd_rand random_;
    politeness::DomainGates domains_;
    std::deque<Host> hosts_;
    std::vector<std::uint32_t> index_;  // by HostId; position in hosts_ plus one
    ReadyQueue ready_;
    std::size_t ready_count_ = 0;
    TimerWheel parked_;
    politeness::BlocklistPtr blocklist_;  // nullptr: nothing is blocked
    std::unordered_map<HostId, std::string> refused_hosts_;  // with their details
    std::unordered_map<HostId, std::unique_ptr<Origins>> origins_;  // of hosts that have one in trouble
    std::unordered_map<HostId, SteadyTime> reserved_until_;         // of hosts that tasks were put off for
    std::vector<Verdict> verdicts_;
    std::vector<HostEnd> host_ends_;
    std::array<std::uint64_t, kHostStates> states_{};
    std::unordered_map<UrlHash, Asked> asked_;  // images by record; as many as leases are out
    metrics::DurationHistogram* politeness_wait_ = nullptr;
    metrics::DurationHistogram* schedule_lag_ = nullptr;
    RunId last_run_ = 0;
    SteadyTime made_at_;
    SteadyTime begins_at_;  // nobody is asked before
    std::uint64_t remaining_ = 0;
    std::uint64_t open_ = 0;
    bool has_adoptions_ = false;
};

}  // namespace grit::frontier
