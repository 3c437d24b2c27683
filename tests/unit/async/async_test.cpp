#include "grit/async/deadline.hpp"
#include "grit/async/limiter.hpp"
#include "grit/async/offload.hpp"
#include "grit/async/task_group.hpp"
#include "grit/async/wakeup.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <stdexcept>
#include <thread>
#include <vector>

namespace grit {
namespace {

namespace asio = boost::asio;
using asio::awaitable;

awaitable<void> sleep_forever(asio::io_context& context, int& ended) {
    asio::steady_timer timer(context, asio::steady_timer::time_point::max());
    struct OnEnd {
        int& count;
        ~OnEnd() { ++count; }
    } on_end{ended};
    co_await timer.async_wait(asio::use_awaitable);
}

awaitable<void> join_then_flag(TaskGroup& group, bool& joined) {
    co_await group.join();
    joined = true;
}

TEST(TaskGroup, StopEndsEveryChildAndJoinWaitsForThem) {
    asio::io_context context(1);
    TaskGroup group(context);
    int ended = 0;
    bool joined = false;
    for (int i = 0; i < 5; ++i) {
        group.spawn(sleep_forever(context, ended));
    }
    asio::co_spawn(context, join_then_flag(group, joined), asio::detached);
    context.poll();
    EXPECT_EQ(group.size(), 5u);
    EXPECT_FALSE(joined);
    group.stop();
    context.run();
    EXPECT_EQ(ended, 5);
    EXPECT_TRUE(joined);
}

TEST(TaskGroup, RefusesChildrenAfterStop) {
    asio::io_context context(1);
    TaskGroup group(context);
    int ended = 0;
    group.stop();
    group.spawn(sleep_forever(context, ended));
    EXPECT_EQ(group.size(), 0u);
    context.run();
    EXPECT_EQ(ended, 0);
}

TEST(TaskGroup, AChildThatHasNotBegunWhenItsGroupIsStoppedNeverDoes) {
    asio::io_context context(1);
    TaskGroup group(context);
    int ended = 0;
    bool joined = false;
    group.spawn(sleep_forever(context, ended));
    context.poll();
    group.spawn(sleep_forever(context, ended));  // waits for its turn
    asio::co_spawn(context, join_then_flag(group, joined), asio::detached);
    group.stop();
    EXPECT_NO_THROW(context.run());
    EXPECT_EQ(ended, 1);
    EXPECT_EQ(group.size(), 0u);
    EXPECT_TRUE(joined);
}

awaitable<void> throw_bug() {
    throw std::logic_error("bug");
    co_return;
}

TEST(TaskGroup, ABugInAChildIsNotSwallowed) {
    asio::io_context context(1);
    TaskGroup group(context);
    group.spawn(throw_bug());
    EXPECT_THROW(context.run(), std::logic_error);
}

awaitable<void> wait_once(Wakeup& wakeup, SteadyTime until, int& woken) {
    co_await wakeup.wait_until(until);
    ++woken;
}

TEST(Wakeup, ANotifyBeforeTheWaitIsNotLost) {
    asio::io_context context(1);
    Wakeup wakeup(context);
    int woken = 0;
    wakeup.notify();
    asio::co_spawn(context, wait_once(wakeup, SteadyTime::max(), woken), asio::detached);
    context.run();
    EXPECT_EQ(woken, 1);
}

TEST(Wakeup, WakesAtItsTime) {
    asio::io_context context(1);
    Wakeup wakeup(context);
    int woken = 0;
    const SteadyTime until = std::chrono::steady_clock::now() + Milliseconds(5);
    asio::co_spawn(context, wait_once(wakeup, until, woken), asio::detached);
    context.run();
    EXPECT_EQ(woken, 1);
    EXPECT_GE(std::chrono::steady_clock::now(), until);
}

awaitable<void> hold_place(Limiter& limiter, Wakeup& release, int& holding, int& most) {
    Limiter::Permit permit = co_await limiter.acquire();
    ++holding;
    most = std::max(most, holding);
    co_await release.wait_until(SteadyTime::max());
    --holding;
}

TEST(Limiter, NeverLetsMoreInThanItsLimitAndServesAll) {
    asio::io_context context(1);
    Limiter limiter(context, 2);
    TaskGroup group(context);
    int holding = 0;
    int most = 0;
    std::list<Wakeup> releases;
    for (int i = 0; i < 6; ++i) {
        group.spawn(hold_place(limiter, releases.emplace_back(context), holding, most));
    }
    context.poll();
    EXPECT_EQ(holding, 2);
    EXPECT_EQ(limiter.waiting(), 4u);
    for (Wakeup& release : releases) {
        release.notify();
    }
    context.restart();
    context.run();
    EXPECT_EQ(group.size(), 0u);
    EXPECT_EQ(most, 2);
    EXPECT_EQ(limiter.free_places(), 2u);
}

TEST(Limiter, ACancelledWaiterTakesNoPlace) {
    asio::io_context context(1);
    Limiter limiter(context, 1);
    TaskGroup holder(context);
    TaskGroup waiter(context);
    Wakeup release(context);
    Wakeup never(context);
    int holding = 0;
    int most = 0;
    holder.spawn(hold_place(limiter, release, holding, most));
    waiter.spawn(hold_place(limiter, never, holding, most));
    context.poll();
    waiter.stop();
    release.notify();
    context.restart();
    context.run();
    EXPECT_EQ(limiter.free_places(), 1u);
    EXPECT_EQ(most, 1);
}

awaitable<void> offload_thread_ids(asio::thread_pool& pool, std::vector<std::thread::id>& ids) {
    auto work = [] { return std::this_thread::get_id(); };
    ids.push_back(co_await offload<std::thread::id>(pool, std::move(work)));
    ids.push_back(std::this_thread::get_id());
}

TEST(Offload, RunsElsewhereAndComesBack) {
    asio::io_context context(1);
    asio::thread_pool pool(1);
    std::vector<std::thread::id> ids;
    asio::co_spawn(context, offload_thread_ids(pool, ids), asio::detached);
    context.run();
    ASSERT_EQ(ids.size(), 2u);
    EXPECT_NE(ids[0], std::this_thread::get_id());
    EXPECT_EQ(ids[1], std::this_thread::get_id());
}

TEST(Deadline, APhaseNeverOutlivesTheWhole) {
    const SteadyTime now{};
    const Deadline whole = Deadline::after(now, Milliseconds(100));
    EXPECT_EQ(whole.within(now, Milliseconds(30)).at(), now + Milliseconds(30));
    EXPECT_EQ(whole.within(now, Milliseconds(300)).at(), now + Milliseconds(100));
    EXPECT_FALSE(whole.expired(now + Milliseconds(99)));
    EXPECT_TRUE(whole.expired(now + Milliseconds(100)));
    EXPECT_FALSE(Deadline().expired(now));
}

}  // namespace
}  // namespace grit
