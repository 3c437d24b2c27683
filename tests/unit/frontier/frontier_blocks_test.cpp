#include <gmock/gmock.h>

#include "frontier_rig.hpp"

namespace grit::frontier {
namespace {

using testing::Each;
using testing::Field;
using testing::SizeIs;

class FrontierBlocksTest : public test::FrontierRig {
  protected:
    void block(const std::vector<std::string>& values) {
        std::vector<politeness::Block> blocks;
        for (const std::string& value : values) {
            blocks.push_back(politeness::parse_block(std::nullopt, value).value());
        }
        frontier_->set_blocklist(std::make_shared<const politeness::Blocklist>(std::move(blocks)));
    }
    // What ends without a request.
    std::vector<Verdict> ended() {
        std::vector<Verdict> all;
        for (int i = 0; i < 20; ++i) {
            EXPECT_FALSE(frontier_->lease());
            for (Verdict& verdict : frontier_->take_verdicts()) {
                all.push_back(std::move(verdict));
            }
        }
        return all;
    }
};

TEST_F(FrontierBlocksTest, LinesOfABlockedHostEndWithoutARequest) {
    begin(true);  // not even for its robots.txt
    add_numbered("img.example.org", 700);
    block({"example.org"});
    const std::vector<Verdict> verdicts = ended();
    ASSERT_THAT(verdicts, SizeIs(700));
    EXPECT_THAT(verdicts, Each(Field(&Verdict::outcome, Outcome::opted_out)));
    EXPECT_THAT(verdicts, Each(Field(&Verdict::detail, "blocked: domain example.org")));
    expect_counts_agree();
}

TEST_F(FrontierBlocksTest, WhatIsBlockedAtTheStartNeverBegins) {
    begin(true);
    block({"example.org"});
    add_numbered("img.example.org", 3);
    EXPECT_THAT(ended(), SizeIs(3));
}

TEST_F(FrontierBlocksTest, OthersGoOn) {
    add_numbered("img.example.org", 2);
    add_numbered("example.com", 1);
    block({"example.org"});
    EXPECT_EQ(fetch(), "http://example.com/0.jpg");
}

TEST_F(FrontierBlocksTest, AHostInBackOffEndsAtOnceToo) {
    add_numbered("a.example.org", 5);
    auto lease = ask();
    ASSERT_TRUE(lease);
    static_cast<void>(frontier_->throttle(lease->host(), Milliseconds(3'600'000), Outcome::http_unavailable));
    frontier_->give_back(std::move(*lease), politeness::Answer::strained);
    EXPECT_FALSE(frontier_->lease());
    block({"a.example.org"});
    EXPECT_THAT(ended(), SizeIs(5));
    expect_counts_agree();
}

TEST_F(FrontierBlocksTest, ARequestThatWasNotSentYetIsNot) {
    add_numbered("a.example.org", 1);
    auto lease = frontier_->lease();
    ASSERT_TRUE(lease);
    block({"a.example.org"});
    EXPECT_FALSE(frontier_->may_send(*lease));
    block({"a.example.org/0*"});
    EXPECT_FALSE(frontier_->may_send(*lease));
    frontier_->give_back(std::move(*lease), politeness::Answer::none);
    pass_interval();
    EXPECT_THAT(ended(), SizeIs(1));
}

TEST_F(FrontierBlocksTest, APatternEndsItsUrlsAlone) {
    begin(true);
    add({"a.example.org/ads/1.jpg", "a.example.org/ads/2.jpg"});
    block({"a.example.org/ads/"});
    EXPECT_THAT(ended(), SizeIs(2));  // and no robots.txt is asked for
}

TEST_F(FrontierBlocksTest, APatternLetsOtherUrlsOfTheHostPass) {
    block({"b.example.org/ads/"});
    add({"b.example.org/ads/1.jpg", "b.example.org/photo.jpg"});
    EXPECT_EQ(fetch(), "http://b.example.org/photo.jpg");
}

TEST_F(FrontierBlocksTest, ARedirectToABlockedHostIsNotFollowed) {
    add({"a.example.org/1.jpg"});
    auto lease = ask();
    TaskPtr task = frontier_->finish(std::move(*lease), politeness::Answer::good, Milliseconds(1));
    block({"example.com"});
    task->url = url::canonicalize("http://cdn.example.com/1.jpg").value();
    task->hops = 1;
    frontier_->push(std::move(task));
    const std::vector<Verdict> verdicts = ended();
    ASSERT_THAT(verdicts, SizeIs(1));
    EXPECT_EQ(verdicts[0].detail, "blocked: domain example.com");
}

TEST_F(FrontierBlocksTest, ARedirectOfABlockedHostIsNotFollowedElsewhere) {
    add({"a.example.org/1.jpg"});
    auto lease = ask();
    TaskPtr task = frontier_->finish(std::move(*lease), politeness::Answer::good, Milliseconds(1));
    task->url = url::canonicalize("http://cdn.example.com/1.jpg").value();
    task->hops = 1;
    frontier_->push(std::move(task));
    block({"a.example.org"});
    EXPECT_THAT(ended(), SizeIs(1));
}

TEST_F(FrontierBlocksTest, UnblockedItIsAskedAgain) {
    add_numbered("a.example.org", 2);
    block({"a.example.org"});
    EXPECT_EQ(view("a.example.org").gone_as, Outcome::opted_out);
    frontier_->set_blocklist(nullptr);
    EXPECT_EQ(view("a.example.org").gone_as, std::nullopt);
    EXPECT_EQ(fetch(), "http://a.example.org/0.jpg");
}

TEST_F(FrontierBlocksTest, AHostAtBlockedAddressesEndsUntilTheListChanges) {
    begin(true);
    add_numbered("a.example.org", 3);
    auto question = ask();
    ASSERT_TRUE(question);
    ASSERT_EQ(question->task().kind, Task::Kind::site);
    const HostId host = question->host();
    const TaskPtr task = frontier_->finish(std::move(*question), politeness::Answer::none, Milliseconds(0));
    frontier_->refuse_host(host, "blocked: cidr 192.0.2.0/24");
    const std::vector<Verdict> verdicts = ended();
    ASSERT_THAT(verdicts, SizeIs(3));
    EXPECT_THAT(verdicts, Each(Field(&Verdict::outcome, Outcome::address_refused)));
    EXPECT_THAT(verdicts, Each(Field(&Verdict::detail, "blocked: cidr 192.0.2.0/24")));
    add_numbered("a.example.org", 4);
    frontier_->set_blocklist(nullptr);
    pass_interval();
    auto again = ask();
    ASSERT_TRUE(again);
    EXPECT_EQ(again->task().kind, Task::Kind::site);  // its rules are not taken as known
}

}  // namespace
}  // namespace grit::frontier
