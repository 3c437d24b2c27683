#include "grit/store/line_blocks.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "grit/store/shard_rows.hpp"
#include "temp_state.hpp"

namespace grit::store {
namespace {

using test::State;
using test::TempFolder;

std::string line_of(Ordinal ordinal) {
    return "{\"url\": \"http://h.test/" + std::to_string(ordinal) + ".jpg\", \"caption\": \"" + std::string(ordinal % 700, 'x') + "\"}";
}

class LineBlocksTest : public testing::Test {
  protected:
    void write(Ordinal from, Ordinal to) {
        LineBlocks blocks;
        for (Ordinal ordinal = from; ordinal < to; ++ordinal) {
            if (ordinal % 5 != 3) {  // a bad line
                blocks.add(ordinal, line_of(ordinal));
            }
        }
        blocks.finish();
        EXPECT_GT(blocks.bytes(), 0U);
        ASSERT_TRUE(state_.write([&](WriteTxn& txn) { return blocks.write(txn); }));
    }
    std::string line(Ordinal ordinal) {
        const auto found = get_line(state_.env->read().value(), ordinal);
        return found ? *found : found.error() == Errc::not_found ? "(none)" : found.error().message();
    }

    TempFolder temp_;
    State state_{temp_.path()};
};

TEST_F(LineBlocksTest, EachLineIsFoundByItsOrdinal) {
    write(0, 1'000);
    write(1'000, 1'001);
    write(2'000, 2'100);
    EXPECT_GT(state_.count(Table::annotations), 4U);
    for (Ordinal ordinal = 0; ordinal < 2'200; ++ordinal) {
        const bool kept = ordinal % 5 != 3 && (ordinal < 1'001 || (ordinal >= 2'000 && ordinal < 2'100));
        ASSERT_EQ(line(ordinal), kept ? line_of(ordinal) : "(none)") << ordinal;
    }
}

// After a rebuild of the state inputs may come in another order, and lines of one have others' in between.
TEST_F(LineBlocksTest, LinesThatComeInAnotherOrderAreFound) {
    LineBlocks blocks;
    for (const auto& [from, to] : {std::pair<Ordinal, Ordinal>{40, 60}, {100, 120}, {0, 40}}) {
        blocks.finish();
        for (Ordinal ordinal = from; ordinal < to; ++ordinal) {
            blocks.add(ordinal, line_of(ordinal));
        }
    }
    blocks.finish();
    ASSERT_TRUE(state_.write([&](WriteTxn& txn) { return blocks.write(txn); }));
    write(60, 100);
    for (Ordinal ordinal = 0; ordinal < 125; ++ordinal) {
        const bool is_bad = ordinal >= 60 && ordinal < 100 && ordinal % 5 == 3;
        ASSERT_EQ(line(ordinal), is_bad || ordinal >= 120 ? "(none)" : line_of(ordinal)) << ordinal;
    }
}

TEST_F(LineBlocksTest, ALineLongerThanABlockIsABlock) {
    LineBlocks blocks;
    const std::string longest(std::size_t{3} << 20, 'y');
    blocks.add(1, "{}");
    blocks.add(2, longest);
    blocks.add(3, "{\"a\":1}");
    blocks.finish();
    ASSERT_TRUE(state_.write([&](WriteTxn& txn) { return blocks.write(txn); }));
    EXPECT_EQ(line(1), "{}");
    EXPECT_EQ(line(2), longest);
    EXPECT_EQ(line(3), "{\"a\":1}");
}

TEST_F(LineBlocksTest, DamageIsAnError) {
    write(0, 10);
    const std::string key(7, '\0');
    const std::string value = state_.get(Table::annotations, key + '\x09');
    ASSERT_NE(value, "(none)");
    for (std::size_t i = 0; i < value.size(); ++i) {
        std::string damaged = value;
        damaged[i] = static_cast<char>(damaged[i] ^ 0x41);
        state_.put(Table::annotations, key + '\x09', damaged);
        static_cast<void>(line(4));  // never undefined behaviour
    }
    state_.put(Table::annotations, key + '\x09', "");
    EXPECT_EQ(get_line(state_.env->read().value(), 4).error(), Errc::corrupt);
    state_.put(Table::annotations, key + '\x09', "\x07 from the future");
    EXPECT_EQ(get_line(state_.env->read().value(), 4).error(), Errc::newer_row);
}

TEST(ShardRows, AreKeptByNumber) {
    const TempFolder temp;
    const State state(temp.path());
    const ShardRow open{1'000'000'000'000, 10'000, false};
    ASSERT_TRUE(state.write([&](WriteTxn& txn) -> Result<void> {
        EXPECT_TRUE(put_shard(txn, 300, open));
        EXPECT_TRUE(put_shard(txn, 2, ShardRow{5, 1, true}));
        return put_layout(txn, "webdataset");
    }));
    const ReadTxn txn = state.env->read().value();
    EXPECT_EQ(get_shard(txn, 300).value(), open);
    EXPECT_EQ(get_shard(txn, 3).error(), Errc::not_found);
    EXPECT_EQ(get_layout(txn).value(), "webdataset");
    std::string order;
    ASSERT_TRUE(for_each_shard(txn, [&](std::uint32_t shard, const ShardRow&) {
        order += std::to_string(shard) + " ";
        return true;
    }));
    EXPECT_EQ(order, "2 300 ");
}

}  // namespace
}  // namespace grit::store
