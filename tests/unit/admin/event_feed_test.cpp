#include "event_feed.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fake_backend.hpp"

namespace grit::admin {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
using namespace std::chrono_literals;

constexpr SteadyTime kStart{100s};

TEST(EventFeed, ProgressComesEachTime) {
    test::FakeBackend backend;
    EventFeed feed(backend, EventsWanted{true, false}, 15s);
    EXPECT_THAT(feed.due(kStart), StartsWith(R"({"event":"progress","seq":1,"status":{)"));
    EXPECT_THAT(feed.due(kStart + 1s), StartsWith(R"({"event":"progress","seq":2,"status":{)"));
}

TEST(EventFeed, StateComesWhenItChanges) {
    test::FakeBackend backend;
    EventFeed feed(backend, EventsWanted{false, true}, 15s);
    EXPECT_EQ(feed.due(kStart), "{\"event\":\"state\",\"seq\":1,\"from\":\"\",\"to\":\"running\",\"reason\":\"\"}\n");
    EXPECT_EQ(feed.due(kStart + 1s), "");
    backend.pause("full");
    EXPECT_EQ(feed.due(kStart + 2s),
              "{\"event\":\"state\",\"seq\":2,\"from\":\"running\",\"to\":\"paused\",\"reason\":\"full\"}\n");
}

TEST(EventFeed, SilenceEndsInAHeartbeat) {
    test::FakeBackend backend;
    EventFeed feed(backend, EventsWanted{false, true}, 15s);
    EXPECT_THAT(feed.due(kStart), HasSubstr("state"));
    EXPECT_EQ(feed.due(kStart + 14s), "");
    EXPECT_EQ(feed.due(kStart + 15s), "{\"event\":\"heartbeat\",\"seq\":2}\n");
    EXPECT_EQ(feed.due(kStart + 16s), "");
}

TEST(EventFeed, EndHasTheLastStatus) {
    test::FakeBackend backend;
    EventFeed feed(backend, EventsWanted{}, 15s);
    EXPECT_THAT(feed.end(), StartsWith(R"({"event":"end","seq":1,"status":{)"));
}

}  // namespace
}  // namespace grit::admin
