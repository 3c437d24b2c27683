// Hosts that are down, refuse, or are given up.
#include "frontier_rig.hpp"

#include <set>

namespace grit::frontier {
namespace {

class FrontierDownTest : public test::FrontierRig {
  protected:
    using Answer = politeness::Answer;
    TaskPtr finish(Lease lease, Answer answer = Answer::good) {
        return frontier_->finish(std::move(lease), answer, Milliseconds(10));
    }
    void go_down(Lease lease) {
        static_cast<void>(frontier_->host_down(lease.host(), Outcome::connect_timeout));
        frontier_->give_back(std::move(lease), Answer::none);
    }
    /// What the state does with the lines that ended with a host.
    void write_host_end(const std::string& name, std::uint64_t lines) {
        ASSERT_TRUE(writer_.transact([&](store::WriteTxn& txn) {
            store::HostRow row = store::get_host(txn, id(name)).value();
            row.gone_as = frontier_->gone_as(id(name));
            row.taken += lines;
            row.gone_lines += lines;
            return store::put_host(txn, id(name), row);
        }));
    }
    /// Asks until nobody may be asked any more. @return the URLs.
    std::multiset<std::string> fetch_all() {
        std::multiset<std::string> urls;
        for (std::string url = fetch(); !url.empty(); url = fetch()) {
            urls.insert(url);
            pass_interval();
        }
        return urls;
    }
};

// Down ---------------------------------------------------------------------------------------------------------------

TEST_F(FrontierDownTest, ADownHostIsAskedByOneRequestUntilItHasAnswered) {
    ASSERT_EQ(manners_.connections_per_host, 2u);
    add_numbered("a.example.org", 10);
    auto first = ask();
    ASSERT_TRUE(first);
    go_down(std::move(*first));
    pass(Milliseconds(66'000));
    auto probe = ask();
    ASSERT_TRUE(probe);
    for (int i = 0; i < 5; ++i) {
        pass(manners_.max_interval);
        EXPECT_FALSE(frontier_->lease()) << "its probe is not answered";
    }
    record(*finish(std::move(*probe)), Outcome::http_not_found);
    auto one = ask();
    pass_interval();
    auto other = ask();
    EXPECT_TRUE(one && other) << "it has answered";
}

TEST_F(FrontierDownTest, ADownHostIsAskedByItsScheduleThenGivenUp) {
    add_numbered("a.example.org", 2);
    for (const Milliseconds expected : test::kDownSchedule) {
        auto lease = ask();
        ASSERT_TRUE(lease);
        const auto wait = frontier_->host_down(lease->host(), Outcome::connect_refused);
        ASSERT_TRUE(wait);
        EXPECT_NEAR(static_cast<double>(wait->count()), static_cast<double>(expected.count()), 0.11 * static_cast<double>(expected.count()));
        frontier_->give_back(std::move(*lease), Answer::none);
        EXPECT_EQ(frontier_->counts().down, 1u);
        pass(*wait - Milliseconds(1));
        EXPECT_FALSE(ask());
        pass(Milliseconds(1));
    }
    auto lease = ask();
    ASSERT_TRUE(lease);
    EXPECT_FALSE(frontier_->host_down(lease->host(), Outcome::connect_refused));
    frontier_->give_back(std::move(*lease), Answer::none);
    EXPECT_FALSE(ask());
    EXPECT_EQ(ended(), 2u);
}

TEST_F(FrontierDownTest, RefusalsOfRequestsThatWereOpenTogetherCountOnce) {
    add_numbered("a.example.org", 4);
    auto first = ask();
    pass_interval();
    auto second = ask();
    ASSERT_TRUE(first && second);
    frontier_->throttle(first->host(), std::nullopt, Outcome::http_too_many_requests);
    frontier_->give_back(std::move(*first), Answer::strained);
    frontier_->throttle(second->host(), Milliseconds(600'000), Outcome::http_too_many_requests);
    frontier_->give_back(std::move(*second), Answer::strained);
    EXPECT_EQ(frontier_->memory(id("a.example.org")).throttle_level, 1u);
    pass(Milliseconds(599'999));
    EXPECT_FALSE(ask()) << "the longer wait holds";
    pass(Milliseconds(1));
    auto third = ask();
    ASSERT_TRUE(third);
    frontier_->throttle(third->host(), std::nullopt, Outcome::http_too_many_requests);
    frontier_->give_back(std::move(*third), Answer::strained);
    EXPECT_EQ(frontier_->memory(id("a.example.org")).throttle_level, 2u);
}

TEST_F(FrontierDownTest, ThePaceAtWhichAHostRefusedIsRememberedOverARestart) {
    add_numbered("a.example.org", 3);
    auto lease = ask();
    ASSERT_TRUE(lease);
    const HostId host = lease->host();
    frontier_->throttle(host, Milliseconds(1'000), Outcome::http_too_many_requests);
    static_cast<void>(frontier_->finish(std::move(*lease), Answer::strained, Milliseconds(10)));
    const politeness::GateMemory before = frontier_->memory(host);
    ASSERT_GT(before.ceiling_ms, 0u);
    ASSERT_TRUE(writer_.transact([&](store::WriteTxn& txn) {
        store::HostRow row = store::get_host(txn, host).value();
        row.ceiling_ms = before.ceiling_ms;
        row.answers_since_refusal = 7;
        row.near_ceiling = true;
        return store::put_host(txn, host, row);
    }));
    begin(false);
    const politeness::GateMemory after = frontier_->memory(host);
    EXPECT_EQ(after.ceiling_ms, before.ceiling_ms);
    EXPECT_EQ(after.good_answers, 7u);
    EXPECT_TRUE(after.near_ceiling);
}

TEST_F(FrontierDownTest, AHostThatOnlyRefusesIsGivenUpInTheEnd) {
    add_numbered("a.example.org", 2);
    for (int i = 0; i < 40 && frontier_->gone_as(id("a.example.org")) == store::kNotGone; ++i) {
        auto lease = ask();
        ASSERT_TRUE(lease);
        frontier_->throttle(lease->host(), std::nullopt, Outcome::http_unavailable);
        frontier_->give_back(std::move(*lease), Answer::strained);
        pass(std::chrono::hours(27));
    }
    EXPECT_FALSE(ask());
    EXPECT_EQ(ended(), 2u);
    EXPECT_EQ(view("a.example.org").gone_as, Outcome::http_unavailable);
}

TEST_F(FrontierDownTest, AForgivenHostIsAskedAsIfNothingHadBeen) {
    add_numbered("a.example.org", 2);
    auto lease = ask();
    ASSERT_TRUE(lease);
    frontier_->throttle(lease->host(), Milliseconds(3'600'000), Outcome::http_too_many_requests);
    frontier_->give_back(std::move(*lease), Answer::strained);
    frontier_->forgive(id("a.example.org"));
    pass(Milliseconds(1'000));
    EXPECT_TRUE(ask());
    frontier_->give_up(id("a.example.org"), Outcome::unreachable);
    frontier_->forgive(id("a.example.org"));
    EXPECT_EQ(frontier_->gone_as(id("a.example.org")), store::kNotGone);
}

TEST_F(FrontierDownTest, AHeldHostIsLeftAloneForThatTime) {
    add_numbered("a.example.org", 1);
    frontier_->hold(id("a.example.org"), Milliseconds(250), Wait::address);
    EXPECT_FALSE(ask());
    EXPECT_EQ(frontier_->next_due(), clock_.now() + Milliseconds(250));
    pass(Milliseconds(250));
    EXPECT_TRUE(ask());
}

TEST_F(FrontierDownTest, AHostThatIsDownKeepsNoLinesInMemory) {
    add_numbered("a.example.org", 300);
    EXPECT_EQ(fetch(), "http://a.example.org/0.jpg");
    pass_interval();
    auto lease = ask();
    ASSERT_TRUE(lease);
    EXPECT_EQ(view("a.example.org").in_memory, 126u) << "what is left of the block";
    frontier_->host_down(lease->host(), Outcome::connect_timeout);
    frontier_->give_back(std::move(*lease), Answer::none);
    pass_interval();
    EXPECT_FALSE(ask());
    EXPECT_EQ(view("a.example.org").in_memory, 0u);
    EXPECT_EQ(view("a.example.org").remaining, 299u);
    expect_counts_agree();
    pass(Milliseconds(66'000));
    std::set<std::string> urls;
    for (int i = 0; i < 299; ++i) {
        const std::string next = fetch();
        EXPECT_NE(next, "");
        EXPECT_TRUE(urls.insert(next).second) << next;
        pass_interval();
    }
    EXPECT_EQ(fetch(), "");
    EXPECT_TRUE(frontier_->take_verdicts().empty()) << "no line is met twice";
    EXPECT_EQ(frontier_->counts().remaining, 0u);
}

TEST_F(FrontierDownTest, AUrlThatIsNotRecordedYetIsNotMetAgainWhenItsBlockIsReadOnceMore) {
    add_numbered("a.example.org", 5);
    auto first = ask();
    pass_interval();
    auto second = ask();
    ASSERT_TRUE(first && second);
    const TaskPtr open = finish(std::move(*first));
    frontier_->host_down(second->host(), Outcome::connect_timeout);
    frontier_->give_back(std::move(*second), Answer::none);
    pass_interval();
    EXPECT_FALSE(ask());
    EXPECT_EQ(view("a.example.org").in_memory, 0u);
    EXPECT_EQ(view("a.example.org").remaining, 4u);
    pass(Milliseconds(66'000));
    std::size_t asked = 0;
    while (!fetch().empty()) {
        ++asked;
        pass_interval();
    }
    EXPECT_EQ(asked, 4u);
    record(*open, Outcome::stored);
    EXPECT_TRUE(frontier_->take_verdicts().empty());
    expect_counts_agree();
}

TEST_F(FrontierDownTest, NothingIsMetTwiceAfterLinesWereGivenBackToTheDisk) {
    add({"a.example.org/old"});
    EXPECT_NE(fetch(), "");
    add({"a.example.org/old", "a.example.org/x", "a.example.org/x", "a.example.org/old", "a.example.org/y", "a.example.org/z"});
    auto retry = std::make_unique<Task>();
    retry->url = url::canonicalize("http://a.example.org/old").value();
    retry->raw_url = retry->url.text;
    retry->home = id("a.example.org");
    retry->hash = retry->url.hash();
    retry->retry = store::RetryKey{1, {retry->home, retry->hash}};
    frontier_->push(std::move(retry));
    std::size_t lines = 0;
    pass_interval();
    auto first = ask();
    pass_interval();
    auto second = ask();  // x; its duplicate and those of the retry are held
    ASSERT_TRUE(first && second);
    EXPECT_EQ(second->task().url.target, "/x");
    frontier_->host_down(first->host(), Outcome::connect_timeout);
    frontier_->give_back(std::move(*first), Answer::none);
    frontier_->give_back(std::move(*second), Answer::none);
    for (int turn = 0; turn < 30; ++turn) {
        pass(Milliseconds(10'000));
        while (auto lease = ask()) {
            const TaskPtr task = finish(std::move(*lease));
            lines += task->line ? 1 : 0;
            record(*task, Outcome::http_not_found);
        }
        for (const Verdict& verdict : frontier_->take_verdicts()) {
            lines += verdict.task->line ? 1 : 0;  // the retry waits on disk
            record(*verdict.task, Outcome::http_not_found);
        }
    }
    EXPECT_EQ(lines, 6u) << "each of the six lines once";
    EXPECT_EQ(frontier_->counts().remaining, 0u);
    expect_counts_agree();
}

TEST_F(FrontierDownTest, AVerdictThatIsNotRecordedYetIsNotMetAgainWhenItsBlockIsReadOnceMore) {
    add({"a.example.org/x"});
    EXPECT_NE(fetch(), "");
    add({"a.example.org/x", "a.example.org/y", "a.example.org/z"});
    pass_interval();
    auto lease = ask();
    ASSERT_TRUE(lease);
    std::vector<Verdict> verdicts = frontier_->take_verdicts();
    ASSERT_EQ(verdicts.size(), 1u);
    frontier_->host_down(lease->host(), Outcome::connect_timeout);
    frontier_->give_back(std::move(*lease), Answer::none);
    pass_interval();
    EXPECT_FALSE(ask());
    EXPECT_EQ(view("a.example.org").in_memory, 0u);
    pass(Milliseconds(66'000));
    EXPECT_EQ(fetch(), "http://a.example.org/y");
    EXPECT_TRUE(frontier_->take_verdicts().empty()) << "the duplicate is on its way into the state";
    record(*verdicts[0].task, Outcome::http_not_found);
}

// Given up -----------------------------------------------------------------------------------------------------------

TEST_F(FrontierDownTest, AHostGivenUpEndsItsLinesInOneStep) {
    add_numbered("a.example.org", 4'000);
    add_numbered("a.example.org", 300);
    frontier_->give_up(id("a.example.org"), Outcome::dns_not_found);
    EXPECT_FALSE(frontier_->lease());
    const std::vector<HostEnd> ends = frontier_->take_host_ends();
    ASSERT_EQ(ends.size(), 1u);
    EXPECT_EQ(ends[0].host, id("a.example.org"));
    EXPECT_EQ(ends[0].lines, 4'300u);
    EXPECT_TRUE(frontier_->take_verdicts().empty());
    EXPECT_EQ(frontier_->counts().remaining, 0u);
    EXPECT_EQ(frontier_->counts().finished, 1u);
    add({"a.example.org/later"});
    EXPECT_FALSE(frontier_->lease());
    EXPECT_EQ(ended(), 1u) << "later lines too";
    expect_counts_agree();
}

TEST_F(FrontierDownTest, LinesInMemoryEndWithTheirHostAndTasksWithARecordByThemselves) {
    add_numbered("a.example.org", 200);
    add({"a.example.org/0.jpg"});
    EXPECT_NE(fetch(), "");  // the first; 127 of its block are in memory
    pass_interval();
    auto open = ask();
    ASSERT_TRUE(open);
    auto retry = std::make_unique<Task>();
    retry->url = url::canonicalize("http://a.example.org/old").value();
    retry->home = id("a.example.org");
    retry->hash = retry->url.hash();
    retry->retry = store::RetryKey{1, {retry->home, retry->hash}};
    frontier_->push(std::move(retry));
    auto redirected = std::make_unique<Task>();
    redirected->url = url::canonicalize("http://a.example.org/from-b").value();
    redirected->home = id("b.example.org");
    redirected->hops = 1;
    frontier_->push(std::move(redirected));
    frontier_->give_up(id("a.example.org"), Outcome::connect_refused);
    EXPECT_FALSE(frontier_->lease());
    EXPECT_EQ(ended(), 199u) << "all but the recorded and the open one";
    EXPECT_EQ(frontier_->take_verdicts().size(), 2u);
    frontier_->give_back(std::move(*open), Answer::none);
    EXPECT_FALSE(frontier_->lease());
    EXPECT_EQ(ended(), 1u) << "the open one, given back";
    EXPECT_EQ(frontier_->counts().remaining, 0u);
    EXPECT_EQ(frontier_->counts().verdicts, 0u);
    expect_counts_agree();
}

TEST_F(FrontierDownTest, WhatIsNotTakenYetCountsAsUnderWay) {
    add_numbered("a.example.org", 3);
    frontier_->give_up(id("a.example.org"), Outcome::connect_refused);
    EXPECT_FALSE(frontier_->lease());
    EXPECT_EQ(frontier_->counts().verdicts, 1u) << "a crawl must not end before it is in the state";
    EXPECT_EQ(ended(), 3u);
    EXPECT_EQ(frontier_->counts().verdicts, 0u);
}

TEST_F(FrontierDownTest, AfterARestartWhatEndedIsNotPendingAndWhatHadNotEndedEnds) {
    add_numbered("a.example.org", 300);
    frontier_->give_up(id("a.example.org"), Outcome::connect_refused);
    EXPECT_FALSE(frontier_->lease());
    EXPECT_EQ(ended(), 300u);
    write_host_end("a.example.org", 298);
    begin(false);
    EXPECT_EQ(ended(), 2u) << "they were open when the process ended";
    EXPECT_EQ(frontier_->counts().remaining, 0u);
}

TEST_F(FrontierDownTest, LinesThatComeBackAreAskedOnceEach) {
    add_numbered("a.example.org", 200);
    EXPECT_EQ(fetch(), "http://a.example.org/0.jpg");
    pass_interval();
    auto open = ask();
    ASSERT_TRUE(open);
    add_numbered("a.example.org", 150);  // the same again, and in another run
    frontier_->give_up(id("a.example.org"), Outcome::connect_refused);
    EXPECT_FALSE(frontier_->lease());
    EXPECT_EQ(ended(), 348u);
    const TaskPtr slow = finish(std::move(*open));  // it ends by itself, later

    frontier_->forgive(id("a.example.org"));
    EXPECT_FALSE(frontier_->lease());
    EXPECT_EQ(frontier_->counts().remaining, 0u) << "the state has them still as ended";
    frontier_->lines_back(id("a.example.org"), 348, 1);
    EXPECT_EQ(frontier_->counts().remaining, 348u);
    expect_counts_agree();
    pass_interval();
    const auto urls = fetch_all();
    EXPECT_EQ(urls.size(), 198u);
    EXPECT_EQ(std::set<std::string>(urls.begin(), urls.end()).size(), 198u);
    EXPECT_FALSE(urls.contains(slow->url.text)) << "it is on its way";
    EXPECT_EQ(frontier_->take_verdicts().size(), 150u) << "the same URLs once more";
    record(*slow, Outcome::http_not_found);
    EXPECT_EQ(frontier_->counts().remaining, 0u);
    EXPECT_EQ(log_text_, "");
    expect_counts_agree();
}

TEST_F(FrontierDownTest, LinesComeBackToAHostThatIsAtWorkOrGivenUpAgain) {
    add_numbered("a.example.org", 130);
    frontier_->give_up(id("a.example.org"), Outcome::connect_refused);
    EXPECT_FALSE(frontier_->lease());
    EXPECT_EQ(ended(), 130u);
    frontier_->forgive(id("a.example.org"));
    add({"a.example.org/x", "a.example.org/y", "a.example.org/z"});
    EXPECT_EQ(fetch(), "http://a.example.org/x");
    frontier_->lines_back(id("a.example.org"), 130, 1);
    EXPECT_EQ(frontier_->counts().remaining, 132u);
    pass_interval();
    EXPECT_EQ(fetch(), "http://a.example.org/0.jpg");
    frontier_->give_up(id("a.example.org"), Outcome::connect_refused);
    EXPECT_FALSE(frontier_->lease());
    EXPECT_EQ(ended(), 131u);
    frontier_->lines_back(id("a.example.org"), 50, 1);
    EXPECT_FALSE(frontier_->lease());
    EXPECT_EQ(ended(), 50u) << "they end again";
    expect_counts_agree();
}

}  // namespace
}  // namespace grit::frontier
