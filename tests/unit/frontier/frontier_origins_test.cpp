// A certificate, a handshake, a port: what is wrong with one origin of a host, and what waits for it.
#include "frontier_rig.hpp"

#include <map>
#include <set>

namespace grit::frontier {
namespace {

using politeness::Answer;

constexpr int kEach = 300;

class FrontierOriginsTest : public test::FrontierRig {
  protected:
    /// Lets everything be asked; requests to https, or to port 81, end in failure. @return URLs that were asked well.
    std::set<std::string> crawl(int turns = 40'000) {
        std::set<std::string> good;
        for (int turn = 0; turn < turns && frontier_->counts().remaining > 0; ++turn) {
            while (auto lease = frontier_->lease()) {
                const url::CanonicalUrl url = lease->task().url;
                if (url.scheme == url::Scheme::https || url.port == 81) {
                    ++probes_;
                    const Outcome as = url.port == 81 ? Outcome::connect_refused : Outcome::tls_certificate;
                    frontier_->origin_down(origin_of(lease->host(), url), as);
                    frontier_->give_back(std::move(*lease), Answer::none);
                    continue;
                }
                EXPECT_TRUE(frontier_->may_send(*lease));
                const TaskPtr task = frontier_->finish(std::move(*lease), Answer::good, Milliseconds(10));
                EXPECT_TRUE(good.insert(task->url.text).second) << task->url.text;
                commit_only(*task, Outcome::stored);
                frontier_->acknowledge(task->home, task->hash, task->line);
            }
            for (const Verdict& verdict : frontier_->take_verdicts()) {
                ++ended_[{std::string(url::canonicalize(verdict.task->raw_url)->origin()), verdict.outcome}];
                frontier_->acknowledge(verdict.task->home, verdict.task->hash, verdict.task->line);
            }
            for (const HostEnd& end : frontier_->take_host_ends()) {
                host_ends_ += end.lines;
            }
            EXPECT_LE(view("a.example.org").in_memory, kBlockEntries + 4);
            pass(frontier_->has_ready() ? Milliseconds(5) : Milliseconds(100));
        }
        return good;
    }

    std::map<std::pair<std::string, Outcome>, int> ended_;
    std::uint64_t host_ends_ = 0;
    int probes_ = 0;
};

class FrontierOriginsOrderTest : public FrontierOriginsTest, public ::testing::WithParamInterface<int> {};

TEST_P(FrontierOriginsOrderTest, TheOtherOriginIsAskedOnWhateverTheOrder) {
    std::vector<std::string> urls;
    for (int i = 0; i < 2 * kEach; ++i) {
        const bool https = GetParam() == 0 ? i < kEach : GetParam() == 1 ? i >= kEach : i % 2 == 0;
        urls.push_back((https ? "https" : "http") + std::string("://a.example.org/") + std::to_string(i));
    }
    add(urls);
    const std::set<std::string> good = crawl();
    EXPECT_EQ(good.size(), static_cast<std::size_t>(kEach));
    EXPECT_TRUE(ended_.empty()) << "they end together";
    EXPECT_EQ(host_ends_, static_cast<std::uint64_t>(kEach));
    EXPECT_EQ(frontier_->gone_as(id("a.example.org")), static_cast<std::uint8_t>(Outcome::tls_certificate));
    EXPECT_EQ(probes_, 3) << "the schedule has two waits";
    EXPECT_EQ(frontier_->counts().remaining, 0u);
    expect_counts_agree();
}

INSTANTIATE_TEST_SUITE_P(Orders, FrontierOriginsOrderTest, ::testing::Values(0, 1, 2));

TEST_F(FrontierOriginsTest, TwoOriginsThatAreGoneEndAsEachDid) {
    std::vector<std::string> urls;
    for (int i = 0; i < 600; ++i) {
        const char* origins[] = {"http://a.example.org/", "https://a.example.org/", "http://a.example.org:81/"};
        urls.push_back(origins[i % 3] + std::to_string(i));
    }
    add(urls);
    EXPECT_EQ(crawl().size(), 200u);
    EXPECT_EQ((ended_[{"https://a.example.org:443", Outcome::tls_certificate}]), 200);
    EXPECT_EQ((ended_[{"http://a.example.org:81", Outcome::connect_refused}]), 200);
    EXPECT_EQ(ended_.size(), 2u);
    expect_counts_agree();
}

TEST_F(FrontierOriginsTest, AnOriginThatIsBackIsAskedAsIfNothingHadBeen) {
    add({"https://a.example.org/1", "http://a.example.org/2", "https://a.example.org/3"});
    auto lease = frontier_->lease();
    ASSERT_TRUE(lease);
    const auto wait = frontier_->origin_down(origin_of(lease->host(), lease->task().url), Outcome::tls_handshake);
    ASSERT_TRUE(wait);
    frontier_->give_back(std::move(*lease), Answer::none);
    pass_interval();
    EXPECT_EQ(fetch(), "http://a.example.org/2");
    pass_interval();
    EXPECT_FALSE(ask());
    EXPECT_EQ(frontier_->counts().parked, 1u);
    pass(*wait);
    EXPECT_EQ(fetch(), "https://a.example.org/1");
    EXPECT_TRUE(frontier_->origins_down(id("a.example.org")).empty());
    pass_interval();
    EXPECT_EQ(fetch(), "https://a.example.org/3");
    expect_counts_agree();
}

TEST_F(FrontierOriginsTest, LinesThatComeLaterAreAskedOfTheOriginThatIsFine) {
    add({"https://a.example.org/1"});
    crawl();
    EXPECT_EQ(host_ends_, 1u);
    add({"http://a.example.org/2"});
    pass_interval();
    EXPECT_FALSE(ask()) << "what had ended lies in the queue, uncounted";
    EXPECT_EQ(frontier_->gone_as(id("a.example.org")), store::kNotGone);
    EXPECT_EQ(frontier_->take_host_ends().at(0).lines, 0u) << "the state hears that the lines are back";
    frontier_->lines_back(id("a.example.org"), 1, 1);
    EXPECT_EQ(fetch(), "http://a.example.org/2");
    pass_interval();
    EXPECT_FALSE(ask());
    EXPECT_EQ(frontier_->take_host_ends().at(0).lines, 1u);
    expect_counts_agree();
}

TEST_F(FrontierOriginsTest, TheScheduleGoesOnAfterARestart) {
    add({"https://a.example.org/1", "http://a.example.org/2"});
    auto lease = frontier_->lease();
    ASSERT_TRUE(lease);
    ASSERT_TRUE(frontier_->origin_down(origin_of(lease->host(), lease->task().url), Outcome::tls_handshake));
    frontier_->give_back(std::move(*lease), Answer::none);
    const HostId host = id("a.example.org");
    ASSERT_TRUE(writer_.transact([&](store::WriteTxn& txn) {
        store::HostRow row = store::get_host(txn, host).value();
        row.origins = frontier_->origins_down(host);
        return store::put_host(txn, host, row);
    }));
    begin(false);
    pass_interval();
    EXPECT_EQ(fetch(), "http://a.example.org/2");
    pass(Milliseconds(50'000));
    EXPECT_FALSE(ask());
    pass(Milliseconds(20'000));
    auto probe = frontier_->lease();
    ASSERT_TRUE(probe);
    const auto wait = frontier_->origin_down(origin_of(host, probe->task().url), Outcome::tls_handshake);
    ASSERT_TRUE(wait);
    EXPECT_GT(*wait, Milliseconds(500'000)) << "the second wait of the schedule";
}

// What waits for a host ----------------------------------------------------------------------------------------------

class FrontierPutOffTest : public FrontierOriginsTest {
  protected:
    TaskPtr redirected(int number, const std::string& to) {
        auto task = std::make_unique<Task>();
        task->raw_url = "http://short.example.com/" + std::to_string(number);
        task->url = url::canonicalize(task->raw_url).value();
        task->hash = task->url.hash();
        task->home = id("short.example.com");
        task->url = url::canonicalize(to + std::to_string(number)).value();
        task->hops = 1;
        return task;
    }
};

TEST_F(FrontierPutOffTest, AHundredThousandRedirectsToADeadHostHoldNoMemory) {
    frontier_->host_down(id("dead.example.org"), Outcome::dns_not_found);
    pass(Milliseconds(100'000));
    frontier_->host_down(id("dead.example.org"), Outcome::dns_not_found);
    for (int i = 0; i < 100'000; ++i) {
        frontier_->push(redirected(i, "http://dead.example.org/"));
        ASSERT_EQ(frontier_->counts().remaining, 0u);
        if (i % 1'000 == 999) {
            for (const Verdict& verdict : frontier_->take_verdicts()) {
                ASSERT_EQ(verdict.outcome, Outcome::dns_not_found);
                ASSERT_TRUE(verdict.again_in);
                ASSERT_GT(*verdict.again_in, Milliseconds(500'000));
            }
        }
    }
}

TEST_F(FrontierPutOffTest, ManyRedirectsToASlowHostComeBackAsItCanTakeThem) {
    for (int i = 0; i < 100'000; ++i) {
        frontier_->push(redirected(i, "http://slow.example.org/"));
    }
    EXPECT_EQ(frontier_->counts().remaining, 256u);
    const std::vector<Verdict> off = frontier_->take_verdicts();
    ASSERT_EQ(off.size(), 100'000u - 256u);
    const Milliseconds span = *off.back().again_in - *off.front().again_in;
    EXPECT_NEAR(static_cast<double>(span.count()), static_cast<double>(manners_.min_interval.count()) * 99'743, 1e5);
    EXPECT_EQ(off.front().outcome, Outcome::http_unavailable);
}

TEST_F(FrontierPutOffTest, WhatWaitsAtAHostThatIsHeldForLongLeavesIt) {
    for (int i = 0; i < 10; ++i) {
        frontier_->push(redirected(i, "http://slow.example.org/"));
    }
    auto lease = ask();
    ASSERT_TRUE(lease);
    frontier_->throttle(lease->host(), Milliseconds(3'600'000), Outcome::http_too_many_requests);
    frontier_->give_back(std::move(*lease), Answer::strained);
    pass_interval();
    EXPECT_FALSE(ask());
    EXPECT_EQ(frontier_->take_verdicts().size(), 10u);
    EXPECT_EQ(frontier_->counts().remaining, 0u);
    expect_counts_agree();
}

TEST_F(FrontierPutOffTest, ARedirectToAnOriginThatIsDownWaitsOnDiskAndEndsWithIt) {
    const store::OriginKey origin{id("a.example.org"), true, 443};
    frontier_->origin_down(origin, Outcome::tls_certificate);
    frontier_->push(redirected(1, "https://a.example.org/"));
    frontier_->push(redirected(2, "http://a.example.org/"));
    pass_interval();
    EXPECT_EQ(fetch(), "http://a.example.org/2");
    std::vector<Verdict> off = frontier_->take_verdicts();
    ASSERT_EQ(off.size(), 1u);
    EXPECT_EQ(off[0].outcome, Outcome::tls_certificate);
    EXPECT_TRUE(off[0].again_in);
    for (int i = 0; i < 2; ++i) {
        pass(Milliseconds(700'000));
        frontier_->origin_down(origin, Outcome::tls_certificate);
    }
    frontier_->push(redirected(3, "https://a.example.org/"));
    pass_interval();
    EXPECT_FALSE(ask());
    off = frontier_->take_verdicts();
    ASSERT_EQ(off.size(), 1u);
    EXPECT_FALSE(off[0].again_in) << "it is gone";
}

}  // namespace
}  // namespace grit::frontier
