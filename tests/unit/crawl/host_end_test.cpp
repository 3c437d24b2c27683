// Lines that end with their host, and come back with it: one commit each, whatever their number.
#include "crawl_rig.hpp"

#include "grit/crawl/requeue.hpp"
#include "grit/frontier/queue_search.hpp"

#include <numeric>

namespace grit::crawl {
namespace {

using test::Answer;
using test::CrawlRig;
using test::TaskPtr;

const std::string kHost = "a.example.org";

class HostEndTest : public CrawlRig, public RequeueListener {
  protected:
    void give_up(const std::string& host, Outcome as) {
        frontier_->give_up(id(host), as);
        note_host_ends();
    }
    std::uint64_t commits() {
        const auto counts = metrics_.commit_duration.snapshot().counts;
        return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
    }
    store::HostRow row(const std::string& host = kHost) { return store::get_host(env_->read().value(), id(host)).value(); }

    std::uint64_t requeue(std::vector<Outcome> outcomes, const std::string& host = {}, std::int64_t since_ms = 0,
                          bool dry_run = false) {
        RequeueFilter filter{std::move(outcomes), {}, since_ms, dry_run};
        if (!host.empty()) {
            filter.host = id(host);
        }
        RequeueListener& listener = *this;
        return Requeue(*env_, writer_, clock_, clock_, log_, listener, cancelled_, nullptr, 2).run(filter).value();
    }
    // As the supervisor does.
    void put_back(std::uint64_t records, const std::vector<LinesBack>& hosts) override {
        committer_->add_waiting(static_cast<std::int64_t>(records));
        for (const LinesBack& one : hosts) {
            frontier_->forgive(one.host);
            frontier_->lines_back(one.host, one.lines, one.first_run);
            note(one.host);
        }
    }
    /// The process is killed and started again.
    void restart() {
        writer_.drain();
        frontier_.reset();
        committer_.reset();
        listener_.done.clear();
        listener_.returned.clear();
        open_committer();
        begin(false);
    }
    std::size_t fetch_all() {
        std::size_t fetched = 0;
        for (int idle = 0; idle < 20; pass_interval()) {
            auto lease = ask();
            if (!lease) {
                ++idle;
                continue;
            }
            settle(frontier_->finish(std::move(*lease), Answer::good, Milliseconds(1)), Outcome::http_not_found);
            ++fetched;
        }
        commit();
        return fetched;
    }

    std::atomic<bool> cancelled_{false};
};

TEST_F(HostEndTest, AHostOfManyLinesEndsInOneCommit) {
    constexpr std::uint64_t kLines = 200'000;
    std::vector<std::string> urls;
    for (std::uint64_t i = 0; i < kLines; ++i) {
        urls.push_back(kHost + "/" + std::to_string(i));
    }
    add_counted(urls);
    const std::uint64_t before = commits();
    give_up(kHost, Outcome::dns_not_found);
    EXPECT_EQ(committer_->uncommitted(), 1u);
    commit();
    EXPECT_EQ(commits(), before + 1);
    EXPECT_EQ(committer_->uncommitted(), 0u);
    EXPECT_EQ(outcomes(Outcome::dns_not_found), kLines);
    EXPECT_EQ(row().gone_lines, kLines);
    EXPECT_EQ(row().taken, kLines);
    EXPECT_EQ(row().failed, kLines);
    EXPECT_EQ(row().gone_ms, wall_ms());
    EXPECT_EQ(env_->read().value().count(store::Table::records).value(), 0u);
    expect_nothing_lost();
}

TEST_F(HostEndTest, LinesThatComeLaterEndTheSameWay) {
    add_counted({"a.example.org/1"});
    give_up(kHost, Outcome::connect_refused);
    commit();
    const std::int64_t first = row().gone_ms;
    pass(Milliseconds(60'000));
    add_counted({"a.example.org/2", "a.example.org/3"});
    note_host_ends();
    commit();
    EXPECT_EQ(outcomes(Outcome::connect_refused), 3u);
    EXPECT_EQ(row().gone_ms, first);
    expect_nothing_lost();
}

TEST_F(HostEndTest, AKillAtAnyMomentLosesNoLine) {
    add_counted({"a.example.org/1", "a.example.org/2", "a.example.org/3", "a.example.org/4"});
    TaskPtr open = take();
    give_up(kHost, Outcome::connect_refused);
    restart();  // before the commit
    expect_nothing_lost();
    EXPECT_EQ(frontier_->counts().remaining, 4u);
    open = take();
    give_up(kHost, Outcome::connect_refused);
    commit();
    EXPECT_EQ(outcomes(Outcome::connect_refused), 3u);
    restart();  // while one is open
    expect_nothing_lost();
    EXPECT_EQ(frontier_->counts().remaining, 0u);
    note_host_ends();
    commit();
    EXPECT_EQ(outcomes(Outcome::connect_refused), 4u);
    EXPECT_EQ(requeue({Outcome::connect_refused}), 4u);
    restart();  // before the frontier's word of it is committed
    expect_nothing_lost();
    EXPECT_EQ(frontier_->counts().remaining, 4u);
    EXPECT_EQ(fetch_all(), 4u);
    expect_nothing_lost();
    EXPECT_EQ(env_->read().value().count(store::Table::queue).value(), 0u);
}

TEST_F(HostEndTest, ATaskThatWasOpenEndsByItself) {
    add_counted({"a.example.org/1", "a.example.org/2"});
    TaskPtr open = take();
    give_up(kHost, Outcome::connect_refused);
    commit();
    store_image(std::move(open), "bytes");
    commit();
    EXPECT_EQ(outcomes(Outcome::stored), 1u);
    EXPECT_EQ(outcomes(Outcome::connect_refused), 1u);
    expect_nothing_lost();
    expect_images_agree();
}

TEST_F(HostEndTest, ANewOutcomeOfTheHostIsThatOfAllItsLines) {
    add_counted({"a.example.org/1", "a.example.org/2"});
    give_up(kHost, Outcome::connect_refused);
    commit();
    add_counted({"a.example.org/3"});
    give_up(kHost, Outcome::dns_not_found);
    commit();
    EXPECT_EQ(outcomes(Outcome::connect_refused), 0u);
    EXPECT_EQ(outcomes(Outcome::dns_not_found), 3u);
    expect_nothing_lost();
}

TEST_F(HostEndTest, WhatEndsWhileTheHostIsForgivenComesBackAtTheCommit) {
    add_counted({"a.example.org/1", "a.example.org/2"});
    frontier_->give_up(id(kHost), Outcome::connect_refused);
    frontier_->forgive(id(kHost));  // before what ended is in the state
    note_host_ends();
    commit();
    EXPECT_EQ(row().gone_lines, 0u);
    EXPECT_EQ(outcomes(Outcome::connect_refused), 0u);
    expect_nothing_lost();
    EXPECT_EQ(frontier_->counts().remaining, 2u);
    EXPECT_EQ(fetch_all(), 2u);
    expect_nothing_lost();
}

// An operator's retry ------------------------------------------------------------------------------------------------

class RequeueTest : public HostEndTest {
  protected:
    /// Host a was given up with two lines left and one record, host b with one line, host c has a record.
    RequeueTest() {
        add_counted({"a.example.org/1", "a.example.org/2", "a.example.org/3", "b.example.org/1", "c.example.org/1"});
        std::set<std::string> settled;
        while (settled.size() < 3) {
            TaskPtr task = take();
            if (settled.insert(task->url.host).second && task->url.host != "b.example.org") {
                settle(std::move(task), Outcome::http_not_found);
            } else {
                frontier_->push(std::move(task));
            }
        }
        commit();
        give_up("a.example.org", Outcome::connect_refused);
        give_up("b.example.org", Outcome::dns_not_found);
        commit();
        given_up_ms_ = wall_ms();
        expect_nothing_lost();
    }
    std::int64_t given_up_ms_ = 0;
};

TEST_F(RequeueTest, BringsBackWhatEndedWithAHostOfThatOutcome) {
    EXPECT_EQ(requeue({Outcome::connect_refused}, {}, 0, true), 2u) << "a dry run";
    EXPECT_EQ(frontier_->counts().remaining, 0u);
    EXPECT_EQ(requeue({Outcome::connect_refused}), 2u);
    EXPECT_EQ(frontier_->counts().remaining, 2u);
    EXPECT_EQ(outcomes(Outcome::connect_refused), 0u);
    EXPECT_EQ(outcomes(Outcome::dns_not_found), 1u);
    EXPECT_EQ(row().gone_as, store::kNotGone);
    EXPECT_EQ(row().failed, 1u) << "the record";
    expect_nothing_lost();
    EXPECT_EQ(requeue({Outcome::connect_refused}), 0u) << "once";
    EXPECT_EQ(fetch_all(), 2u);
    expect_nothing_lost();
    EXPECT_EQ(outcomes(Outcome::http_not_found), 4u);
}

TEST_F(RequeueTest, ChoosesByHostAndByTheTimeOfTheEnd) {
    EXPECT_EQ(requeue({Outcome::connect_refused, Outcome::dns_not_found}, "b.example.org", 0, true), 1u);
    EXPECT_EQ(requeue({Outcome::connect_refused}, "b.example.org", 0, true), 0u);
    EXPECT_EQ(requeue({Outcome::connect_refused}, {}, given_up_ms_, true), 2u);
    EXPECT_EQ(requeue({Outcome::connect_refused}, {}, wall_ms() + 1, true), 0u);
}

TEST_F(RequeueTest, ARecordThatIsPutBackBringsItsHostBackAsAWhole) {
    EXPECT_EQ(requeue({Outcome::http_not_found}, {}, 0, true), 4u) << "two records, and two lines of their hosts";
    EXPECT_EQ(requeue({Outcome::http_not_found}), 4u);
    EXPECT_EQ(committer_->waiting(), 2u);
    EXPECT_EQ(frontier_->gone_as(id("a.example.org")), store::kNotGone);
    EXPECT_NE(frontier_->gone_as(id("b.example.org")), store::kNotGone);
    EXPECT_EQ(row().failed, 0u) << "what is asked again has not failed";
    EXPECT_EQ(outcomes(Outcome::http_not_found), 0u);
    EXPECT_EQ(outcomes(Outcome::connect_refused), 0u);
    expect_nothing_lost();
}

TEST_F(RequeueTest, AHostThatIsForgivenAgainAndAgainKeepsCount) {
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(requeue({Outcome::connect_refused, Outcome::connect_timeout}), 2u);
        give_up("a.example.org", i == 1 ? Outcome::connect_timeout : Outcome::connect_refused);
        commit();
        expect_nothing_lost();
    }
    EXPECT_EQ(outcomes(Outcome::connect_refused), 2u);
    EXPECT_EQ(row().taken, 3u);
}

TEST_F(RequeueTest, EndsEarlyWhenTheDaemonStops) {
    cancelled_ = true;
    RequeueListener& listener = *this;
    const RequeueFilter filter{{Outcome::connect_refused}, {}, 0, false};
    EXPECT_FALSE(Requeue(*env_, writer_, clock_, clock_, log_, listener, cancelled_).run(filter));
    expect_nothing_lost();
}

TEST_F(RequeueTest, ADamagedRecordIsPassedOver) {
    const auto canonical = url::canonicalize("http://a.example.org/zzz").value();
    ASSERT_TRUE(writer_.transact([&](store::WriteTxn& txn) {
        return txn.put(store::Table::records, store::record_key({id(kHost), canonical.hash()}), "\x01garbage");
    }));
    EXPECT_EQ(requeue({Outcome::http_not_found}), 4u);
    EXPECT_NE(log_text_.find("retry.row_damaged"), std::string::npos);
}

// What an operator sees ----------------------------------------------------------------------------------------------

TEST_F(RequeueTest, AUrlWithoutARecordIsFoundInItsHostsQueue) {
    const auto look = [&](const std::string& url) {
        const auto canonical = url::canonicalize(url).value();
        return frontier::find_in_queue(*env_, id(canonical.host), canonical).value();
    };
    std::size_t gone = 0;
    for (const char* url : {"http://a.example.org/1", "http://a.example.org/2", "http://a.example.org/%33#x"}) {
        const auto line = look(url);
        gone += line ? 1 : 0;
        EXPECT_TRUE(!line || line->gone_as == Outcome::connect_refused);
        EXPECT_TRUE(!line || line->gone_ms == given_up_ms_);
    }
    EXPECT_EQ(gone, 2u) << "the third one has its record";
    EXPECT_FALSE(look("http://a.example.org/4"));
    add_counted(std::vector<std::string>(300, "d.example.org/same"));
    add_counted({"d.example.org/last"});
    const auto waits = look("http://D.example.org/last");
    ASSERT_TRUE(waits);
    EXPECT_EQ(waits->raw_url, "http://d.example.org/last");
    EXPECT_EQ(waits->ordinal, 305u);
    EXPECT_FALSE(waits->gone_as);
}

// Damage -------------------------------------------------------------------------------------------------------------

class DamageTest : public HostEndTest {
  protected:
    void damage(store::Table table, const std::string& key) {
        ASSERT_TRUE(writer_.transact([&](store::WriteTxn& txn) { return txn.put(table, key, std::string(64, '\xff').replace(0, 1, "\x01")); }));
    }
    /// The commit that meets it works, says so, and leaves nothing that the next one could meet.
    void expect_commits(const std::string& table) {
        commit();
        EXPECT_TRUE(listener_.faults.empty()) << "a fault of our own would come back for ever";
        EXPECT_EQ(committer_->uncommitted(), 0u);
        EXPECT_NE(log_text_.find("commit.row_damaged"), std::string::npos);
        EXPECT_NE(log_text_.find("table=" + table), std::string::npos) << log_text_;
        log_text_.clear();
        settle(take(), Outcome::http_not_found);
        commit();
        EXPECT_EQ(log_text_, "");
    }
};

TEST_F(DamageTest, ARecordThatCanNotBeReadIsWrittenAnew) {
    add_counted({"a.example.org/1", "a.example.org/2"});
    TaskPtr task = take();
    damage(store::Table::records, store::record_key({task->home, task->hash}));
    settle(std::move(task), Outcome::http_not_found);
    expect_commits("records");
    EXPECT_EQ(record_of("http://a.example.org/1").outcome, Outcome::http_not_found);
    expect_nothing_lost();
}

TEST_F(DamageTest, AHostThatCanNotBeReadIsWrittenAnew) {
    add_counted({"a.example.org/1", "a.example.org/2"});
    TaskPtr task = take();
    damage(store::Table::hosts, store::host_key(task->home));
    settle(std::move(task), Outcome::http_not_found);
    expect_commits("hosts");
    EXPECT_EQ(row().name, kHost);
    EXPECT_EQ(row().domain, "example.org");
    expect_nothing_lost();
}

TEST_F(DamageTest, ProgressThatCanNotBeReadIsWrittenAnew) {
    add_counted({"a.example.org/1", "a.example.org/2", "a.example.org/3"});
    TaskPtr task = take();
    damage(store::Table::progress, store::queue_key(task->line->block));
    settle(std::move(task), Outcome::http_not_found);
    expect_commits("progress");
    expect_nothing_lost();
}

}  // namespace
}  // namespace grit::crawl
