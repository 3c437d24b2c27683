// Thousands of random steps of a crawl, with crashes and restarts, against what has to hold whatever happens: every line
// ends exactly once, no host is asked too often or by too many, none starves, and the counters are true at every commit.
#include "crawl_rig.hpp"

#include "grit/crawl/retry_feed.hpp"

#include <deque>
#include <random>

namespace grit::crawl {
namespace {

using test::Answer;
using test::CrawlRig;
using test::Lease;
using test::Task;
using test::TaskPtr;

constexpr std::array<Milliseconds, 3> kSchedule{Milliseconds(500), Milliseconds(50'000), Milliseconds(70'000)};

class CrawlModelTest : public CrawlRig, public ::testing::WithParamInterface<unsigned> {
  protected:
    CrawlModelTest() : random_(GetParam()) {
        manners_.connections_per_domain = 3;
        manners_.max_interval = Milliseconds(1'600);
        manners_.down_schedule = kSchedule;
        begin({true, true});
    }
    ~CrawlModelTest() override { open_.clear(); }

    [[nodiscard]] bool chance(int percent) { return static_cast<int>(random_() % 100) < percent; }
    template <class T>
    std::size_t any_of(const T& some) {
        return random_() % some.size();
    }

    void add_some() {
        std::vector<std::string> urls;
        const std::size_t count = 1 + random_() % 60;
        for (std::size_t i = 0; i < count; ++i) {
            const unsigned host = random_() % 8;
            const std::string name = "h" + std::to_string(host) + (host < 5 ? ".example.org" : ".example.net");
            const std::string scheme = chance(20) ? "https://" : "http://";
            urls.push_back(scheme + name + (chance(5) ? "/denied/" : "/") + std::to_string(random_() % 400));
        }
        lines_ += count;
        add_counted(urls);
    }

    /// What the state of the network knows of each request.
    void lease_some() {
        for (int i = 0; i < 5; ++i) {
            auto lease = frontier_->lease();
            if (!lease) {
                break;
            }
            open_.push_back(std::move(*lease));
        }
        for (Lease& lease : open_) {
            if (!sent_.contains(&lease.task()) && chance(70) && frontier_->may_send(lease)) {
                note_sent(lease);
            }
        }
    }

    void note_sent(const Lease& lease) {
        sent_.insert(&lease.task());
        const HostId host = lease.host();
        const auto last = last_sent_.find(host);
        if (last != last_sent_.end()) {
            ASSERT_GE(clock_.now() - last->second, manners_.min_interval) << "the pace of " << hosts_.info(host).name;
        }
        last_sent_[host] = clock_.now();
        std::map<HostId, unsigned> of_host;
        std::map<std::uint64_t, unsigned> of_domain;
        for (const Lease& other : open_) {
            ASSERT_LE(++of_host[other.host()], manners_.connections_per_host);
            ASSERT_LE(++of_domain[hosts_.info(other.host()).domain], manners_.connections_per_domain);
        }
        ASSERT_FALSE(lease.task().kind == Task::Kind::image && lease.task().url.target.starts_with("/denied/"));
        const auto held = held_until_.find(host);
        ASSERT_TRUE(held == held_until_.end() || clock_.now() >= held->second) << "it asked to be left alone";
    }

    /// One request ends somehow.
    void end_one() {
        if (open_.empty()) {
            return;
        }
        const std::size_t which = any_of(open_);
        Lease lease = std::move(open_[which]);
        std::deque<Lease> rest;
        for (std::size_t i = 0; i < open_.size(); ++i) {
            if (i != which) {
                rest.push_back(std::move(open_[i]));
            }
        }
        open_.swap(rest);
        if (sent_.erase(&lease.task()) == 0) {
            if (chance(30)) {
                const store::OriginKey asked = frontier::origin_of(lease.host(), lease.task().url);
                static_cast<void>(chance(70) ? frontier_->origin_down(asked, Outcome::connect_refused)
                                             : frontier_->host_down(lease.host(), Outcome::dns_failure));
                committer_->note(lease.host(), note_of(*frontier_, lease.host()));
            }
            frontier_->give_back(std::move(lease), Answer::none);
        } else if (lease.task().kind == Task::Kind::site) {
            end_question(std::move(lease));
        } else {
            end_image(std::move(lease));
        }
    }

    void end_question(Lease lease) {
        const HostId asked = lease.host();
        TaskPtr task = frontier_->finish(std::move(lease), Answer::good, Milliseconds(5));
        committer_->note(asked, note_of(*frontier_, asked));
        const int what = static_cast<int>(random_() % 10);
        if (what < 3 && task->hops < 5) {
            ++task->hops;
            const std::string origin = what == 0 ? "https://" + task->url.host
                                                 : "http://h" + std::to_string(random_() % 8) + ".example.org";
            task->url = url::canonicalize(origin + std::string(politeness::target_of(task->question.file))).value();
            frontier_->push(std::move(task));
        } else if (what == 3) {
            const Milliseconds wait = frontier_->throttle(asked, std::nullopt, Outcome::robots_denied);
            frontier_->hold(task->home, wait, frontier::Wait::site);
            static_cast<void>(frontier_->site_unreachable(task->question, true));
            frontier_->site_asked(task->home);
        } else if (what == 4) {
            if (!frontier_->site_unreachable(task->question, false)) {
                static_cast<void>(frontier_->origin_down(task->question.origin, Outcome::robots_denied));
            }
            frontier_->site_asked(task->home);
        } else {
            answer_question(task->question);
        }
    }

    void answer_question(const frontier::SiteQuestion& question) {
        if (question.file == politeness::SiteFile::robots) {
            frontier_->site_known(question, robots::Rules::parse("User-agent: *\nDisallow: /denied/", "gritd"), 200);
        } else {
            frontier_->site_known(question, robots::TdmRules::parse(R"([{"location": "/3", "tdm-reservation": 1}])"), 200);
        }
        committer_->note_site(question.origin, frontier_->site_memory(question.origin));
    }

    void end_image(Lease lease) {
        const HostId host = lease.host();
        const int what = static_cast<int>(random_() % 100);
        if (what < 10) {
            const Milliseconds wait(static_cast<int>(200 + random_() % 3'000));
            frontier_->throttle(host, wait, Outcome::http_too_many_requests);
            held_until_[host] = std::max(held_until_[host], clock_.now() + wait);
            frontier_->give_back(std::move(lease), Answer::strained);
            committer_->note(host, note_of(*frontier_, host), true);
            return;
        }
        TaskPtr task = frontier_->finish(std::move(lease), what < 30 ? Answer::strained : Answer::good, Milliseconds(20));
        committer_->note(host, note_of(*frontier_, host));
        if (what < 20 && task->hops < 3) {
            ++task->hops;
            task->url = url::canonicalize("http://h" + std::to_string(random_() % 8) + ".example.org/r" + std::to_string(random_())).value();
            frontier_->push(std::move(task));
            return;
        }
        ++task->attempts;
        if (what < 40 && task->attempts < 4) {
            const std::int64_t due = wall_ms() + 1 + static_cast<std::int64_t>(random_() % 3'000);
            settle(std::move(task), Outcome::timeout_total, due);
        } else if (what < 80) {
            const std::string bytes = "image " + std::to_string(random_() % 300);
            store_image(std::move(task), bytes);
        } else {
            settle(std::move(task), Outcome::http_not_found);
        }
    }

    /// Hears what was committed, as the supervisor does.
    void listen() {
        for (const Acknowledgement& one : std::exchange(listener_.done, {})) {
            acknowledge(one);
            if (one.retry) {
                feed_->settled(*one.retry);
            }
        }
        for (const LinesBack& back : std::exchange(listener_.returned, {})) {
            frontier_->lines_back(back.host, back.lines, back.first_run);
        }
        for (TaskPtr& task : std::exchange(listener_.back, {})) {
            frontier_->push(std::move(task));
        }
    }

    void take_verdicts() {
        for (frontier::Verdict& verdict : frontier_->take_verdicts()) {
            if (verdict.task->kind == Task::Kind::site) {
                const frontier::SiteQuestion& question = verdict.task->question;
                if (!frontier_->site_unreachable(question, verdict.again_in.has_value()) && verdict.again_in) {
                    frontier_->origin_hold(question.origin, *verdict.again_in, Outcome::robots_denied);
                } else if (!verdict.again_in) {
                    static_cast<void>(frontier_->origin_down(question.origin, Outcome::robots_denied));
                }
                frontier_->site_asked(verdict.task->home);
                continue;
            }
            Settlement made = settlement(std::move(verdict.task), verdict.outcome);
            if (verdict.again_in) {
                made.retry_at_ms = wall_ms() + verdict.again_in->count() + 1;
            }
            committer_->submit(std::move(made));
        }
        note_host_ends();
    }

    void commit_now() {
        if (chance(10)) {
            system_->fail(1 + static_cast<int>(random_() % 8), chance(50) ? EIO : ENOSPC);
        }
        committer_->tick();
        writer_.drain();
        system_->fail(0, EIO, -1);
        listen();
        expect_nothing_lost();
    }

    void feed() {
        for (const store::Retry& retry : feed_->take_due(*env_, wall_ms(), 20).value()) {
            const store::Record record = store::get_record(env_->read().value(), retry.key.record).value();
            auto task = std::make_unique<Task>();
            task->home = retry.key.record.host;
            task->hash = retry.key.record.hash;
            task->ordinal = record.ordinal;
            task->raw_url = record.url;
            task->url = url::canonicalize(record.url).value();
            task->retry = retry.key;
            task->attempts = record.attempts;
            frontier_->push(std::move(task));
        }
    }

    /// The process ends, well or at once, and the next one takes over.
    void restart(bool well) {
        for (const Lease& lease : open_) {
            committer_->note(lease.host(), note_of(*frontier_, lease.host()));
        }
        open_.clear();
        sent_.clear();
        if (well) {
            committer_->finish();
        } else {
            writer_.drain();
            // What the last moment brought is not known any more: the next process waits an interval for its sake.
            last_sent_.clear();
            held_until_.clear();
        }
        if (!std::exchange(wall_is_true_, true)) {
            held_until_.clear();  // holds are kept in wall time
        }
        frontier_.reset();
        committer_.reset();
        listener_.done.clear();
        listener_.returned.clear();
        listener_.back.clear();
        feed_ = std::make_unique<RetryFeed>(50);
        open_depot();
        clean_up_after_crash();
        open_committer();
        pass(Milliseconds(1 + random_() % 500));
        begin({true, true});
        expect_nothing_lost();
    }

    void step() {
        switch (random_() % 12) {
            case 0:
                if (lines_ < 2'000) {
                    add_some();
                }
                break;
            case 1:
            case 2:
            case 3:
                lease_some();
                break;
            case 4:
            case 5:
            case 6:
                end_one();
                break;
            case 7:
                commit_now();
                break;
            case 8:
                feed();
                break;
            case 9:
                if (chance(5)) {
                    restart(chance(50));
                } else if (chance(10) && hosts_.size() > 0) {
                    frontier_->give_up(static_cast<HostId>(1 + random_() % hosts_.size()), Outcome::connect_timeout);
                } else if (chance(15) && hosts_.size() > 0) {
                    const auto host = static_cast<HostId>(1 + random_() % hosts_.size());
                    frontier_->forgive(host);
                    note(host);
                    held_until_.erase(host);
                } else if (chance(5)) {
                    clock_.jump_wall(Milliseconds(static_cast<int>(random_() % 20'000) - 10'000));
                    wall_is_true_ = false;
                }
                break;
            default:
                pass(Milliseconds(random_() % 400));
                break;
        }
        take_verdicts();
        if (chance(5)) {
            expect_counts_agree();
        }
    }

    /// Lets the crawl come to its end, every request answered.
    void run_dry() {
        for (int turn = 0; turn < 50'000; ++turn) {
            lease_some();
            while (!open_.empty()) {
                end_one();
            }
            take_verdicts();
            feed();
            if (turn % 8 != 0) {  // a commit costs a disk's sync
                pass(manners_.min_interval);
                continue;
            }
            committer_->tick();
            writer_.drain();
            listen();
            const frontier::FrontierCounts counts = frontier_->counts();
            if (counts.remaining == 0 && counts.verdicts == 0 && committer_->uncommitted() == 0 && committer_->waiting() == 0) {
                return;
            }
            pass(Milliseconds(frontier_->has_ready() ? 50 : 2'000));
        }
        const frontier::FrontierCounts counts = frontier_->counts();
        ADD_FAILURE() << "it never ends: remaining " << counts.remaining << " verdicts " << counts.verdicts << " uncommitted "
                      << committer_->uncommitted() << " waiting " << committer_->waiting() << " ready " << counts.ready
                      << " parked " << counts.parked << " down " << counts.down << " backoff " << counts.backoff;
    }

    std::mt19937 random_;
    std::unique_ptr<RetryFeed> feed_ = std::make_unique<RetryFeed>(50);
    std::deque<Lease> open_;
    std::set<const Task*> sent_;
    std::map<HostId, SteadyTime> last_sent_;
    std::map<HostId, SteadyTime> held_until_;
    bool wall_is_true_ = true;
    std::uint64_t lines_ = 0;
};

TEST_P(CrawlModelTest, EveryLineEndsExactlyOnceWhateverHappens) {
    for (int i = 0; i < 2'500 && !HasFailure(); ++i) {
        SCOPED_TRACE(i);
        step();
    }
    ASSERT_FALSE(HasFailure());
    run_dry();
    std::uint64_t settled = 0;
    for (const std::uint64_t count : totals().outcomes) {
        settled += count;
    }
    EXPECT_EQ(settled, lines_);
    EXPECT_EQ(totals().lines, lines_);
    EXPECT_EQ(env_->read().value().count(store::Table::retries).value(), 0u);
    EXPECT_TRUE(feed_->take_due(*env_, wall_ms(), 1).value().empty());
    EXPECT_EQ(feed_->out(), 0u);
    expect_nothing_lost();
    expect_counts_agree();
    ASSERT_TRUE(depot_->sweep_temporaries());
    expect_images_agree(false);
}

INSTANTIATE_TEST_SUITE_P(Seeds, CrawlModelTest, ::testing::Range(1U, 17U));

}  // namespace
}  // namespace grit::crawl
