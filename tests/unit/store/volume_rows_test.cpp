// The names of the volumes, and the shards of each.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "grit/store/env.hpp"
#include "grit/store/shard_rows.hpp"
#include "grit/store/volume_rows.hpp"
#include "grit/store/writer.hpp"
#include "manual_clock.hpp"
#include "temp_folder.hpp"

namespace grit::store {
namespace {

TEST(VolumeRows, AreRememberedLostAndForgottenWithTheirShards) {
    const grit::test::TempFolder temp;
    const grit::test::ManualClock clock;
    const auto env = Env::open(temp / "state").value();
    Writer writer(*env, clock);
    EXPECT_TRUE(get_volumes(env->read().value()).value().empty());
    ASSERT_TRUE(writer.transact([](WriteTxn& txn) -> Result<void> {
        EXPECT_TRUE(put_volumes(txn, {{"b", false}, {"bb", false}}));
        EXPECT_TRUE(put_shard(txn, 1, ShardRow{5, 1, true}));
        EXPECT_TRUE(put_shard(txn, 1, ShardRow{6, 2, false, "b"}));
        EXPECT_TRUE(put_shard(txn, 2, ShardRow{7, 3, false, "b"}));
        EXPECT_TRUE(put_shard(txn, 1, ShardRow{8, 4, false, "bb"}));
        EXPECT_EQ(mark_volume_lost(txn, "c").error(), Errc::not_found);
        return mark_volume_lost(txn, "b");
    }));
    {
        const auto txn = env->read().value();
        EXPECT_EQ(get_volumes(txn).value(), (std::vector<VolumeRow>{{"b", true}, {"bb", false}}));
        EXPECT_EQ(get_shard(txn, 1, "b").value(), (ShardRow{6, 2, false, "b"}));
        EXPECT_EQ(get_shard(txn, 1).value(), (ShardRow{5, 1, true}));
    }
    ASSERT_TRUE(writer.transact([](WriteTxn& txn) { return forget_volume(txn, "b"); }));
    const auto txn = env->read().value();
    EXPECT_EQ(get_volumes(txn).value(), (std::vector<VolumeRow>{{"bb", false}}));
    std::vector<std::string> left;
    ASSERT_TRUE(for_each_shard(txn, [&](std::uint32_t shard, const ShardRow& row) {
        left.push_back(row.volume + "#" + std::to_string(shard));
        return true;
    }));
    EXPECT_EQ(left, (std::vector<std::string>{"#1", "bb#1"}));
}

}  // namespace
}  // namespace grit::store
