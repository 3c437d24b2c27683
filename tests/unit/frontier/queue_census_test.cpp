#include "grit/frontier/queue_census.hpp"

#include "frontier_rig.hpp"

#include <set>
#include <string>

namespace grit::frontier {
namespace {

using QueueCensusTest = test::FrontierRig;

TEST_F(QueueCensusTest, AddsUpARunsLinesByHostAndKnowsTheFirstAndTheLastRunOfEach) {
    add({"a.example.org/1", "a.example.org/2", "b.example.org/1"});
    add({"b.example.org/2", "c.example.org/1"});
    add({"a.example.org/3"});
    static_cast<void>(id("redirected-to.example.org"));
    const QueueCensus census = QueueCensus::take(env_->read().value()).value();
    const auto expect = [&](const char* host, std::uint64_t lines, RunId first, RunId last) {
        const QueuedLines queued = census.of(id(host));
        EXPECT_EQ(queued.lines, lines) << host;
        EXPECT_EQ(queued.first_run, first) << host;
        EXPECT_EQ(queued.last_run, last) << host;
    };
    expect("a.example.org", 3, 1, 3);
    expect("b.example.org", 2, 1, 2);
    expect("c.example.org", 1, 2, 2);
    expect("redirected-to.example.org", 0, 0, 0);
}

TEST_F(QueueCensusTest, AHostThatHadFinishedItsLinesIsAskedForThoseOfALaterRun) {
    add({"a.example.org/1"});
    EXPECT_EQ(fetch(), "http://a.example.org/1");
    add({"b.example.org/1"});
    begin(false);
    EXPECT_EQ(frontier_->counts().remaining, 1u);
    add({"a.example.org/2"});
    EXPECT_EQ(frontier_->counts().remaining, 2u);
    pass(Milliseconds(1'000));
    std::set<std::string> found{fetch(), fetch()};
    EXPECT_EQ(found, (std::set<std::string>{"http://a.example.org/2", "http://b.example.org/1"}));
    expect_counts_agree();
}

}  // namespace
}  // namespace grit::frontier
