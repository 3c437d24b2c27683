#include "frontier_rig.hpp"

#include "grit/metrics/handles.hpp"

#include <algorithm>

namespace grit::frontier {
namespace {

using politeness::Answer;
using Where = UrlView::Where;

class FrontierViewsTest : public test::FrontierRig {
  protected:
    UrlView url(const std::string& text) {
        const auto canonical = url::canonicalize(text).value();
        return frontier_->view(id(canonical.host), canonical).value();
    }
    std::vector<std::string> ranked(HostOrder order, std::size_t limit = 10, std::optional<HostState> state = {}) {
        HostRanking ranking(HostQuery{order, limit, state});
        for (std::optional<std::size_t> from = 0; from;) {
            from = frontier_->rank(ranking, *from, 2);
        }
        std::vector<std::string> names;
        for (const HostView& host : frontier_->ranked(ranking)) {
            names.push_back(host.name);
        }
        return names;
    }
};

// What a host waits for -----------------------------------------------------------------------------------------------

TEST_F(FrontierViewsTest, AHostThatMayBeAskedWaitsForASlotOnly) {
    add_numbered("a.example.org", 3);
    const HostView host = view("a.example.org");
    EXPECT_EQ(host.wait, Wait::slot);
    EXPECT_EQ(host.state, HostState::ready);
    EXPECT_EQ(host.remaining, 3u);
    EXPECT_EQ(host.next_in, Milliseconds(0));
    EXPECT_EQ(host.eta, 3 * manners_.min_interval);
}

TEST_F(FrontierViewsTest, APacedHostWaitsForItsInterval) {
    add_numbered("a.example.org", 3);
    EXPECT_NE(fetch(), "");
    const HostView host = view("a.example.org");
    EXPECT_EQ(host.wait, Wait::pace);
    EXPECT_EQ(host.next_in, manners_.min_interval);
    EXPECT_EQ(host.eta, 3 * manners_.min_interval) << "the rest of this interval, and two requests";
    EXPECT_FALSE(host.last_failure);
}

TEST_F(FrontierViewsTest, ABusyHostWaitsForTheEndOfARequest) {
    add_numbered("a.example.org", 3);
    auto first = ask();
    pass_interval();
    auto second = ask();
    pass_interval();
    const HostView host = view("a.example.org");
    EXPECT_EQ(host.wait, Wait::connection);
    EXPECT_EQ(host.open, 2u);
    EXPECT_EQ(host.connections, 2u);
}

TEST_F(FrontierViewsTest, RetryAfterAndOurOwnBackOffAreToldApart) {
    add_numbered("a.example.org", 2);
    add_numbered("b.example.org", 2);
    for (int i = 0; i < 2; ++i) {
        auto lease = ask();
        ASSERT_TRUE(lease);
        const bool is_told = lease->host() == id("a.example.org");
        frontier_->throttle(lease->host(), is_told ? std::optional(Milliseconds(600'000)) : std::nullopt,
                            is_told ? Outcome::http_too_many_requests : Outcome::http_unavailable);
        frontier_->give_back(std::move(*lease), Answer::strained);
    }
    const HostView told = view("a.example.org");
    EXPECT_EQ(told.wait, Wait::retry_after);
    EXPECT_EQ(told.state, HostState::backoff);
    EXPECT_EQ(told.next_in, Milliseconds(600'000));
    EXPECT_EQ(told.refusals, 1u);
    EXPECT_EQ(told.last_failure, Outcome::http_too_many_requests);
    const HostView own = view("b.example.org");
    EXPECT_EQ(own.wait, Wait::back_off);
    EXPECT_EQ(own.last_failure, Outcome::http_unavailable);
    pass(Milliseconds(600'000));
    EXPECT_TRUE(ask());
    EXPECT_TRUE(ask());
    EXPECT_NE(view("a.example.org").wait, Wait::retry_after) << "the wait is over";
}

TEST_F(FrontierViewsTest, ADownHostTellsItsAttempts) {
    add_numbered("a.example.org", 1);
    auto lease = ask();
    ASSERT_TRUE(lease);
    const auto wait = frontier_->host_down(lease->host(), Outcome::connect_refused);
    frontier_->give_back(std::move(*lease), Answer::none);
    const HostView host = view("a.example.org");
    EXPECT_EQ(host.wait, Wait::down);
    EXPECT_EQ(host.state, HostState::down);
    EXPECT_EQ(host.next_in, wait);
    EXPECT_EQ(host.down_attempts, 1u);
    EXPECT_EQ(host.down_schedule, test::kDownSchedule.size());
    EXPECT_EQ(host.last_failure, Outcome::connect_refused);
}

TEST_F(FrontierViewsTest, WhatTheStateRememberedOfAHostIsToldAfterAStart) {
    add_numbered("a.example.org", 1);
    add_numbered("b.example.org", 1);
    const std::int64_t until = (clock_.wall_now().time_since_epoch() + Milliseconds(90'000)).count();
    ASSERT_TRUE(writer_.transact([&](store::WriteTxn& txn) -> Result<void> {
        store::HostRow row = store::get_host(txn, id("a.example.org")).value();
        row.not_before_ms = until;
        row.down_attempts = 1;
        row.stored = 7;
        row.failed = 9;
        if (const auto put = store::put_host(txn, id("a.example.org"), row); !put) {
            return put;
        }
        row = store::get_host(txn, id("b.example.org")).value();
        row.not_before_ms = until;
        row.backoff_level = 2;
        return store::put_host(txn, id("b.example.org"), row);
    }));
    begin(false);
    EXPECT_EQ(view("a.example.org").wait, Wait::down);
    EXPECT_EQ(view("a.example.org").next_in, Milliseconds(90'000));
    EXPECT_EQ(view("a.example.org").stored, 7u);
    EXPECT_EQ(view("a.example.org").failed, 9u);
    EXPECT_EQ(view("b.example.org").wait, Wait::back_off);
    EXPECT_EQ(view("b.example.org").refusals, 2u);
}

TEST_F(FrontierViewsTest, AHostHeldForItsAddressSaysSo) {
    add_numbered("a.example.org", 1);
    frontier_->hold(id("a.example.org"), Milliseconds(250), Wait::address);
    EXPECT_FALSE(ask());
    EXPECT_EQ(view("a.example.org").wait, Wait::address);
}

TEST_F(FrontierViewsTest, AfterARestartTheFirstIntervalIsWaited) {
    add_numbered("a.example.org", 1);
    begin(false);
    EXPECT_EQ(view("a.example.org").wait, Wait::start);
    EXPECT_EQ(view("a.example.org").next_in, manners_.min_interval);
    pass_interval();
    EXPECT_EQ(view("a.example.org").wait, Wait::slot);
}

TEST_F(FrontierViewsTest, AShorterHoldDoesNotHideWhatHoldsTheHost) {
    add_numbered("a.example.org", 1);
    auto lease = ask();
    ASSERT_TRUE(lease);
    frontier_->throttle(lease->host(), Milliseconds(60'000), Outcome::http_unavailable);
    frontier_->give_back(std::move(*lease), Answer::strained);
    frontier_->hold(id("a.example.org"), Milliseconds(250), Wait::address);
    EXPECT_EQ(view("a.example.org").wait, Wait::retry_after);
}

TEST_F(FrontierViewsTest, AHostWhoseDomainIsFullSaysHowFull) {
    manners_.connections_per_domain = 1;
    add({"a.example.org/1", "b.example.org/1"});
    auto lease = ask();
    ASSERT_TRUE(lease);
    EXPECT_FALSE(ask());
    const std::string other = lease->host() == id("a.example.org") ? "b.example.org" : "a.example.org";
    const HostView host = view(other);
    EXPECT_EQ(host.wait, Wait::domain);
    EXPECT_EQ(host.state, HostState::domain);
    EXPECT_EQ(host.domain_open, 1u);
    EXPECT_EQ(host.domain_limit, 1u);
    EXPECT_EQ(frontier_->counts().domain, 1u);
    expect_counts_agree();
}

TEST_F(FrontierViewsTest, AHostGivenUpSaysAsWhat) {
    add_numbered("a.example.org", 400);
    frontier_->give_up(id("a.example.org"), Outcome::dns_not_found);
    const HostView host = view("a.example.org");
    EXPECT_EQ(host.gone_as, Outcome::dns_not_found);
    EXPECT_TRUE(host.wait == Wait::given_up || host.remaining == 0);
    EXPECT_EQ(host.eta, Milliseconds(0)) << "its URLs end without a request";
}

TEST_F(FrontierViewsTest, AHostThatWaitsForItsRulesSaysSo) {
    begin(true);
    add_numbered("a.example.org", 2);
    EXPECT_EQ(url("http://a.example.org/0.jpg").site, UrlView::Site::unknown);
    auto question = ask();
    ASSERT_TRUE(question);
    EXPECT_EQ(view("a.example.org").wait, Wait::site);
    pass_interval();
    const TaskPtr task = frontier_->finish(std::move(*question), Answer::none, Milliseconds(1));
    EXPECT_EQ(view("a.example.org").state, HostState::site);
    EXPECT_EQ(frontier_->counts().site, 1u);
    expect_counts_agree();
    frontier_->site_known(task->question, robots::Rules::parse("User-agent: *\nDisallow: /1*.jpg$\n", "gritd"), 200);
    EXPECT_NE(view("a.example.org").wait, Wait::site);
    const UrlView forbidden = url("http://a.example.org/1.jpg");
    EXPECT_EQ(forbidden.site, UrlView::Site::forbid);
    EXPECT_EQ(forbidden.rule, "Disallow: /1*.jpg$");
    EXPECT_EQ(url("http://a.example.org/0.jpg").site, UrlView::Site::allow);
    EXPECT_EQ(forbidden.site_file, "robots.txt");
    EXPECT_EQ(url("https://a.example.org/0.jpg").site, UrlView::Site::unknown) << "another origin";
}

// Where a URL is ------------------------------------------------------------------------------------------------------

TEST_F(FrontierViewsTest, AUrlIsCountedDownInItsHostsOrder) {
    add_numbered("a.example.org", 5);
    const UrlView unseen = url("http://a.example.org/3.jpg");
    EXPECT_EQ(unseen.where, Where::unseen) << "its lines are on disk until the first is asked";
    EXPECT_NE(fetch(), "");
    const UrlView waiting = url("http://a.example.org/3.jpg");
    EXPECT_EQ(waiting.where, Where::in_order);
    EXPECT_EQ(waiting.ahead, 2u);
    EXPECT_EQ(url("http://a.example.org/1.jpg").ahead, 0u);
}

TEST_F(FrontierViewsTest, ALeasedUrlIsOutSinceThenAndItsResultIsOnTheWayAfterwards) {
    add_numbered("a.example.org", 2);
    auto lease = ask();
    pass(Milliseconds(700));
    const UrlView asked = url("http://a.example.org/0.jpg");
    EXPECT_EQ(asked.where, Where::asked);
    EXPECT_EQ(asked.asked, id("a.example.org"));
    EXPECT_EQ(asked.asked_for, Milliseconds(700));
    const TaskPtr task = frontier_->finish(std::move(*lease), Answer::good, Milliseconds(1));
    EXPECT_EQ(url("http://a.example.org/0.jpg").where, Where::left);
    record(*task, Outcome::http_not_found);
    EXPECT_EQ(url("http://a.example.org/0.jpg").where, Where::unseen) << "settled: its record tells";
    EXPECT_FALSE(frontier_->asked(task->hash));
}

TEST_F(FrontierViewsTest, AUrlGivenBackIsNextInItsHostsOrder) {
    add_numbered("a.example.org", 3);
    { const auto lost = ask(); }
    const UrlView back = url("http://a.example.org/0.jpg");
    EXPECT_EQ(back.where, Where::in_order);
    EXPECT_EQ(back.ahead, 0u);
    EXPECT_EQ(url("http://a.example.org/1.jpg").ahead, 1u);
}

TEST_F(FrontierViewsTest, ARedirectIsAskedOfTheHostItLeadsTo) {
    add({"a.example.org/1"});
    auto lease = ask();
    TaskPtr task = frontier_->finish(std::move(*lease), Answer::good, Milliseconds(1));
    task->url = url::canonicalize("http://b.example.org/x").value();
    ++task->hops;
    frontier_->push(std::move(task));
    auto redirected = ask();
    ASSERT_TRUE(redirected);
    const UrlView view = url("http://a.example.org/1");
    EXPECT_EQ(view.where, Where::asked);
    EXPECT_EQ(view.asked, id("b.example.org"));
}

// Orders --------------------------------------------------------------------------------------------------------------

TEST_F(FrontierViewsTest, HostsAreRankedByWhatIsAsked) {
    begin(true);
    add_numbered("many.example.org", 9);
    add_numbered("slow.example.net", 3);
    add_numbered("bad.example.com", 2);
    // 9 x 100 ms against 3 x 30 s
    const SiteQuestion question{store::OriginKey{id("slow.example.net"), false, 80}};
    frontier_->site_known(question, robots::Rules::parse("User-agent: *\nCrawl-delay: 30\n", "gritd"), 200);
    for (int i = 0; i < 4; ++i) {
        frontier_->acknowledge(id("bad.example.com"), UrlHash{}, std::nullopt, Ending::failed);
        frontier_->acknowledge(id("many.example.org"), UrlHash{}, std::nullopt, Ending::stored);
    }
    EXPECT_EQ(ranked(HostOrder::remaining)[0], "many.example.org");
    EXPECT_EQ(ranked(HostOrder::eta)[0], "slow.example.net");
    EXPECT_EQ(ranked(HostOrder::pace)[0], "slow.example.net");
    EXPECT_EQ(ranked(HostOrder::errors)[0], "bad.example.com");
    EXPECT_EQ(ranked(HostOrder::stored)[0], "many.example.org");
    EXPECT_EQ(ranked(HostOrder::remaining, 2).size(), 2u);
    EXPECT_EQ(ranked(HostOrder::remaining), (std::vector<std::string>{"many.example.org", "slow.example.net", "bad.example.com"}));
}

TEST_F(FrontierViewsTest, ARankingHoldsOnlyHostsOfTheStateThatIsAskedFor) {
    add_numbered("a.example.org", 2);
    add_numbered("b.example.net", 2);
    auto lease = ask();
    ASSERT_TRUE(lease);
    EXPECT_EQ(ranked(HostOrder::remaining, 10, HostState::active), std::vector{std::string(hosts_.info(lease->host()).name)});
    EXPECT_EQ(ranked(HostOrder::remaining, 10, HostState::down), std::vector<std::string>{});
}

TEST_F(FrontierViewsTest, ARankingIsThatOfTheWholeWhateverTheSlices) {
    for (int i = 0; i < 40; ++i) {
        add_numbered("h" + std::to_string(i) + ".example.org", (i * 17) % 40 + 1);
    }
    std::vector<std::string> expected;
    for (const HostView& host : frontier_->largest(7)) {
        expected.push_back(host.name);
    }
    EXPECT_EQ(ranked(HostOrder::remaining, 7), expected);
    EXPECT_EQ(frontier_->largest(1).front().remaining, 40u);
}

TEST(HostRanking, KeepsTheBestAndEqualsByPosition) {
    HostRanking ranking(HostQuery{HostOrder::remaining, 3, std::nullopt});
    const std::vector<std::uint64_t> keys{5, 9, 1, 9, 5, 7};
    for (std::uint32_t i = 0; i < keys.size(); ++i) {
        ranking.offer(keys[i], i);
    }
    EXPECT_EQ(ranking.best(), (std::vector<std::uint32_t>{1, 3, 5}));
}

// Waits that are measured ---------------------------------------------------------------------------------------------

class FrontierWaitsTest : public FrontierViewsTest {
  protected:
    FrontierWaitsTest() { frontier_->measure_with(wait_, lag_); }

    static std::uint64_t count(const metrics::Histogram& histogram) {
        std::uint64_t all = 0;
        for (const std::uint64_t some : histogram.snapshot().counts) {
            all += some;
        }
        return all;
    }
    static constexpr std::array<std::uint64_t, 2> kBounds{1'000, 1'000'000};
    metrics::DurationHistogram wait_{kBounds};
    metrics::DurationHistogram lag_{kBounds};
};

TEST_F(FrontierWaitsTest, AHostThatWasNeverHeldIsNeitherLateNorWaiting) {
    add_numbered("a.example.org", 1);
    pass(Milliseconds(5'000));
    const auto lease = ask();
    EXPECT_TRUE(lease);
    EXPECT_EQ(count(wait_), 0u);
    EXPECT_EQ(count(lag_), 0u);
}

TEST_F(FrontierWaitsTest, TheLagIsTheTimeBetweenDueAndLeased) {
    add_numbered("a.example.org", 3);
    EXPECT_NE(fetch(), "");
    EXPECT_EQ(count(wait_), 1u);
    EXPECT_EQ(wait_.snapshot().sum, static_cast<std::uint64_t>(manners_.min_interval.count()) * 1'000);
    pass(manners_.min_interval + Milliseconds(40));
    EXPECT_TRUE(ask());
    EXPECT_EQ(count(lag_), 1u);
    EXPECT_EQ(lag_.snapshot().sum, 40'000u);
}

TEST_F(FrontierWaitsTest, ABackOffIsAPolitenessWait) {
    add_numbered("a.example.org", 2);
    auto lease = ask();
    frontier_->throttle(lease->host(), Milliseconds(60'000), Outcome::http_unavailable);
    frontier_->give_back(std::move(*lease), Answer::strained);
    pass_interval();
    EXPECT_FALSE(ask());
    EXPECT_EQ(wait_.snapshot().sum, 60'000'000u) << "the interval, and then the rest of the back-off";
    EXPECT_EQ(count(lag_), 0u);
}

}  // namespace
}  // namespace grit::frontier
