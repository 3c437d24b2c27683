#include "frontier_rig.hpp"

#include <deque>
#include <map>
#include <set>

namespace grit::frontier {
namespace {

class FrontierTest : public test::FrontierRig {
  protected:
    using Answer = politeness::Answer;
    TaskPtr finish(Lease lease, Answer answer = Answer::good) {
        return frontier_->finish(std::move(lease), answer, Milliseconds(10));
    }
};

// The pace -----------------------------------------------------------------------------------------------------------

TEST_F(FrontierTest, AsksAHostsLinesInInputOrderAtItsPace) {
    add_numbered("a.example.org", 3);
    EXPECT_EQ(fetch(), "http://a.example.org/0.jpg");
    EXPECT_EQ(fetch(), "") << "its interval is not over";
    EXPECT_EQ(frontier_->next_due(), clock_.now() + manners_.min_interval);
    pass_interval();
    EXPECT_EQ(fetch(), "http://a.example.org/1.jpg");
    pass_interval();
    EXPECT_EQ(fetch(), "http://a.example.org/2.jpg");
    pass_interval();
    EXPECT_EQ(fetch(), "");
    EXPECT_EQ(frontier_->counts().finished, 1u);
    EXPECT_EQ(frontier_->next_due(), SteadyTime::max());
    expect_counts_agree();
}

TEST_F(FrontierTest, PaceCountsFromTheMomentOfSending) {
    add_numbered("a.example.org", 3);
    auto lease = frontier_->lease();
    ASSERT_TRUE(lease);
    pass(Milliseconds(5'000));
    EXPECT_FALSE(frontier_->lease()) << "one request at a time is on its way out";
    EXPECT_TRUE(frontier_->may_send(*lease));
    EXPECT_FALSE(frontier_->lease());
    EXPECT_FALSE(frontier_->may_send(*lease)) << "a second sending has to wait for the pace too";
    pass_interval();
    EXPECT_TRUE(frontier_->lease());
}

TEST_F(FrontierTest, PaceCountsFromWhenTheRequestHasLeft) {
    add_numbered("a.example.org", 3);
    auto lease = ask();
    ASSERT_TRUE(lease);
    pass(Milliseconds(40));
    frontier_->written(*lease);
    pass(manners_.min_interval - Milliseconds(1));
    EXPECT_FALSE(frontier_->lease());
    pass(Milliseconds(1));
    EXPECT_TRUE(frontier_->lease());
}

TEST_F(FrontierTest, ARequestInPreparationIsNotSentToAHostThatAskedForLessMeanwhile) {
    add_numbered("a.example.org", 3);
    auto first = ask();
    pass_interval();
    auto second = frontier_->lease();
    ASSERT_TRUE(first && second);
    frontier_->throttle(first->host(), Milliseconds(60'000), Outcome::http_too_many_requests);
    EXPECT_FALSE(frontier_->may_send(*second));
    pass(Milliseconds(60'000));
    EXPECT_TRUE(frontier_->may_send(*second));
}

TEST_F(FrontierTest, NeverHasMoreOpenPerHostThanItsConnections) {
    add_numbered("a.example.org", 5);
    std::vector<Lease> open;
    for (int i = 0; i < 10; ++i) {
        if (auto lease = ask()) {
            open.push_back(std::move(*lease));
        }
        pass_interval();
    }
    EXPECT_EQ(open.size(), 2u);
    EXPECT_EQ(frontier_->counts().active, 1u);
    finish(std::move(open.back()));
    open.pop_back();
    EXPECT_TRUE(ask());
}

TEST_F(FrontierTest, NeverHasMoreOpenPerDomainThanItsLimit) {
    manners_.connections_per_domain = 3;
    begin(false);
    for (int i = 0; i < 6; ++i) {
        add_numbered("h" + std::to_string(i) + ".example.org", 6);
    }
    add_numbered("www.example.net", 1);
    std::deque<Lease> open;
    while (auto lease = ask()) {
        if (lease->host() == id("www.example.net")) {
            finish(std::move(*lease));
        } else {
            open.push_back(std::move(*lease));
        }
    }
    EXPECT_EQ(frontier_->counts().finished, 1u) << "another domain has its own places";
    EXPECT_EQ(open.size(), 3u);
    expect_counts_agree();
    for (int i = 0; i < 20; ++i) {
        pass_interval();
        finish(std::move(open.front()));
        open.pop_front();
        while (auto lease = ask()) {
            open.push_back(std::move(*lease));
        }
        EXPECT_EQ(open.size(), 3u);
    }
}

TEST_F(FrontierTest, HostsThatWaitForTheirDomainTakeTurns) {
    manners_.connections_per_domain = 1;
    begin(false);
    for (int i = 0; i < 5; ++i) {
        add_numbered("h" + std::to_string(i) + ".example.org", 20);
    }
    std::map<std::string, int> asked;
    for (int i = 0; i < 50; ++i) {
        auto lease = ask();
        ASSERT_TRUE(lease);
        ++asked[lease->task().url.host];
        EXPECT_FALSE(ask());
        pass_interval();
        finish(std::move(*lease));
    }
    ASSERT_EQ(asked.size(), 5u);
    for (const auto& [host, times] : asked) {
        EXPECT_GE(times, 5) << host << " waits longest and gets least";
    }
}

TEST_F(FrontierTest, AHostGivenUpWhileItWaitsForItsDomainPassesItsTurnOn) {
    manners_.connections_per_domain = 1;
    begin(false);
    add_numbered("a.example.org", 1);
    add_numbered("b.example.org", 1);
    add_numbered("c.example.org", 1);
    auto lease = ask();
    ASSERT_TRUE(lease);
    EXPECT_FALSE(ask());  // the other two wait for the domain
    for (const char* host : {"a.example.org", "b.example.org", "c.example.org"}) {
        if (lease->task().url.host != host) {
            frontier_->give_up(id(host), Outcome::dns_not_found);
            break;
        }
    }
    finish(std::move(*lease));
    pass_interval();
    EXPECT_TRUE(ask()) << "a place is free and a host waits for it";
    EXPECT_EQ(ended(), 1u);
}

TEST_F(FrontierTest, ARaisedDomainLimitHoldsForTheNextLease) {
    manners_.connections_per_domain = 1;
    begin(false);
    add_numbered("a.example.org", 1);
    add_numbered("b.example.org", 1);
    manners_.connections_per_domain = 2;  // as a reload does
    const auto first = ask();
    const auto second = ask();
    EXPECT_TRUE(first && second);
}

// Order --------------------------------------------------------------------------------------------------------------

TEST_F(FrontierTest, TheLargestHostGoesFirst) {
    add_numbered("small.example.org", 1);
    add_numbered("large.example.com", 100);
    add_numbered("middle.example.net", 10);
    EXPECT_EQ(fetch(), "http://large.example.com/0.jpg");
    EXPECT_EQ(fetch(), "http://middle.example.net/0.jpg");
    EXPECT_EQ(fetch(), "http://small.example.org/0.jpg");
}

TEST_F(FrontierTest, AHostThatGrewByLaterRunsGoesFirst) {
    add_numbered("grown.example.org", 1);
    add_numbered("large.example.com", 10);
    add_numbered("grown.example.org", 200);
    EXPECT_EQ(fetch(), "http://grown.example.org/0.jpg");
    EXPECT_EQ(fetch(), "http://large.example.com/0.jpg");
}

TEST_F(FrontierTest, AfterARestartTheLargestHostGoesFirst) {
    for (int run = 0; run < 5; ++run) {
        add({"grown.example.org/" + std::to_string(run)});
        if (run == 0) {
            add_numbered("three.example.com", 3);
        }
    }
    begin(false);
    pass_interval();
    EXPECT_EQ(fetch(), "http://grown.example.org/0");
}

TEST_F(FrontierTest, ARetryGoesBeforeTheQueue) {
    add_numbered("a.example.org", 2);
    auto task = std::make_unique<Task>();
    task->url = url::canonicalize("http://a.example.org/retry").value();
    task->raw_url = task->url.text;
    task->home = id("a.example.org");
    task->hash = task->url.hash();
    frontier_->push(std::move(task));
    EXPECT_EQ(frontier_->counts().remaining, 3u);
    EXPECT_EQ(fetch(), "http://a.example.org/retry");
    pass_interval();
    EXPECT_EQ(fetch(), "http://a.example.org/0.jpg");
    expect_counts_agree();
}

TEST_F(FrontierTest, ParkedHostsAreNotLookedAt) {
    for (int i = 0; i < 300; ++i) {
        add_numbered("h" + std::to_string(i) + ".example" + std::to_string(i) + ".org", 2);
    }
    std::size_t asked = 0;
    while (!fetch().empty()) {
        ++asked;
    }
    EXPECT_EQ(asked, 300u);
    EXPECT_FALSE(frontier_->has_ready());
    EXPECT_EQ(frontier_->counts().parked, 300u);
    EXPECT_EQ(frontier_->earliest_work(), clock_.now() + manners_.min_interval);
}

// Leases -------------------------------------------------------------------------------------------------------------

TEST_F(FrontierTest, ALeaseThatIsDroppedIsAskedAgainFirst) {
    add_numbered("a.example.org", 2);
    { const auto lease = ask(); }
    EXPECT_EQ(frontier_->counts().open, 0u);
    EXPECT_EQ(frontier_->counts().remaining, 2u);
    pass_interval();
    EXPECT_EQ(fetch(), "http://a.example.org/0.jpg");
    expect_counts_agree();
}

TEST_F(FrontierTest, ALeaseThatWasNeverSentCostsTheHostNothing) {
    add_numbered("a.example.org", 1);
    auto lease = frontier_->lease();
    ASSERT_TRUE(lease);
    frontier_->give_back(std::move(*lease), Answer::none);
    EXPECT_TRUE(frontier_->lease());
}

TEST_F(FrontierTest, ARedirectIsAskedOfItsHostAndSettledAtHome) {
    add_numbered("a.example.org", 1);
    auto lease = ask();
    ASSERT_TRUE(lease);
    TaskPtr task = finish(std::move(*lease));
    task->url = url::canonicalize("http://b.example.com/there").value();
    task->hops = 1;
    frontier_->push(std::move(task));
    auto second = ask();
    ASSERT_TRUE(second);
    EXPECT_EQ(second->host(), id("b.example.com"));
    EXPECT_EQ(second->task().home, id("a.example.org"));
    EXPECT_EQ(second->task().raw_url, "http://a.example.org/0.jpg");
}

// Duplicates ---------------------------------------------------------------------------------------------------------

TEST_F(FrontierTest, ADuplicateOfAUrlThatIsUnderWayEndsAtOnce) {
    add({"a.example.org/x", "a.example.org/x", "a.example.org/%78", "a.example.org/y"});
    auto first = ask();
    ASSERT_TRUE(first);
    pass_interval();
    auto other = ask();
    ASSERT_TRUE(other);
    EXPECT_EQ(other->task().url.target, "/y") << "the duplicates ask for nothing";
    const std::vector<Verdict> verdicts = frontier_->take_verdicts();
    ASSERT_EQ(verdicts.size(), 2u);
    EXPECT_EQ(verdicts[0].outcome, Outcome::duplicate_url);
    EXPECT_EQ(verdicts[1].task->raw_url, "http://a.example.org/%78");
    EXPECT_EQ(verdicts[1].task->line->entry, 2u);
    for (const Verdict& verdict : verdicts) {
        frontier_->acknowledge_duplicate(verdict.task->home, verdict.task->line);
    }
    finish(std::move(*other));
    add({"a.example.org/x"});
    pass_interval();
    EXPECT_EQ(fetch(), "");
    EXPECT_EQ(frontier_->take_verdicts().size(), 1u) << "its end has not made the first one's";
    record(*finish(std::move(*first)), Outcome::http_not_found);
}

TEST_F(FrontierTest, ALineWhoseUrlHasARecordEndsWithoutARequest) {
    add({"a.example.org/x"});
    EXPECT_EQ(fetch(), "http://a.example.org/x");
    add({"a.example.org/x", "a.example.org/x"});
    pass_interval();
    EXPECT_EQ(fetch(), "");
    EXPECT_EQ(frontier_->take_verdicts().size(), 2u);
    expect_counts_agree();
}

TEST_F(FrontierTest, ManyDuplicatesDoNotStopTheOthers) {
    std::vector<std::string> urls(1'000, "a.example.org/x");
    urls.emplace_back("a.example.org/last");
    add(urls);
    EXPECT_EQ(fetch(), "http://a.example.org/x");
    pass_interval();
    std::size_t verdicts = 0;
    std::string next;
    for (int turn = 0; turn < 50 && next.empty(); ++turn) {
        next = fetch();
        verdicts += frontier_->take_verdicts().size();
    }
    EXPECT_EQ(next, "http://a.example.org/last");
    EXPECT_EQ(verdicts, 999u);
}

// A URL that waits for an answer for long must not gather its duplicates in memory.
TEST_F(FrontierTest, AHundredThousandDuplicatesOfAnOpenUrlHoldNoMemory) {
    add(std::vector<std::string>(100'000, "a.example.org/x"));
    auto first = ask();
    ASSERT_TRUE(first);
    pass_interval();
    std::size_t ended = 0;
    for (int turn = 0; turn < 1'000 && ended < 99'999; ++turn) {
        EXPECT_FALSE(ask());
        EXPECT_LE(view("a.example.org").in_memory, kBlockEntries);
        ended += frontier_->take_verdicts().size();
    }
    EXPECT_EQ(ended, 99'999u);
    EXPECT_EQ(frontier_->counts().remaining, 0u);
}

// Restarts -----------------------------------------------------------------------------------------------------------

TEST_F(FrontierTest, SettledLinesAreNotAskedAgainAfterARestart) {
    add_numbered("a.example.org", 300);
    for (int i = 0; i < 130; ++i) {
        EXPECT_NE(fetch(), "");
        pass_interval();
    }
    const std::string cut = ask()->task().url.text;  // leased, never settled
    begin(false);
    EXPECT_EQ(frontier_->counts().remaining, 170u);
    std::set<std::string> urls;
    for (int i = 0; i < 170; ++i) {
        pass(Milliseconds(1'000));
        urls.insert(fetch());
    }
    EXPECT_EQ(urls.size(), 170u);
    EXPECT_TRUE(urls.contains(cut));
    pass(Milliseconds(1'000));
    EXPECT_EQ(fetch(), "");
    expect_counts_agree();
}

TEST_F(FrontierTest, LinesSettledOutOfOrderOverRunsAreFoundAgain) {
    manners_.connections_per_host = 10;
    for (int run = 0; run < 4; ++run) {
        add({"a.example.org/" + std::to_string(run) + "a", "a.example.org/" + std::to_string(run) + "b"});
    }
    std::vector<Lease> open;
    for (int i = 0; i < 8; ++i) {
        open.push_back(std::move(*ask()));
        pass_interval();
    }
    std::set<std::string> left;
    for (std::size_t i = 0; i < open.size(); ++i) {
        if (i == 1 || i == 4) {
            left.insert(open[i].task().url.text);
        } else {
            commit_only(open[i].task(), Outcome::stored);  // runs 2 and 4 end before run 1
        }
    }
    open.clear();
    begin(false);
    EXPECT_EQ(frontier_->counts().remaining, 2u);
    std::set<std::string> found;
    for (int i = 0; i < 2; ++i) {
        pass(Milliseconds(1'000));
        found.insert(fetch());
    }
    EXPECT_EQ(found, left);
    add({"a.example.org/new"});
    pass(Milliseconds(1'000));
    EXPECT_EQ(fetch(), "http://a.example.org/new");
}

// A kill forgets what was asked in the last moment, be it the first request that the host ever got.
TEST_F(FrontierTest, AfterARestartNobodyIsAskedBeforeAnInterval) {
    manners_.min_interval = Milliseconds(1'000);
    add({"a.example.org/1", "a.example.org/2"});
    EXPECT_EQ(ask()->task().url.text, "http://a.example.org/1") << "a fresh state has nothing to wait for";
    begin(false);
    pass(Milliseconds(999));
    EXPECT_FALSE(ask());
    EXPECT_FALSE(frontier_->has_ready()) << "nobody looks in vain";
    EXPECT_EQ(frontier_->next_due(), clock_.now() + Milliseconds(1));
    pass(Milliseconds(1));
    EXPECT_TRUE(ask());
}

TEST_F(FrontierTest, ABackOffHoldsOverARestart) {
    add_numbered("a.example.org", 2);
    auto lease = ask();
    ASSERT_TRUE(lease);
    const HostId host = lease->host();
    frontier_->throttle(host, Milliseconds(600'000), Outcome::http_too_many_requests);
    const politeness::GateMemory memory = frontier_->memory(host);
    lease.reset();
    ASSERT_TRUE(writer_.transact([&](store::WriteTxn& txn) {
        store::HostRow row = store::get_host(txn, host).value();
        row.not_before_ms = memory.not_before_ms;
        row.interval_ms = memory.interval_ms;
        row.backoff_level = memory.throttle_level;
        return store::put_host(txn, host, row);
    }));
    pass(Milliseconds(10'000));
    begin(false);
    EXPECT_FALSE(ask());
    EXPECT_EQ(frontier_->counts().backoff, 1u);
    pass(Milliseconds(589'999));
    EXPECT_FALSE(ask());
    pass(Milliseconds(2));
    EXPECT_TRUE(ask());
}

// Damage -------------------------------------------------------------------------------------------------------------

TEST_F(FrontierTest, ADamagedBlockIsSkippedLoudlyAndTheRestGoesOn) {
    add_numbered("a.example.org", 300);
    ASSERT_TRUE(writer_.transact([&](store::WriteTxn& txn) {
        return txn.put(store::Table::queue, store::queue_key({1, id("a.example.org"), 1}), "damaged");
    }));
    std::size_t asked = 0;
    while (!fetch().empty()) {
        ++asked;
        pass_interval();
    }
    EXPECT_EQ(asked, 300u - 128u);
    EXPECT_NE(log_text_.find("frontier.block_damaged"), std::string::npos);
    EXPECT_EQ(frontier_->counts().remaining, 0u);
    expect_counts_agree();
}

}  // namespace
}  // namespace grit::frontier
