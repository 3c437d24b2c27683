#include "grit/store/env.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <lmdb.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "grit/store/lock.hpp"
#include "temp_state.hpp"

namespace grit::store {
namespace {

using test::State;
using test::TempFolder;
using testing::HasSubstr;

std::string refusal(const std::filesystem::path& dir, EnvOptions options = {}) {
    const auto env = Env::open(dir, options);
    return env ? "(opened)" : env.error().what;
}

// Puts a key of the meta table as another program would.
void overwrite_meta(const std::filesystem::path& dir, const char* key, const std::string& value) {
    MDB_env* env = nullptr;
    MDB_txn* txn = nullptr;
    MDB_dbi dbi = 0;
    ASSERT_EQ(mdb_env_create(&env), 0);
    ASSERT_EQ(mdb_env_set_maxdbs(env, 16), 0);
    ASSERT_EQ(mdb_env_open(env, dir.c_str(), 0, 0640), 0);
    ASSERT_EQ(mdb_txn_begin(env, nullptr, 0, &txn), 0);
    ASSERT_EQ(mdb_dbi_open(txn, "meta", MDB_CREATE, &dbi), 0);
    MDB_val k{std::string_view(key).size(), const_cast<char*>(key)};
    MDB_val v{value.size(), const_cast<char*>(value.data())};
    ASSERT_EQ(mdb_put(txn, dbi, &k, &v, 0), 0);
    ASSERT_EQ(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

TEST(Env, MakesFolderAndTablesAndKeepsThem) {
    const TempFolder temp;
    const auto dir = temp.path() / "deep" / "state";
    std::string id;
    {
        const State state(dir);
        id = state.env->dataset_id();
        EXPECT_EQ(id.size(), 32U);
        state.put(Table::url_to_path, "http://a/1.jpg", "00000/000000000.jpg");
        EXPECT_EQ(state.get(Table::meta, "schema"), std::to_string(kSchema));
    }
    struct stat status{};
    ASSERT_EQ(stat(dir.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0007U, 0U) << "the folder is nobody else's";
    const State again(dir);
    EXPECT_EQ(again.env->dataset_id(), id);
    EXPECT_EQ(again.get(Table::url_to_path, "http://a/1.jpg"), "00000/000000000.jpg");
}

TEST(Env, DatasetsHaveDifferentIdentities) {
    const TempFolder a;
    const TempFolder b;
    EXPECT_NE(Env::open(a.path()).value()->dataset_id(), Env::open(b.path()).value()->dataset_id());
}

TEST(Env, AddressSpaceIsNotDisk) {
    const TempFolder temp;
    const State state(temp.path());
    const EnvStats stats = state.env->stats();
    EXPECT_GE(stats.map_bytes, std::uint64_t{256} << 30);
    EXPECT_LT(stats.file_bytes, 1U << 20);
    EXPECT_LE(stats.used_bytes, stats.file_bytes);
}

TEST(Env, NewerSchemaIsRefusedInWords) {
    const TempFolder temp;
    {
        const State state(temp.path());
    }
    overwrite_meta(temp.path(), "schema", "7");
    EXPECT_THAT(refusal(temp.path()), HasSubstr("has schema 7, this gritd reads schema 2"));
}

TEST(Env, OlderSchemaIsRefusedInWords) {
    const TempFolder temp;
    {
        const State state(temp.path());
    }
    overwrite_meta(temp.path(), "schema", "1");
    EXPECT_THAT(refusal(temp.path()), HasSubstr("has schema 1"));
}

TEST(Env, AnotherProgramsLmdbFileIsRefusedAndLeftAlone) {
    const TempFolder temp;
    overwrite_meta(temp.path(), "colour", "blue");
    EXPECT_THAT(refusal(temp.path()), HasSubstr("of another program"));
    EXPECT_THAT(refusal(temp.path()), HasSubstr("of another program")) << "nothing was added by the first try";
}

TEST(Env, FileThatIsNoLmdbIsRefused) {
    const TempFolder temp;
    std::ofstream(temp.path() / "data.mdb") << std::string(100'000, 'x');
    EXPECT_THAT(refusal(temp.path()), HasSubstr("no LMDB 0.9 header"));
}

TEST(Env, FileOfZerosOrFewBytesIsRefused) {
    for (const std::size_t size : {std::size_t{1}, std::size_t{100}, std::size_t{4096}, std::size_t{8192}}) {
        const TempFolder temp;
        std::ofstream(temp.path() / "data.mdb") << std::string(size, '\0');
        EXPECT_THAT(refusal(temp.path()), HasSubstr("no LMDB 0.9 header")) << size;
    }
}

TEST(Env, EmptyFileIsAFreshState) {
    const TempFolder temp;
    {
        std::ofstream made(temp.path() / "data.mdb");
    }
    EXPECT_EQ(refusal(temp.path()), "(opened)");
}

// LMDB maps what its header speaks of: reading past the end of the file would be a SIGBUS.
TEST(Env, FileCutAnywhereIsRefusedAndKeepsItsLength) {
    const TempFolder temp;
    {
        const State state(temp.path());
        ASSERT_TRUE(state.write([](WriteTxn& txn) -> Result<void> {
            for (int i = 0; i < 2'000; ++i) {
                if (auto put = txn.put(Table::content, "key" + std::to_string(i), std::string(100, 'v')); !put) {
                    return put;
                }
            }
            return {};
        }));
    }
    const auto file = temp.path() / "data.mdb";
    std::uintmax_t size = std::filesystem::file_size(file);
    while (size > 5'000) {
        size = size * 2 / 3;
        std::filesystem::resize_file(file, size);
        EXPECT_THAT(refusal(temp.path()), testing::AnyOf(HasSubstr("is cut short"), HasSubstr("no LMDB 0.9 header")));
        EXPECT_EQ(std::filesystem::file_size(file), size) << "a refused file is left as it was found";
    }
}

// Pages that one transaction takes and frees are never written, so a sound file may end early.
TEST(Env, FileThatLacksOnlyFreePagesIsMended) {
    const TempFolder temp;
    const auto file = temp.path() / "data.mdb";
    {
        const State state(temp.path());
        for (int i = 0; i < 5; ++i) {  // so that there is a free list
            state.put(Table::content, "kept", "value" + std::to_string(i));
        }
        ASSERT_TRUE(state.write([](WriteTxn& txn) -> Result<void> {
            for (int i = 0; i < 50; ++i) {
                if (auto put = txn.put(Table::content, "big" + std::to_string(i), std::string(9'000, 'v')); !put) {
                    return put;
                }
            }
            for (int i = 0; i < 50; ++i) {
                if (auto erased = txn.erase(Table::content, "big" + std::to_string(i)); !erased) {
                    return erased.error();
                }
            }
            return {};
        }));
    }
    const std::uintmax_t whole = std::filesystem::file_size(file);
    int mended = 0;
    for (std::uintmax_t size = whole - 4096;; size -= 4096) {
        std::filesystem::resize_file(file, size);
        const std::string answer = refusal(temp.path());
        if (answer != "(opened)") {
            EXPECT_THAT(answer, HasSubstr("is cut short"));
            break;
        }
        EXPECT_EQ(std::filesystem::file_size(file), whole) << "it has its length back";
        const State state(temp.path());
        EXPECT_EQ(state.get(Table::content, "kept"), "value4");
        EXPECT_EQ(state.count(Table::content), 1U);
        ++mended;
    }
    EXPECT_GT(mended, 10);
}

TEST(Env, ReadOnlyNeedsAState) {
    const TempFolder temp;
    EXPECT_THAT(refusal(temp.path(), {.read_only = true}), HasSubstr("no state in"));
    EXPECT_FALSE(std::filesystem::exists(temp.path() / "data.mdb"));
}

TEST(Env, ReadOnlyReadsAndRefusesToWrite) {
    const TempFolder temp;
    {
        State(temp.path()).put(Table::content, "k", "v");
    }
    const State state(temp.path(), {.read_only = true});
    EXPECT_EQ(state.get(Table::content, "k"), "v");
    EXPECT_FALSE(state.write([](WriteTxn& txn) { return txn.put(Table::content, "k", "w"); }));
}

TEST(Scan, SeesEachRowOnceOverManyTransactions) {
    const TempFolder temp;
    const State state(temp.path());
    ASSERT_TRUE(state.write([](WriteTxn& txn) -> Result<void> {
        for (int i = 1000; i < 1100; ++i) {
            if (auto put = txn.append(Table::content, std::to_string(i), "v"); !put) {
                return put;
            }
        }
        return {};
    }));
    for (const std::size_t rows : {1U, 7U, 100U, 101U}) {
        std::vector<std::string> seen;
        ASSERT_TRUE(scan(
            *state.env, Table::content,
            [&](std::string_view key, std::string_view) {
                seen.emplace_back(key);
                return true;
            },
            rows));
        ASSERT_EQ(seen.size(), 100U) << rows;
        EXPECT_EQ(seen.front(), "1000");
        EXPECT_EQ(seen.back(), "1099");
    }
}

TEST(Scan, EndsWhereTheVisitorSays) {
    const TempFolder temp;
    const State state(temp.path());
    state.put(Table::content, "a", "1");
    state.put(Table::content, "b", "2");
    int seen = 0;
    ASSERT_TRUE(scan(*state.env, Table::content, [&](std::string_view, std::string_view) { return ++seen > 5; }, 1));
    EXPECT_EQ(seen, 1);
}

TEST(StateLock, SecondHolderIsToldWhoHoldsIt) {
    const TempFolder temp;
    auto first = StateLock::acquire(temp.path());
    ASSERT_TRUE(first);
    const auto second = StateLock::acquire(temp.path());
    ASSERT_FALSE(second);
    EXPECT_THAT(second.error().what, HasSubstr("process " + std::to_string(getpid())));
    EXPECT_THAT(second.error().what, HasSubstr(temp.path().string()));
    {
        const StateLock released = std::move(*first);
    }
    EXPECT_TRUE(StateLock::acquire(temp.path())) << "the file stays, the lock does not";
}

TEST(StateLock, FolderThatCanNotBeMadeIsAProblem) {
    const TempFolder temp;
    std::ofstream(temp.path() / "file") << "x";
    const auto lock = StateLock::acquire(temp.path() / "file" / "state");
    ASSERT_FALSE(lock);
    EXPECT_THAT(lock.error().what, HasSubstr("file/state"));
}

}  // namespace
}  // namespace grit::store
