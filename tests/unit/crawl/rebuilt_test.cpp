// Lines whose records a rebuild brought back: each is counted once, with its record, whatever becomes of the line.
#include "crawl_rig.hpp"

namespace grit::crawl {
namespace {

using test::CrawlRig;

const std::string kHost = "a.example.org";

class RebuiltTest : public CrawlRig {
  protected:
    /// Ordinals 0 and 1; the first is stored, as another life did it, and its line comes again.
    void SetUp() override {
        add_counted({"a.example.org/0", "a.example.org/1"});
        store_image(take(), "some bytes");
        commit();
        next_ordinal_ = 0;
        add_counted({"a.example.org/0"});
        ASSERT_TRUE(writer_.transact([this](store::WriteTxn& txn) {
            store::HostRow row = store::get_host(txn, id(kHost)).value();
            row.restored = 1;
            return store::put_host(txn, id(kHost), row);
        }));
        expect_nothing_lost();
    }
    store::HostRow row() { return store::get_host(env_->read().value(), id(kHost)).value(); }
    void end_all() {
        settle(take(), Outcome::http_not_found);
        for (int i = 0; i < 3; ++i) {
            pass_interval();
            EXPECT_FALSE(ask());
            commit();
        }
    }
    void expect_all_counted_once() {
        EXPECT_EQ(totals().lines, 2u);
        EXPECT_EQ(outcomes(Outcome::stored), 1u);
        EXPECT_EQ(outcomes(Outcome::duplicate_url), 0u);
        expect_nothing_lost();
        expect_images_agree();
    }
};

TEST_F(RebuiltTest, TheLineOfARecordIsNoDuplicateOfIt) {
    end_all();
    expect_all_counted_once();
    EXPECT_EQ(outcomes(Outcome::http_not_found), 1u);
    EXPECT_EQ(row().restored, 0u);
    EXPECT_EQ(row().stored, 1u);
}

TEST_F(RebuiltTest, AnotherLineWithThatUrlIsOne) {
    next_ordinal_ = 2;
    add_counted({"a.example.org/0"});
    end_all();
    EXPECT_EQ(totals().lines, 3u);
    EXPECT_EQ(outcomes(Outcome::duplicate_url), 1u);
    expect_nothing_lost();
}

TEST_F(RebuiltTest, ALineThatEndsWithItsHostIsNotCountedAgain) {
    frontier_->give_up(id(kHost), Outcome::unreachable);
    note_host_ends();
    commit();
    expect_all_counted_once();
    EXPECT_EQ(outcomes(Outcome::unreachable), 1u);
    EXPECT_EQ(row().gone_lines, 2u);
    EXPECT_EQ(row().failed, 1u);
    // And comes back with it.
    frontier_->forgive(id(kHost));
    note(id(kHost));
    commit();
    EXPECT_EQ(outcomes(Outcome::unreachable), 0u);
    expect_nothing_lost();
    end_all();
    expect_all_counted_once();
    EXPECT_EQ(outcomes(Outcome::http_not_found), 1u);
    EXPECT_EQ(row().failed, 1u);
}

}  // namespace
}  // namespace grit::crawl
