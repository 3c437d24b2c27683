// Who is asked first, and how much is held in memory for it.
#include <algorithm>

#include "frontier_rig.hpp"

namespace grit::frontier {
namespace {

using test::Answer;

class FrontierOrderTest : public test::FrontierRig {
  protected:
    /// The host of the next request, which ends with that answer; "" if nobody may be asked.
    std::string ask_host(Answer answer = Answer::good, Milliseconds latency = Milliseconds(10)) {
        auto lease = ask();
        if (!lease) {
            return {};
        }
        const TaskPtr task = frontier_->finish(std::move(*lease), answer, latency);
        record(*task, Outcome::http_not_found);
        return task->url.host;
    }
    std::size_t hosts_in_memory() {
        std::size_t count = 0;
        for (const HostView& host : frontier_->largest(1'000'000)) {
            count += host.in_memory > 0 ? 1 : 0;
        }
        return count;
    }
};

TEST_F(FrontierOrderTest, ASlowHostGoesBeforeALargerFastOne) {
    add_numbered("slow.example.org", 20);
    for (int i = 0; i < 4; ++i) {
        EXPECT_EQ(ask_host(Answer::strained), "slow.example.org");
        pass(manners_.max_interval);
    }
    add_numbered("large.example.com", 100);
    EXPECT_EQ(view("slow.example.org").interval, 16 * manners_.min_interval);
    EXPECT_EQ(ask_host(), "slow.example.org") << "16 URLs of 1.6 s are more than 100 of 0.1 s";
    EXPECT_EQ(ask_host(), "large.example.com");
}

TEST_F(FrontierOrderTest, AHostThatAnswersSlowlyGoesBeforeALargerFastOne) {
    add_numbered("far.example.org", 20);
    EXPECT_EQ(ask_host(Answer::good, Milliseconds(4000)), "far.example.org");
    pass_interval();
    add_numbered("large.example.com", 100);
    EXPECT_EQ(ask_host(Answer::good, Milliseconds(4000)), "far.example.org") << "19 URLs of 2 s, by two connections";
}

TEST_F(FrontierOrderTest, NextHostsAreThoseThatWouldBeLeasedNext) {
    add_numbered("small.example.org", 1);
    add_numbered("large.example.com", 100);
    add_numbered("middle.example.net", 20);
    const std::vector<std::string_view> order{"large.example.com", "middle.example.net", "small.example.org"};
    EXPECT_EQ(frontier_->next_hosts(10), order);
    EXPECT_EQ(frontier_->next_hosts(1).size(), 1u);
    EXPECT_EQ(frontier_->next_hosts(10), order) << "looking changes nothing";
    for (const std::string_view host : order) {
        EXPECT_EQ(ask_host(), host);
    }
    EXPECT_TRUE(frontier_->next_hosts(10).empty()) << "those that were asked wait for their turn";
}

TEST_F(FrontierOrderTest, OfEqualHostsFewHaveLinesInMemory) {
    constexpr int kHosts = 200;
    constexpr int kPerInterval = 5;
    std::vector<std::string> urls;
    for (int i = 0; i < kHosts * 20; ++i) {
        urls.push_back("h" + std::to_string(i % kHosts) + ".site" + std::to_string(i % kHosts) + ".org/" +
                       std::to_string(i));
    }
    add(urls);
    std::size_t most = 0;
    std::size_t asked = 0;
    for (int step = 0; step < kHosts * 20 / kPerInterval; ++step) {
        for (int i = 0; i < kPerInterval; ++i) {
            asked += ask_host().empty() ? 0 : 1;
        }
        most = std::max(most, hosts_in_memory());
        pass_interval();
    }
    EXPECT_LE(most, 2 * kPerInterval);
    EXPECT_GE(asked, kHosts * 20 * 9 / 10) << "and no slot waited for it";
}

}  // namespace
}  // namespace grit::frontier
