#include "grit/frontier/queue_place.hpp"

#include "frontier_rig.hpp"

namespace grit::frontier {
namespace {

class QueuePlaceTest : public test::FrontierRig {
  protected:
    QueuePlace search(const std::string& url, std::size_t most_blocks = 64) {
        const store::ReadTxn txn = env_->read().value();
        const QueueStretch stretch{id("a.example.org"), "a.example.org", 1, 0, next_run_ - 1, most_blocks};
        return place_in_queue(txn, stretch, url::canonicalize(url).value().hash()).value();
    }
};

TEST_F(QueuePlaceTest, CountsTheOpenLinesBeforeAUrl) {
    add_numbered("a.example.org", 300);
    add_numbered("b.example.org", 300);
    EXPECT_EQ(search("http://a.example.org/0.jpg").ahead, 0u);
    EXPECT_EQ(search("http://a.example.org/299.jpg").ahead, 299u) << "over blocks";
    add({"a.example.org/late.jpg"});
    EXPECT_EQ(search("http://a.example.org/late.jpg").ahead, 300u) << "over runs";
    EXPECT_NE(fetch(), "");  // b's or a's first
    EXPECT_NE(fetch(), "");
    EXPECT_EQ(search("http://a.example.org/299.jpg").ahead, 298u) << "settled lines do not count";
}

TEST_F(QueuePlaceTest, FindsAUrlHoweverItIsSpelled) {
    add({"HTTP://a.example.org:80/x/../y%7e.jpg"});
    EXPECT_EQ(search("http://a.example.org/y~.jpg").ahead, 0u);
}

TEST_F(QueuePlaceTest, SaysWhetherItHasSeenAll) {
    add_numbered("a.example.org", 300);
    const QueuePlace all = search("http://a.example.org/none.jpg");
    EXPECT_FALSE(all.ahead);
    EXPECT_TRUE(all.to_the_end);
    EXPECT_EQ(all.looked_at, 300u);
    const QueuePlace some = search("http://a.example.org/none.jpg", 1);
    EXPECT_FALSE(some.to_the_end);
    EXPECT_EQ(some.looked_at, kBlockEntries);
}

}  // namespace
}  // namespace grit::frontier
