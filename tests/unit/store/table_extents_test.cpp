#include "table_extents.hpp"

#include <gtest/gtest.h>
#include <lmdb.h>

#include <array>
#include <fstream>

#include "grit/store/read_ahead.hpp"
#include "temp_state.hpp"

namespace grit::store {
namespace {

using test::State;
using test::TempFolder;

constexpr int kRows = 5'000;

std::string key_of(int i) {
    return "row-" + std::to_string(1'000'000 + i);
}

// Rows of two tables that lie among each other, in any order, and a few values larger than a page.
void fill(const State& state) {
    for (int part = 0; part < 20; ++part) {
        ASSERT_TRUE(state.write([&](WriteTxn& txn) -> Result<void> {
            for (int i = part; i < kRows; i += 20) {
                const std::string text = "<" + key_of(i) + ">";
                if (const auto put = txn.put(Table::hosts, key_of(i), text); !put) {
                    return put;
                }
                if (const auto put = txn.put(Table::content, key_of(i), std::string(300, 'c')); !put) {
                    return put;
                }
            }
            return txn.put(Table::runs, key_of(part), std::string(10'000, 'r') + "<" + key_of(part) + ">");
        }));
    }
}

// The bytes of the file on which a table is said to lie.
std::string bytes_of(const TempFolder& temp, std::string_view table, std::uint64_t gap_bytes) {
    MDB_env* env = nullptr;
    MDB_txn* txn = nullptr;
    EXPECT_EQ(mdb_env_create(&env), 0);
    EXPECT_EQ(mdb_env_set_maxdbs(env, 16), 0);
    EXPECT_EQ(mdb_env_open(env, temp.path().c_str(), MDB_RDONLY, 0640), 0);
    EXPECT_EQ(mdb_txn_begin(env, nullptr, MDB_RDONLY, &txn), 0);
    std::ifstream file(temp.path() / "data.mdb", std::ios::binary);
    std::string bytes;
    std::uint64_t end = 0;
    for (const Extent& extent : extents_of(env, txn, table, gap_bytes)) {
        EXPECT_TRUE(end == 0 || extent.offset > end + gap_bytes) << "ascending, and apart";
        end = extent.offset + extent.bytes;
        std::string piece(extent.bytes, '\0');
        file.seekg(static_cast<std::streamoff>(extent.offset));
        EXPECT_TRUE(file.read(piece.data(), static_cast<std::streamsize>(piece.size())));
        bytes += piece;
    }
    mdb_txn_abort(txn);
    mdb_env_close(env);
    return bytes;
}

TEST(TableExtents, HoldEveryRowOfTheTableAndLittleElse) {
    const TempFolder temp;
    fill(State(temp.path()));
    const std::string bytes = bytes_of(temp, "hosts", 0);
    for (int i = 0; i < kRows; ++i) {
        ASSERT_NE(bytes.find("<" + key_of(i) + ">"), std::string::npos) << i;
    }
    EXPECT_LT(bytes.size(), std::filesystem::file_size(temp.path() / "data.mdb") / 4) << "pages of other tables";
}

TEST(TableExtents, HoldValuesThatAreLargerThanAPage) {
    const TempFolder temp;
    fill(State(temp.path()));
    const std::string bytes = bytes_of(temp, "runs", 0);
    for (int i = 0; i < 20; ++i) {
        EXPECT_NE(bytes.find("<" + key_of(i) + ">"), std::string::npos) << i;
    }
    EXPECT_LT(bytes.size(), 20U * 5 * 4096);
}

TEST(TableExtents, AreJoinedWhereTheGapIsNotWorthTheWay) {
    const TempFolder temp;
    fill(State(temp.path()));
    const std::string exact = bytes_of(temp, "hosts", 0);
    const std::string joined = bytes_of(temp, "hosts", 1 << 20);
    EXPECT_GT(joined.size(), exact.size());
}

TEST(TableExtents, OfAnEmptyTableAndOfNoneAreNone) {
    const TempFolder temp;
    static_cast<void>(State(temp.path()));
    EXPECT_EQ(bytes_of(temp, "hosts", 0), "");
    EXPECT_EQ(bytes_of(temp, "no such table", 0), "");
}

TEST(Prefetch, AsksForTheTablesAlone) {
    const TempFolder temp;
    const State state(temp.path());
    EXPECT_EQ(state.env->prefetch(std::array{Table::hosts}), 0U);
    fill(state);
    const std::uint64_t runs = state.env->prefetch(std::array{Table::runs});
    const std::uint64_t both = state.env->prefetch(std::array{Table::runs, Table::hosts});
    EXPECT_GT(runs, 200'000U);
    EXPECT_GT(both, runs);
    EXPECT_LE(both, 2 * state.env->stats().file_bytes);
}

TEST(ReadAhead, ReadsTheFileUpToItsLimit) {
    const TempFolder temp;
    const State state(temp.path());
    state.put(Table::content, "k", std::string(3 << 20, 'v'));
    EXPECT_EQ(ReadAhead(state.env->file()).join(), state.env->stats().file_bytes);
    EXPECT_EQ(ReadAhead(state.env->file(), 1'500'000).join(), 1'500'000U);
    EXPECT_EQ(ReadAhead(temp.path() / "absent").join(), 0U);
}

}  // namespace
}  // namespace grit::store
