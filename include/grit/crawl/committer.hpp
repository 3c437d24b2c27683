// The commit protocol: image bytes durable before the record that names them, many results at a time.
//
//   1. sync      everything written so far is on disk, under temporary names
//   2. intents   one transaction names the paths that are about to appear; the journal's lines are written
//   3. publish   temporary names become final ones, durably
//   4. records   the journal is synced; one transaction: records, map, progress, counters, hosts, how far the journal
//                counts; the intents are cleared
//   5. acknowledge
//
// A crash before 2 leaves temporaries, which are swept at start. A crash between 2 and 4 leaves images without a
// record, which the intents name. After 4 all is said.
#pragma once

#include "grit/archive/layout.hpp"
#include "grit/base/clock.hpp"
#include "grit/base/log.hpp"
#include "grit/crawl/schedule_clock.hpp"
#include "grit/crawl/settlement.hpp"
#include "grit/frontier/frontier.hpp"
#include "grit/frontier/host_table.hpp"
#include "grit/store/rows.hpp"
#include "grit/store/tables.hpp"
#include "grit/store/writer.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace grit::journal {
class Journal;
}
namespace grit::metrics {
class Metrics;
}

namespace grit::crawl {

/// A task whose end is in the state: its host may judge duplicates by it.
struct Acknowledgement {
    HostId home = kNoHost;
    UrlHash hash;
    bool duplicate = false;  ///< only a line is settled: the URL's own task may still be under way
    std::optional<store::RetryKey> retry;  ///< the row in `retries` that it has settled
    std::optional<frontier::LineRef> line;
    frontier::Ending ending = frontier::Ending::none;  ///< for the host's tally
};

/// Told of what a commit brought. Called on the writer's thread: pass on and return.
class CommitListener {
  public:
    virtual ~CommitListener() = default;
    virtual void committed(const std::vector<Acknowledgement>& done) = 0;
    /// The note of a host that is not given up any more has brought back what had ended with it.
    virtual void lines_back(const std::vector<LinesBack>& back) = 0;
    /// Images that the disk lost or may have lost: the tasks are to be fetched again, charged to nobody.
    virtual void bounced(std::vector<frontier::TaskPtr> tasks) = 0;
    /// Our own side is broken; the commit is tried again by itself.
    virtual void fault(Outcome outcome, const std::string& what) = 0;
};

/// Gathers results and commits them in groups.
///
/// Threads: `submit`, `note`, `note_site`, `uncommitted`, `totals`, `waiting` from any; `tick` and `finish` from one at a time.
/// Lifetime: all that it is given outlives it; `finish()` before it is destroyed.
class Committer {
  public:
    /// Results that wait for their commit: beyond it nothing is leased (a slow disk slows the crawl, not memory).
    static constexpr std::size_t kBacklog = 20'000;

    struct Options {
        Milliseconds interval{200};   ///< between two groups, if there is no more to gather
        std::size_t group = 2'000;    ///< results that make a group before its time
        Milliseconds retry_after_fault{1'000};
        journal::Journal* journal = nullptr;  ///< nothing: none is written
        bool dedupe_content = true;   ///< equal bytes are stored once
        const ScheduleClock* schedule = nullptr;  ///< Noted with each commit, for the next start.
    };

    Committer(store::Writer& writer, archive::Layout& layout, const frontier::HostTable& hosts, metrics::Metrics& metrics,
              const Clock& clock, const Logger& log, CommitListener& listener, Options options);
    ~Committer();
    Committer(const Committer&) = delete;
    Committer& operator=(const Committer&) = delete;

    /// Takes the counters over from the state: once, before anything else.
    [[nodiscard]] Result<void> load(const store::Txn& txn);

    void submit(Settlement settlement);
    /// Takes the place of an earlier note that is not committed yet; what ended adds up.
    /// @param urgent  commit with the next tick, and if images are being synced, meanwhile: the note says that a host asked to be
    ///     left alone.
    void note(HostId host, const HostNote& note, bool urgent = false);
    /// What a site says of itself.
    void note_site(const store::OriginKey& origin, store::SiteRow row);

    /// Starts a commit if there is something to commit and its time has come. To be called every few tens of ms.
    void tick();
    /// Commits what is there, once, and waits for it. What can not be committed now is fetched again after a restart.
    void finish();

    /// Results, and ends of hosts, that are not in the state yet.
    [[nodiscard]] std::size_t uncommitted() const noexcept { return uncommitted_.load(std::memory_order_relaxed); }
    /// Results handed in, and those of them that are in the state or were given back: when the second has reached what
    /// the first was, all that was handed in until then is on record.
    [[nodiscard]] std::uint64_t submitted() const noexcept { return submitted_.load(); }
    [[nodiscard]] std::uint64_t recorded() const noexcept { return recorded_.load(); }
    /// URLs that wait for a retry.
    [[nodiscard]] std::uint64_t waiting() const noexcept { return waiting_.load(std::memory_order_relaxed); }
    void add_waiting(std::int64_t change) noexcept { waiting_.fetch_add(static_cast<std::uint64_t>(change)); }

  private:
    struct Job;
    struct Group;
    using Wishes = std::unordered_map<HostId, HostNote>;

    void start_job();
    void run(store::WriteSession& session);
    [[nodiscard]] std::unique_ptr<Group> gather();
    [[nodiscard]] Result<bool> is_free(const store::Txn& txn, const std::string& location) const;
    [[nodiscard]] Result<std::string> place(const store::Txn& txn, archive::Arrival arrival);
    [[nodiscard]] Result<std::string> twin_of(const store::Txn& txn, const store::Sha256& digest,
                                              const std::map<store::Sha256, std::string>& in_group) const;
    [[nodiscard]] Result<archive::Arrival> arrival_of(const store::Txn& txn, const Settlement& settlement,
                                                      const std::string& temp_name, WallTime now) const;
    [[nodiscard]] Result<void> plan(store::WriteTxn& txn, Group& group);
    void discard(const std::string& temp_name);
    [[nodiscard]] Wishes take_wishes();
    template <class Work>
    auto while_disk_works(store::WriteSession& session, Work work, const std::function<void()>& meanwhile);
    [[nodiscard]] Wishes newer_wishes(Group& group);
    [[nodiscard]] Result<void> sync_images(store::WriteSession& session, Group& group);
    void write_wishes(store::WriteSession& session, const Wishes& wishes);
    [[nodiscard]] bool publish_images(store::WriteSession& session, Group& group);
    [[nodiscard]] bool record(store::WriteSession& session, Group& group);
    void bounce_images(store::WriteSession& session, Group& group, const ErrorCode& error);
    void bounce_lost(Group& group);
    void give_back(Group& group, const std::function<bool(const Settlement&, std::size_t)>& which);
    void acknowledge(Group& group);

    store::Writer& writer_;
    archive::Layout& layout_;
    const frontier::HostTable& hosts_;
    metrics::Metrics& metrics_;
    const Clock& clock_;
    const Logger& log_;
    CommitListener& listener_;
    Options options_;

    mutable std::mutex mutex_;
    std::vector<Settlement> results_;
    std::unordered_map<HostId, HostNote> notes_;
    std::map<store::OriginKey, store::SiteRow> sites_;
    SteadyTime last_start_{};
    std::unordered_set<HostId> urgent_;  // of the notes
    bool running_ = false;
    std::unique_ptr<Group> unfinished_;  // published, but its records could not be written yet; writer's thread only
    std::atomic<bool> faulty_{false};
    std::atomic<std::size_t> uncommitted_{0};
    std::atomic<std::uint64_t> submitted_{0};
    std::atomic<std::uint64_t> recorded_{0};
    std::atomic<std::uint64_t> waiting_{0};
};

}  // namespace grit::crawl
