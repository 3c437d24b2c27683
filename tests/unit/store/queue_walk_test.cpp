#include "grit/store/queue_walk.hpp"

#include <gtest/gtest.h>

#include "temp_state.hpp"

namespace grit::store::test {
namespace {

TEST(QueueWalk, GoesOnFromRunToRunAndEndsWithTheLast) {
    const TempFolder temp;
    const State state(temp.path());
    ASSERT_TRUE(state.write([](WriteTxn& txn) -> Result<void> {
        for (const QueueKey& key : {QueueKey{1, 5, 0}, QueueKey{1, 5, 3}, QueueKey{1, 6, 0}, QueueKey{4, 5, 1}, QueueKey{6, 5, 0}}) {
            EXPECT_TRUE(append_block(txn, key, "x"));
        }
        return {};
    }));
    const ReadTxn txn = state.env->read().value();
    EXPECT_EQ(next_block_of_runs(txn, {0, 5, 0}, 5).value(), (QueueKey{1, 5, 0})) << "runs begin at 1";
    EXPECT_EQ(next_block_of_runs(txn, {1, 5, 1}, 5).value(), (QueueKey{1, 5, 3}));
    EXPECT_EQ(next_block_of_runs(txn, {1, 5, 4}, 5).value(), (QueueKey{4, 5, 1})) << "a later run has a block with a lower number";
    EXPECT_EQ(next_block_of_runs(txn, {4, 5, 2}, 5).error(), Errc::not_found) << "what comes later is behind the last run";
    EXPECT_EQ(next_block_of_runs(txn, {1, 9, 0}, 5).error(), Errc::not_found);
    EXPECT_EQ(next_block_of_runs(txn, {1, 5, 0}, 0).error(), Errc::not_found) << "no run at all";
}

}  // namespace
}  // namespace grit::store::test
