#include <gmock/gmock.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "config_support.hpp"

namespace grit::config {
namespace {

using test::config_of;
using test::errors_of;
using test::with_least;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(ParseConfig, LeastFileGivesDefaults) {
    Config expected;
    expected.input.annotations = {"a.jsonl"};
    expected.storage.root = "/srv/images";
    expected.state.dir = "/var/lib/state";
    EXPECT_EQ(config_of(with_least("")), expected);
}

// docs/design.md, the config contract: defaults are promised by name.
TEST(ParseConfig, DefaultsAreTheContracts) {
    const Config config = config_of(with_least(""));
    EXPECT_EQ(config.storage.min_free, 20ULL << 30);
    EXPECT_EQ(config.fetch.max_in_flight, 2000u);
    EXPECT_EQ(config.fetch.total_timeout, std::chrono::seconds(60));
    EXPECT_EQ(config.fetch.min_rate, 2048u);
    EXPECT_EQ(config.politeness.connections_per_host, 2u);
    EXPECT_EQ(config.politeness.min_interval, std::chrono::milliseconds(100));
    EXPECT_EQ(config.retry.schedule,
              (std::vector<std::chrono::milliseconds>{std::chrono::minutes(1), std::chrono::minutes(10),
                                                      std::chrono::hours(2), std::chrono::hours(24)}));
    EXPECT_EQ(config.metrics.listen, "127.0.0.1:9187");
    EXPECT_EQ(config.stop.drain_limit, std::chrono::seconds(30));
}

TEST(ParseConfig, ReadsEveryKindOfValue) {
    const Config config = config_of(R"(
[input]
annotations = ["a.jsonl", "b/*.gz", "-"]
[storage]
root = "/r"
layout = "webdataset"
min_free = "1.5GiB"
[state]
dir = "s"
[politeness]
robots = false
disallowed_directives = []
[retry]
schedule = ["0s", "90s"]
[dns]
servers = ["127.0.0.1:5353", "::1"]
[network]
allow = ["127.0.0.0/8", "fd00::/8"]
port_map = { "443" = 8443, "80" = 8080 }
[metrics]
listen = ""
[log]
level = "debug"
)");
    EXPECT_THAT(config.input.annotations, ElementsAre("a.jsonl", "b/*.gz", "-"));
    EXPECT_EQ(config.storage.layout, Layout::webdataset);
    EXPECT_EQ(config.storage.min_free, 3ULL << 29);
    EXPECT_FALSE(config.politeness.robots);
    EXPECT_TRUE(config.politeness.disallowed_directives.empty());
    EXPECT_THAT(config.retry.schedule, ElementsAre(std::chrono::seconds(0), std::chrono::seconds(90)));
    EXPECT_THAT(config.dns.servers, ElementsAre("127.0.0.1:5353", "::1"));
    EXPECT_THAT(config.network.allow, ElementsAre("127.0.0.0/8", "fd00::/8"));
    EXPECT_EQ(config.network.port_map, (std::map<std::uint16_t, std::uint16_t>{{80, 8080}, {443, 8443}}));
    EXPECT_EQ(config.metrics.listen, "");
    EXPECT_EQ(config.log.level, LogLevel::debug);
}

TEST(ParseConfig, ReportsEveryErrorAtOnceInTheOrderOfTheFile) {
    EXPECT_THAT(
        errors_of(R"([storage]
layout = "web-dataset"
rot = "/r"
[fetch]
max_in_flight = 0
connect_timeout = 10
min_rate = "2 KiB"
[politenes]
robots = "yes"
[retry]
schedule = ["1m", "x"]
)"),
        ElementsAre(
            R"(t.toml:1:1: input.annotations: is missing: it has no default)",
            R"(t.toml:1:1: state.dir: is missing: it has no default)",
            R"(t.toml:1:1: storage.root: is missing: it has no default)",
            R"(t.toml:2:10: storage.layout: "web-dataset" is none of "files", "webdataset", "img2dataset": did you mean "webdataset"?)",
            R"(t.toml:3:1: unknown key "rot" in [storage]: did you mean "root"?)",
            R"(t.toml:5:17: fetch.max_in_flight: 0 is out of range (1 to 100000))",
            R"(t.toml:6:19: fetch.connect_timeout: expected a duration such as "30s", found the number 10)",
            R"(t.toml:7:12: fetch.min_rate: "2 KiB" is no size: write a number and B, KiB, MiB, GiB or TiB, like "64MiB")",
            R"(t.toml:8:2: unknown table "politenes": did you mean [politeness]?)",
            R"(t.toml:11:19: retry.schedule: "x" is no duration: write a number and ms, s, m, h or d, like "30s")"));
}

TEST(ParseConfig, UnknownKeyInTheWrongTableNamesTheRightOne) {
    EXPECT_THAT(errors_of(with_least("[fetch]\nmin_free = \"1GiB\"\n")),
                ElementsAre(R"(t.toml:7:1: unknown key "min_free" in [fetch]: it belongs in [storage])"));
    EXPECT_THAT(errors_of(with_least("robots = true\n")),
                ElementsAre(R"(t.toml:6:1: unknown key "robots": it belongs in [politeness])"));
    EXPECT_THAT(errors_of(with_least("[fetch]\nfrobnicate = 1\n")),
                ElementsAre(R"(t.toml:7:1: unknown key "frobnicate" in [fetch])"));
}

TEST(ParseConfig, TableThatIsNone) {
    EXPECT_THAT(errors_of("input = 3\nstorage.root = \"r\"\nstate.dir = \"s\"\n"),
                ElementsAre("t.toml:1:9: input: expected a table, found the number 3"));
    EXPECT_THAT(errors_of(with_least("[[fetch]]\nshards = 2\n")),
                ElementsAre(HasSubstr("fetch: expected a table, found a list")));
}

TEST(ParseConfig, SyntaxErrorIsOneErrorWithItsPlace) {
    EXPECT_THAT(errors_of(with_least("[fetch\nshards = 2\n")), ElementsAre(HasSubstr("t.toml:6:7: no valid TOML: ")));
    EXPECT_THAT(errors_of(with_least("[fetch]\nshards = 1\nshards = 2\n")), ElementsAre(HasSubstr("t.toml:8:")));
    EXPECT_THAT(errors_of("a = \"\xff\"\n"), ElementsAre(HasSubstr("no valid TOML")));
}

TEST(ParseConfig, IntervalsInTheWrongOrderAreOneErrorAtTheGivenKey) {
    EXPECT_THAT(errors_of(with_least("[politeness]\nmin_interval = \"1m\"\n")),
                ElementsAre(R"(t.toml:7:16: politeness: min_interval "1m" is longer than max_interval "30s")"));
    EXPECT_THAT(errors_of(with_least("[politeness]\nmax_interval = \"1ms\"\n")),
                ElementsAre(R"(t.toml:7:16: politeness: min_interval "100ms" is longer than max_interval "1ms")"));
    EXPECT_THAT(errors_of(with_least("[politeness]\nmin_interval = \"5m\"\nmax_interval = \"oops\"\n")),
                ElementsAre(HasSubstr("politeness.max_interval")));
    EXPECT_TRUE(errors_of(with_least("[politeness]\nmin_interval = \"1s\"\nmax_interval = \"1s\"\n")).empty());
}

TEST(ParseConfig, MessagesHoldNoControlCharactersAndAreCutBetweenCharacters) {
    auto errors = errors_of(with_least("[log]\nlevel = \"\\u001b[31m\"\n[fetch]\n\"a\\nb\" = 1\n"));
    ASSERT_EQ(errors.size(), 2u);
    errors.push_back(errors_of("a.\x7f = 1\n").at(0));
    for (const std::string& error : errors) {
        EXPECT_EQ(error.find_first_of("\x1b\n\x7f"), std::string::npos) << error;
    }
    std::string letters;
    for (int i = 0; i < 200; ++i) {
        letters += "\u20ac";  // Three bytes: the cut at 80 would be within one.
    }
    EXPECT_THAT(errors_of(with_least("log.level = \"" + letters + "\"\n")).at(0), HasSubstr("\u20ac...\" is none of"));
}

// toml++ 3.3 asserted or ran into undefined behaviour on these.
TEST(ParseConfig, OddCharactersOutsideOfStringsAreSyntaxErrors) {
    for (const char* text : {"[,\nx", "\u00e4 = 1\n", "a = \u201c1\u201d\n", "a\u029e = 1\n", "a.\u00a0 = 1\n"}) {
        EXPECT_THAT(errors_of(text), ElementsAre(HasSubstr("no valid TOML: "))) << text;
    }
}

TEST(ParseConfig, ByteOrderMarkAndWindowsLinesAreFine) {
    std::string text = with_least("[log]\nlevel = \"error\"\n");
    for (std::size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', at + 2)) {
        text.insert(at, 1, '\r');
    }
    EXPECT_EQ(config_of("\xEF\xBB\xBF" + text).log.level, LogLevel::error);
}

TEST(LoadConfig, ReadsAFileAndNamesOneThatIsNotThere) {
    const auto path = std::filesystem::path(testing::TempDir()) / "grit_load_config_test.toml";
    std::ofstream(path) << with_least("[fetch]\nshards = 3\n");
    const LoadResult read = load_config(path.string());
    std::filesystem::remove(path);
    ASSERT_EQ(read.index(), 0u);
    EXPECT_EQ(std::get<0>(read).fetch.shards, 3u);

    const LoadResult absent = load_config("/nowhere/x.toml");
    ASSERT_EQ(absent.index(), 1u);
    EXPECT_EQ(std::get<1>(absent).front().text(), "/nowhere/x.toml: can not be opened: No such file or directory");
    const LoadResult folder = load_config("/");
    ASSERT_EQ(folder.index(), 1u);
    EXPECT_THAT(std::get<1>(folder).front().text(), HasSubstr("can not be read"));
}

TEST(LoadConfig, RefusesAFileThatIsNoConfig) {
    EXPECT_THAT(errors_of(std::string(kMaxConfigBytes + 1, '\n')), ElementsAre(HasSubstr("longer than 1 MiB")));
}

}  // namespace
}  // namespace grit::config
