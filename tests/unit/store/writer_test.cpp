#include "grit/store/writer.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <optional>
#include <thread>
#include <vector>

#include "manual_clock.hpp"
#include "temp_state.hpp"

namespace grit::store {
namespace {

using test::State;
using test::TempFolder;

struct Call final : WriteJob {
    explicit Call(std::function<void(WriteSession&)> f) : function(std::move(f)) {}
    void run(WriteSession& session) override { function(session); }
    std::function<void(WriteSession&)> function;
};

TEST(Writer, RunsJobsInOrderAndDrains) {
    const TempFolder temp;
    const State state(temp.path());
    std::vector<int> order;
    for (int i = 0; i < 100; ++i) {
        state.writer->submit(std::make_unique<Call>([&order, i](WriteSession&) { order.push_back(i); }));
    }
    state.writer->drain();
    ASSERT_EQ(order.size(), 100U);
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
    EXPECT_EQ(state.writer->backlog(), 0U);
}

TEST(Writer, DestructorRunsWhatWasSubmitted) {
    const TempFolder temp;
    State state(temp.path());
    std::promise<void> open_gate;
    std::atomic<int> ran = 0;
    state.writer->submit(std::make_unique<Call>([&ran, gate = open_gate.get_future().share()](WriteSession&) {
        gate.wait();
        ++ran;
    }));
    for (int i = 0; i < 9; ++i) {
        state.writer->submit(std::make_unique<Call>([&ran](WriteSession&) { ++ran; }));
    }
    EXPECT_EQ(state.writer->backlog(), 10U);
    open_gate.set_value();
    state.writer.reset();
    EXPECT_EQ(ran, 10);
}

TEST(Writer, HeartbeatIsTheBeginOfTheRunningJob) {
    const TempFolder temp;
    const auto env = Env::open(temp.path()).value();
    grit::test::ManualClock clock;
    Writer writer(*env, clock);
    clock.advance(std::chrono::minutes(5));
    EXPECT_EQ(writer.heartbeat(), clock.now()) << "idle is not stuck";
    std::promise<void> started;
    std::promise<void> finish;
    writer.submit(std::make_unique<Call>([&](WriteSession&) {
        started.set_value();
        finish.get_future().wait();
    }));
    started.get_future().wait();
    const SteadyTime begun = clock.now();
    clock.advance(std::chrono::seconds(90));
    EXPECT_EQ(writer.heartbeat(), begun);
    finish.set_value();
    writer.drain();
    EXPECT_EQ(writer.heartbeat(), clock.now());
}

TEST(WriteSession, ErrorOfTheBodyWritesNothing) {
    const TempFolder temp;
    const State state(temp.path());
    const auto result = state.write([](WriteTxn& txn) -> Result<void> {
        if (auto put = txn.put(Table::content, "k", "v"); !put) {
            return put;
        }
        return Errc::corrupt;
    });
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error(), Errc::corrupt);
    EXPECT_EQ(state.count(Table::content), 0U);
}

TEST(WriteTxn, ReadsWhatItWroteAndErases) {
    const TempFolder temp;
    const State state(temp.path());
    ASSERT_TRUE(state.write([](WriteTxn& txn) -> Result<void> {
        EXPECT_TRUE(txn.put(Table::content, "k", "v"));
        EXPECT_EQ(txn.get(Table::content, "k").value(), "v");
        EXPECT_TRUE(txn.erase(Table::content, "k").value());
        EXPECT_FALSE(txn.erase(Table::content, "k").value());
        EXPECT_EQ(txn.get(Table::content, "k").error(), Errc::not_found);
        return {};
    }));
}

TEST(WriteTxn, AppendWantsAscendingKeys) {
    const TempFolder temp;
    const State state(temp.path());
    ASSERT_TRUE(state.write([](WriteTxn& txn) -> Result<void> {
        EXPECT_TRUE(txn.append(Table::queue, "b", "1"));
        EXPECT_EQ(txn.append(Table::queue, "b", "2").error(), Errc::out_of_order);
        EXPECT_EQ(txn.append(Table::queue, "a", "2").error(), Errc::out_of_order);
        EXPECT_TRUE(txn.append(Table::queue, "c", "3"));
        return {};
    }));
    EXPECT_EQ(state.get(Table::queue, "b"), "1");
    EXPECT_EQ(state.count(Table::queue), 2U);
}

TEST(WriteTxn, KeysHaveBounds) {
    const TempFolder temp;
    const State state(temp.path());
    ASSERT_TRUE(state.write([](WriteTxn& txn) -> Result<void> {
        EXPECT_TRUE(txn.put(Table::content, std::string(511, 'k'), ""));
        EXPECT_EQ(txn.put(Table::content, std::string(512, 'k'), "").error(), Errc::too_long);
        EXPECT_EQ(txn.put(Table::content, "", "").error(), Errc::too_long);
        EXPECT_EQ(txn.get(Table::content, std::string(512, 'k')).error(), Errc::too_long);
        return {};
    }));
}

TEST(Cursor, SeeksAndWalks) {
    const TempFolder temp;
    const State state(temp.path());
    state.put(Table::content, "b", "1");
    state.put(Table::content, "d", "2");
    const ReadTxn txn = state.env->read().value();
    Cursor cursor = txn.cursor(Table::content).value();
    EXPECT_TRUE(cursor.seek("c").value());
    EXPECT_EQ(cursor.key(), "d");
    EXPECT_FALSE(cursor.next().value());
    EXPECT_FALSE(cursor.seek("e").value());
    EXPECT_TRUE(cursor.first().value());
    EXPECT_EQ(cursor.value(), "1");
    EXPECT_TRUE(cursor.last().value());
    EXPECT_EQ(cursor.value(), "2");
    Cursor none = txn.cursor(Table::queue).value();
    EXPECT_FALSE(none.first().value());
}

// A full map kills its transaction, and growing it under a reader is undefined in LMDB: both are hidden.
TEST(MapGrowth, LosesNothingWhileReadersComeAndGo) {
    const TempFolder temp;
    const State state(temp.path(), {.initial_map_bytes = 1 << 20});
    ASSERT_EQ(state.env->stats().map_bytes, 1U << 20);
    constexpr int kRows = 100'000;
    constexpr int kBatch = 5'000;
    std::atomic<bool> stop = false;
    std::atomic<std::uint64_t> reads = 0;
    const auto reader = [&] {
        while (!stop) {
            const Result<ReadTxn> txn = state.env->read();
            ASSERT_TRUE(txn);
            std::uint64_t rows = 0;
            ASSERT_TRUE(for_each(*txn, Table::content, [&](std::string_view, std::string_view value) {
                rows += value.size() == 50 ? 1U : 0U;
                return rows < 2'000;
            }));
            ASSERT_LE(rows, txn->count(Table::content).value());
            ++reads;
        }
    };
    std::thread one(reader);
    std::thread two(reader);
    for (int start = 0; start < kRows; start += kBatch) {
        const auto result = state.write([&](WriteTxn& txn) -> Result<void> {
            for (int i = start; i < start + kBatch; ++i) {
                // Scattered keys, so that pages split everywhere.
                const auto key = std::to_string(static_cast<unsigned>(i) * 2654435761U);
                if (auto put = txn.put(Table::content, key, std::string(50, 'v')); !put) {
                    return put;
                }
            }
            return {};
        });
        ASSERT_TRUE(result) << result.error().message();
    }
    stop = true;
    one.join();
    two.join();
    EXPECT_EQ(state.count(Table::content), static_cast<std::uint64_t>(kRows));
    EXPECT_GT(state.env->stats().map_bytes, 1U << 20);
    EXPECT_GT(reads, 0U);
}

TEST(MapGrowth, BodyThatHidesAFullMapIsRunAgainAllTheSame) {
    const TempFolder temp;
    const State state(temp.path(), {.initial_map_bytes = 1 << 20});
    int runs = 0;
    ASSERT_TRUE(state.write([&](WriteTxn& txn) -> Result<void> {
        ++runs;
        (void)txn.put(Table::content, "big", std::string(3 << 20, 'v'));
        return {};
    }));
    EXPECT_GT(runs, 1);
    EXPECT_EQ(state.get(Table::content, "big").size(), 3U << 20);
}

TEST(MapGrowth, WhoReadsMayAskForStatsWhileItWaits) {
    const TempFolder temp;
    const State state(temp.path(), {.initial_map_bytes = 1 << 20});
    std::optional<ReadTxn> reading(state.env->read().value());
    std::thread writing([&] { state.put(Table::content, "big", std::string(3 << 20, 'v')); });
    // Other readers are let in until a resize waits.
    std::future<void> other;
    do {
        other = std::async(std::launch::async, [&] { EXPECT_TRUE(state.env->read()); });
    } while (other.wait_for(std::chrono::milliseconds(100)) == std::future_status::ready);
    auto told = std::async(std::launch::async, [&] { return state.env->stats().map_bytes; });
    EXPECT_EQ(told.wait_for(std::chrono::seconds(20)), std::future_status::ready) << "it waits for its own reader";
    reading.reset();
    EXPECT_EQ(told.get(), 1U << 20);
    writing.join();
    EXPECT_GT(state.env->stats().map_bytes, 3U << 20);
}

TEST(MapGrowth, DeletesInAFullMapWork) {
    const TempFolder temp;
    const State state(temp.path(), {.initial_map_bytes = 1 << 20});
    ASSERT_TRUE(state.write([](WriteTxn& txn) -> Result<void> {
        for (int i = 0; i < 8'000; ++i) {
            if (auto put = txn.put(Table::content, "key" + std::to_string(i), std::string(60, 'v')); !put) {
                return put;
            }
        }
        return {};
    }));
    for (int i = 0; i < 8'000; i += 100) {
        ASSERT_TRUE(state.write([&](WriteTxn& txn) -> Result<void> {
            const auto erased = txn.erase(Table::content, "key" + std::to_string(i));
            return erased ? Result<void>() : erased.error();
        }));
    }
    EXPECT_EQ(state.count(Table::content), 7'920U);
}

}  // namespace
}  // namespace grit::store
