#include "grit/store/block_rows.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "grit/store/opt_out_rows.hpp"
#include "temp_state.hpp"

namespace grit::store {
namespace {

using test::State;
using test::TempFolder;

TEST(Blocks, AreKeptByKindAndValue) {
    const TempFolder temp;
    const State state(temp.path());
    const BlockRow domain{"domain", "example.org", "asked by mail", 1'700'000'000'123, 1000};
    const BlockRow pattern{"pattern", "*/a b/*", "", 0, 0};
    ASSERT_TRUE(state.write([&](WriteTxn& txn) -> Result<void> {
        EXPECT_TRUE(put_block_row(txn, pattern));
        EXPECT_TRUE(put_block_row(txn, BlockRow{"domain", "example.org", "an older reason", 1, 2}));
        return put_block_row(txn, domain);
    }));
    EXPECT_EQ(get_block_rows(state.env->read().value()).value(), (std::vector{domain, pattern}));
    ASSERT_TRUE(state.write([&](WriteTxn& txn) -> Result<void> {
        EXPECT_FALSE(delete_block_row(txn, "host", "example.org").value());
        EXPECT_TRUE(delete_block_row(txn, "domain", "example.org").value());
        return {};
    }));
    EXPECT_EQ(get_block_rows(state.env->read().value()).value(), std::vector{pattern});
    ASSERT_TRUE(state.write([&](WriteTxn& txn) { return txn.put(Table::blocks, "nospace", "\x01"); }));
    EXPECT_EQ(get_block_rows(state.env->read().value()).error(), Errc::corrupt);
}

TEST(OptOutRows, TheOneUnderWayIsKeptUntilItEnds) {
    const TempFolder temp;
    const State state(temp.path());
    EXPECT_EQ(get_opt_out(state.env->read().value()).error(), Errc::not_found);
    const OptOutRow row{"example.org", "asked by mail", 1000, true, -5, "example.org-x.jsonl", true, 1, 2, 3, 4, 5};
    ASSERT_TRUE(state.write([&](WriteTxn& txn) { return put_opt_out(txn, row); }));
    EXPECT_EQ(get_opt_out(state.env->read().value()).value(), row);
    ASSERT_TRUE(state.write([](WriteTxn& txn) { return delete_opt_out(txn); }));
    ASSERT_TRUE(state.write([](WriteTxn& txn) { return delete_opt_out(txn); }));
    EXPECT_EQ(get_opt_out(state.env->read().value()).error(), Errc::not_found);
}

TEST(OptOutRows, PathsAreSpokenFor) {
    const TempFolder temp;
    const State state(temp.path());
    ASSERT_TRUE(state.write([&](WriteTxn& txn) -> Result<void> {
        EXPECT_TRUE(put_removal(txn, "00000/1.jpg", Removal::kept));
        return put_removal(txn, "00000/2.jpg", Removal::due);
    }));
    {
        const ReadTxn txn = state.env->read().value();
        EXPECT_EQ(get_removal(txn, "00000/1.jpg").value(), Removal::kept);
        EXPECT_EQ(get_removal(txn, "00000/2.jpg").value(), Removal::due);
        EXPECT_EQ(get_removal(txn, "00000/3.jpg").error(), Errc::not_found);
        int seen = 0;
        EXPECT_TRUE(for_each_removal(txn, [&](std::string_view, Removal) { return ++seen < 9; }));
        EXPECT_EQ(seen, 2);
    }
    ASSERT_TRUE(state.write([](WriteTxn& txn) { return delete_removal(txn, "00000/2.jpg"); }));
    EXPECT_EQ(get_removal(state.env->read().value(), "00000/2.jpg").error(), Errc::not_found);
}

}  // namespace
}  // namespace grit::store
