#include "grit/base/log.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace grit {
namespace {

TEST(Logger, WritesEventAndFields) {
    std::string out;
    const Logger log(LogLevel::info, out);
    log.info("ingest.done", {{"lines", 5}, {"file", "a b.jsonl"}, {"ok", true}});
    EXPECT_NE(out.find(" info ingest.done lines=5 file=\"a b.jsonl\" ok=true\n"), std::string::npos) << out;
}

TEST(Logger, KeepsBelowItsLevelSilentAndChangesLive) {
    std::string out;
    Logger log(LogLevel::warning, out);
    log.info("a.b");
    EXPECT_TRUE(out.empty());
    log.set_level(LogLevel::debug);
    log.debug("a.b");
    EXPECT_FALSE(out.empty());
}

// A URL of the data set may hold anything: it must not start a line of its own.
TEST(Logger, ValuesCanNotForgeLines) {
    std::string out;
    const Logger log(LogLevel::info, out);
    log.info("fetch.done", {{"url", "http://a/\nerror fake.event"}, {"long", std::string(2000, 'x')}});
    EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 1);
    EXPECT_NE(out.find("\\x0aerror"), std::string::npos);
    EXPECT_LT(out.size(), 800u);
}

TEST(Logger, LevelsHaveNames) {
    EXPECT_EQ(log_level_named("warning"), LogLevel::warning);
    EXPECT_FALSE(log_level_named("loud"));
}

}  // namespace
}  // namespace grit
