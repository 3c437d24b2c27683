#include "frontier_rig.hpp"

namespace grit::frontier {
namespace {

class FrontierRobotsTest : public test::FrontierRig {
  protected:
    FrontierRobotsTest() { begin(true); }

    TaskPtr question() {
        auto lease = ask();
        if (!lease || lease->task().kind != Task::Kind::site) {
            ADD_FAILURE() << "a question was due";
            return nullptr;
        }
        return frontier_->finish(std::move(*lease), politeness::Answer::good, Milliseconds(1));
    }
    void answer(const Task& question, std::string_view body) {
        frontier_->site_known(question.question, robots::Rules::parse(body, "gritd"), 200);
    }
    /// What the committer does.
    void keep(const SiteQuestion& question) {
        ASSERT_TRUE(writer_.transact([&](store::WriteTxn& txn) {
            return store::put_site(txn, question.origin, frontier_->site_memory(question.origin));
        }));
    }
    void redirect(TaskPtr question, std::string_view to) {
        question->url = url::canonicalize(to).value();
        ++question->hops;
        frontier_->push(std::move(question));
    }
};

TEST_F(FrontierRobotsTest, AsksForTheRulesOnceAndHoldsTheHostUntilTheyAreKnown) {
    add_numbered("a.example.org", 3);
    auto lease = ask();
    ASSERT_TRUE(lease);
    EXPECT_EQ(lease->task().kind, Task::Kind::site);
    EXPECT_EQ(lease->task().url.text, "http://a.example.org/robots.txt");
    EXPECT_EQ(lease->task().question.origin, (store::OriginKey{id("a.example.org"), false, 80}));
    pass(Milliseconds(10'000));
    EXPECT_FALSE(ask());
    EXPECT_EQ(frontier_->counts().remaining, 3u);
    const TaskPtr task = frontier_->finish(std::move(*lease), politeness::Answer::good, Milliseconds(1));
    EXPECT_FALSE(ask());
    answer(*task, "");
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(fetch(), "http://a.example.org/" + std::to_string(i) + ".jpg");
        pass_interval();
    }
    expect_counts_agree();
}

TEST_F(FrontierRobotsTest, AsksPerOrigin) {
    add({"http://a.example.org/1", "https://a.example.org/2", "http://a.example.org:8080/3"});
    const HostId host = id("a.example.org");
    for (const auto& origin : {store::OriginKey{host, false, 80}, {host, true, 443}, {host, false, 8080}}) {
        const TaskPtr task = question();
        ASSERT_TRUE(task);
        EXPECT_EQ(task->question.origin, origin);
        answer(*task, "");
        pass_interval();
        EXPECT_NE(fetch(), "");
        pass_interval();
    }
}

TEST_F(FrontierRobotsTest, DeniedLinesEndWithoutUsingThePace) {
    add({"a.example.org/no/1", "a.example.org/no/2", "a.example.org/yes"});
    const TaskPtr task = question();
    ASSERT_TRUE(task);
    answer(*task, "User-agent: *\nDisallow: /no/\n");
    pass_interval();
    EXPECT_EQ(fetch(), "http://a.example.org/yes");
    const std::vector<Verdict> verdicts = frontier_->take_verdicts();
    ASSERT_EQ(verdicts.size(), 2u);
    EXPECT_EQ(verdicts[0].outcome, Outcome::robots_denied);
    expect_counts_agree();
}

TEST_F(FrontierRobotsTest, AHostWhoseLinesAreAllDeniedIsAskedOnlyForItsRules) {
    add_numbered("a.example.org", 1'000);
    const TaskPtr task = question();
    ASSERT_TRUE(task);
    answer(*task, "User-agent: *\nDisallow: /\n");
    pass_interval();
    std::size_t denied = 0;
    for (int turn = 0; turn < 20; ++turn) {
        EXPECT_FALSE(ask());
        denied += frontier_->take_verdicts().size();
    }
    EXPECT_EQ(denied, 1'000u);
    EXPECT_EQ(frontier_->counts().finished, 1u);
}

TEST_F(FrontierRobotsTest, WithoutAnAnswerItAsksAgainWhenTheHostsTurnComes) {
    add_numbered("a.example.org", 1);
    const TaskPtr task = question();
    ASSERT_TRUE(task);
    frontier_->host_down(task->home, Outcome::robots_denied);
    frontier_->site_asked(task->home);
    EXPECT_FALSE(ask());
    pass(Milliseconds(66'000));
    EXPECT_TRUE(question());
    EXPECT_EQ(frontier_->counts().remaining, 1u) << "its lines wait";
}

// RFC 9309 section 2.3.1.2. From http to https of the same host is the most common redirect there is.
TEST_F(FrontierRobotsTest, AQuestionThatIsRedirectedToItsOwnHostIsAsked) {
    add_numbered("a.example.org", 1);
    TaskPtr task = question();
    ASSERT_TRUE(task);
    redirect(std::move(task), "https://a.example.org/robots.txt");
    pass_interval();
    TaskPtr again = question();
    ASSERT_TRUE(again);
    EXPECT_EQ(again->url.text, "https://a.example.org/robots.txt");
    answer(*again, "");
    pass_interval();
    EXPECT_EQ(fetch(), "http://a.example.org/0.jpg");
    expect_counts_agree();
}

TEST_F(FrontierRobotsTest, HostsWhoseQuestionsPointAtEachOtherDoNotWaitForEver) {
    add_numbered("a.example.org", 1);
    add_numbered("b.example.com", 1);
    TaskPtr first = question();
    TaskPtr second = question();
    ASSERT_TRUE(first && second);
    const std::string first_host = first->url.host;
    redirect(std::move(first), "http://" + second->url.host + "/robots.txt");
    redirect(std::move(second), "http://" + first_host + "/robots.txt");
    pass_interval();
    for (int i = 0; i < 2; ++i) {
        const TaskPtr task = question();
        ASSERT_TRUE(task);
        answer(*task, "");
    }
    pass_interval();
    EXPECT_NE(fetch(), "");
    EXPECT_NE(fetch(), "");
}

TEST_F(FrontierRobotsTest, AQuestionGoesBeforeAnImageThatWasGivenBack) {
    add({"https://a.example.org/1", "http://a.example.org/2"});
    TaskPtr task = question();
    ASSERT_TRUE(task);
    answer(*task, "");
    pass_interval();
    auto image = ask();
    ASSERT_TRUE(image);
    pass_interval();
    TaskPtr other = question();  // of the http origin, while the https image is open
    ASSERT_TRUE(other);
    frontier_->give_back(std::move(*image), politeness::Answer::none);
    redirect(std::move(other), "https://a.example.org/robots.txt");
    pass_interval();
    auto next = question();
    ASSERT_TRUE(next) << "the rules are asked for before the image that waits for its turn";
    answer(*next, "");
    pass_interval();
    EXPECT_EQ(fetch(), "https://a.example.org/1");
    pass_interval();
    EXPECT_EQ(fetch(), "http://a.example.org/2");
}

TEST_F(FrontierRobotsTest, AQuestionThatEndsAtAHostGivenUpIsAVerdict) {
    frontier_->give_up(id("dead.example.com"), Outcome::dns_not_found);
    add_numbered("a.example.org", 1);
    TaskPtr task = question();
    ASSERT_TRUE(task);
    redirect(std::move(task), "http://dead.example.com/robots.txt");
    EXPECT_FALSE(ask());
    const std::vector<Verdict> verdicts = frontier_->take_verdicts();
    ASSERT_EQ(verdicts.size(), 1u);
    EXPECT_EQ(verdicts[0].task->kind, Task::Kind::site);
    EXPECT_EQ(verdicts[0].task->home, id("a.example.org"));
    EXPECT_EQ(frontier_->counts().remaining, 1u);
}

TEST_F(FrontierRobotsTest, AHostGivenUpWhileItsRulesAreAskedForEndsItsLines) {
    add_numbered("a.example.org", 5);
    const TaskPtr task = question();
    ASSERT_TRUE(task);
    frontier_->give_up(task->home, Outcome::robots_denied);
    frontier_->site_asked(task->home);
    EXPECT_FALSE(ask());
    EXPECT_EQ(ended(), 5u);
}

TEST_F(FrontierRobotsTest, ARedirectAsksItsNewHostsRules) {
    add_numbered("a.example.org", 1);
    const TaskPtr rules = question();
    ASSERT_TRUE(rules);
    answer(*rules, "");
    pass_interval();
    auto lease = ask();
    ASSERT_TRUE(lease);
    TaskPtr task = frontier_->finish(std::move(*lease), politeness::Answer::good, Milliseconds(1));
    redirect(std::move(task), "http://b.example.com/secret");
    const TaskPtr there = question();
    ASSERT_TRUE(there);
    EXPECT_EQ(there->home, id("b.example.com"));
    answer(*there, "User-agent: *\nDisallow: /secret\n");
    pass_interval();
    EXPECT_FALSE(ask());
    const std::vector<Verdict> verdicts = frontier_->take_verdicts();
    ASSERT_EQ(verdicts.size(), 1u);
    EXPECT_EQ(verdicts[0].task->home, id("a.example.org"));
    EXPECT_EQ(verdicts[0].outcome, Outcome::robots_denied);
}

TEST_F(FrontierRobotsTest, CrawlDelaySlowsTheHost) {
    add_numbered("a.example.org", 3);
    const TaskPtr task = question();
    ASSERT_TRUE(task);
    answer(*task, "User-agent: *\nCrawl-delay: 2\n");
    pass(Milliseconds(1'999));
    EXPECT_EQ(fetch(), "") << "from the answer that names it";
    pass(Milliseconds(1));
    EXPECT_NE(fetch(), "");
    pass(Milliseconds(1'999));
    EXPECT_EQ(fetch(), "");
    pass(Milliseconds(1));
    EXPECT_NE(fetch(), "");
}

TEST_F(FrontierRobotsTest, ACrawlDelayThatWasLiftedHoldsNoLonger) {
    manners_.min_interval = Milliseconds(100);
    add_numbered("a.example.org", 60);
    const TaskPtr task = question();
    ASSERT_TRUE(task);
    answer(*task, "User-agent: *\nCrawl-delay: 5\n");
    pass(std::chrono::hours(24));
    const TaskPtr again = question();
    ASSERT_TRUE(again);
    answer(*again, "");
    for (int i = 0; i < 30; ++i) {  // answers, each of which makes the pace a little faster
        pass(Milliseconds(5'000));
        EXPECT_NE(fetch(), "");
    }
    EXPECT_EQ(view("a.example.org").interval, manners_.min_interval);
}

TEST_F(FrontierRobotsTest, TheLongestDelayOfAHostsOriginsHolds) {
    add({"http://a.example.org/1", "https://a.example.org/2"});
    const TaskPtr http = question();
    ASSERT_TRUE(http);
    answer(*http, "User-agent: *\nCrawl-delay: 5\n");
    pass(Milliseconds(5'000));
    EXPECT_NE(fetch(), "");
    pass(Milliseconds(5'000));
    const TaskPtr https = question();
    ASSERT_TRUE(https);
    answer(*https, "User-agent: *\nCrawl-delay: 1\n");
    EXPECT_EQ(view("a.example.org").interval, Milliseconds(5'000));
}

TEST_F(FrontierRobotsTest, WhatTheStateKnowsIsNotAskedForAgain) {
    add({"http://a.example.org/1", "https://a.example.org/2", "https://a.example.org/no"});
    for (const bool https : {false, true}) {
        const TaskPtr task = question();
        ASSERT_TRUE(task);
        answer(*task, https ? "User-agent: *\nDisallow: /no\n" : "User-agent: *\nCrawl-delay: 2\n");
        keep(task->question);
        pass(Milliseconds(2'000));
        if (!https) {
            EXPECT_EQ(fetch(), "http://a.example.org/1");
            pass(Milliseconds(2'000));
        }
    }
    begin(true);
    pass_interval();
    EXPECT_EQ(fetch(), "https://a.example.org/2");
    EXPECT_EQ(view("a.example.org").interval, Milliseconds(2'000)) << "the delay of the other origin is known again";
    pass(Milliseconds(2'000));
    EXPECT_FALSE(ask());
    EXPECT_EQ(frontier_->take_verdicts().at(0).outcome, Outcome::robots_denied);
}

TEST_F(FrontierRobotsTest, WithALastGoodCopyTheHostIsAskedOn) {
    add({"a.example.org/1", "a.example.org/no", "a.example.org/2"});
    TaskPtr task = question();
    ASSERT_TRUE(task);
    answer(*task, "User-agent: *\nDisallow: /no\n");
    keep(task->question);
    pass(std::chrono::hours(24));
    begin(true);
    pass_interval();
    task = question();
    ASSERT_TRUE(task);
    EXPECT_TRUE(frontier_->site_unreachable(task->question, false));
    frontier_->site_asked(task->home);
    pass_interval();
    EXPECT_EQ(fetch(), "http://a.example.org/1");
    pass_interval();
    EXPECT_EQ(fetch(), "http://a.example.org/2");
    EXPECT_EQ(frontier_->take_verdicts().size(), 1u);
}

TEST_F(FrontierRobotsTest, AReservationIsFollowedOnlyWhereItsRobotsTxtAllowsIt) {
    begin(politeness::ObeyedFiles{true, true});
    const auto know = [&](const char* host, const char* rules) {
        sites_.put({id(host), false, 80}, robots::Rules::parse(rules, "gritd"), 200, clock_.now());
    };
    know("open.example.com", "");
    know("closed.example.com", "User-agent: *\nDisallow: /.well-known/\n");
    for (const char* host : {"open.example.com", "closed.example.com", "unknown.example.com"}) {
        const std::string asking = std::string("a.") + host;
        add({asking + "/1"});
        TaskPtr task = question();
        ASSERT_TRUE(task);
        answer(*task, "");
        pass_interval();
        task = question();
        ASSERT_TRUE(task);
        redirect(std::move(task), std::string("http://") + host + "/.well-known/tdmrep.json");
        auto lease = ask();
        const std::vector<Verdict> verdicts = frontier_->take_verdicts();
        EXPECT_EQ(lease.has_value(), host == std::string("open.example.com")) << host;
        ASSERT_EQ(verdicts.size(), lease ? 0u : 1u);
        task = lease ? frontier_->finish(std::move(*lease), politeness::Answer::good, Milliseconds(1)) : nullptr;
        const SiteQuestion asked = task ? task->question : verdicts[0].task->question;
        EXPECT_EQ(asked.origin.host, id(asking));
        EXPECT_TRUE(frontier_->site_unreachable(asked, false));
        frontier_->site_asked(asked.origin.host);
        pass_interval();
        EXPECT_EQ(fetch(), "http://" + asking + "/1");
    }
    expect_counts_agree();
}

TEST_F(FrontierRobotsTest, WhatOneFileSaysDoesNotForgetTheOther) {
    begin(politeness::ObeyedFiles{true, true});
    add({"a.example.org/no"});
    TaskPtr task = question();
    ASSERT_TRUE(task);
    answer(*task, "User-agent: *\nDisallow: /no\n");
    keep(task->question);
    pass_interval();
    task = question();
    ASSERT_TRUE(task);
    sites_ = politeness::SitePolicies(1 << 20, sites_.obeyed());  // it had to make room for others
    frontier_->site_known(task->question, robots::TdmRules(), 404);
    keep(task->question);
    pass_interval();
    EXPECT_FALSE(ask());
    EXPECT_EQ(frontier_->take_verdicts().size(), 1u);
    const store::SiteRow row = store::get_site(env_->read().value(), task->question.origin).value();
    EXPECT_EQ(row.robots.rules, "-/no\n");
    EXPECT_EQ(row.tdmrep.status, 404);
}

TEST_F(FrontierRobotsTest, ReservationsAreAskedForAfterTheRulesAndEndLines) {
    begin(politeness::ObeyedFiles{true, true});
    add({"a.example.org/mine/1", "a.example.org/yours", "a.example.org/no"});
    TaskPtr task = question();
    ASSERT_TRUE(task);
    EXPECT_EQ(task->url.text, "http://a.example.org/robots.txt");
    answer(*task, "User-agent: *\nDisallow: /no\n");
    EXPECT_FALSE(ask()) << "at the host's pace";
    pass_interval();
    task = question();
    ASSERT_TRUE(task);
    EXPECT_EQ(task->url.text, "http://a.example.org/.well-known/tdmrep.json");
    EXPECT_EQ(task->question.file, politeness::SiteFile::tdmrep);
    frontier_->site_known(task->question, robots::TdmRules::parse(R"([{"location": "/mine/", "tdm-reservation": 1}])"), 200);
    pass_interval();
    EXPECT_EQ(fetch(), "http://a.example.org/yours");
    pass_interval();
    EXPECT_FALSE(ask());
    const std::vector<Verdict> verdicts = frontier_->take_verdicts();
    ASSERT_EQ(verdicts.size(), 2u);
    EXPECT_EQ(verdicts[0].outcome, Outcome::opted_out);
    EXPECT_EQ(verdicts[0].detail, "tdmrep.json");
    EXPECT_EQ(verdicts[1].outcome, Outcome::robots_denied);
    expect_counts_agree();
}

TEST_F(FrontierRobotsTest, RulesAreAskedForAgainAfterADay) {
    add_numbered("a.example.org", 2);
    const TaskPtr task = question();
    ASSERT_TRUE(task);
    answer(*task, "");
    pass_interval();
    EXPECT_NE(fetch(), "");
    pass(std::chrono::hours(24));
    EXPECT_TRUE(question());
}

}  // namespace
}  // namespace grit::frontier
