// Which values each key takes.
#include <gmock/gmock.h>

#include <ostream>

#include "config_support.hpp"

namespace grit::config {
namespace {

using test::errors_of;
using testing::ElementsAre;
using testing::HasSubstr;

std::string file_with(std::string_view table, std::string_view line) {
    return test::with_least(std::string(table) + "." + std::string(line) + "\n");
}

struct Range {
    std::string_view table;
    std::string_view key;
    std::string_view low;
    std::string_view high;
    std::string_view below;  // Empty: nothing is below.
    std::string_view above;
    std::string_view message;
};

void PrintTo(const Range& range, std::ostream* out) {
    *out << range.table << "." << range.key;
}

class ConfigRange : public testing::TestWithParam<Range> {};

TEST_P(ConfigRange, EndsAreInAndBeyondIsNamed) {
    const Range& range = GetParam();
    const auto errors_with = [&](std::string_view value) {
        // Bounds of the pace are moved out of the way of one another.
        const std::string rest = range.key == "min_interval"   ? "\npoliteness.max_interval = \"24h\""
                                 : range.key == "max_interval" ? "\npoliteness.min_interval = \"0\""
                                                               : "";
        return errors_of(file_with(range.table, std::string(range.key) + " = " + std::string(value) + rest));
    };
    EXPECT_THAT(errors_with(range.low), ElementsAre());
    EXPECT_THAT(errors_with(range.high), ElementsAre());
    for (const std::string_view outside : {range.below, range.above}) {
        if (!outside.empty()) {
            EXPECT_THAT(errors_with(outside), ElementsAre(HasSubstr(std::string(range.message))));
        }
    }
}

constexpr std::string_view kTimeouts = "is out of range (1ms to 1h)";
constexpr std::string_view kIntervals = "is out of range (0s to 24h)";

INSTANTIATE_TEST_SUITE_P(
    EveryKey, ConfigRange,
    testing::Values(
        Range{"storage", "min_free", "\"0\"", "\"4194304TiB\"", "", "\"4194305TiB\"", "range (0B to 4194304TiB)"},
        Range{"journal", "seal_size", "\"64KiB\"", "\"16GiB\"", "\"1KiB\"", "\"17GiB\"", "is out of range (64KiB to 16GiB)"},
        Range{"journal", "seal_after", "\"1s\"", "\"30d\"", "\"0\"", "\"31d\"", "is out of range (1s to 720h)"},
        Range{"fetch", "max_in_flight", "1", "100000", "0", "100001", "is out of range (1 to 100000)"},
        Range{"fetch", "connect_timeout", "\"1ms\"", "\"1h\"", "\"0\"", "\"61m\"", kTimeouts},
        Range{"fetch", "first_byte_timeout", "\"1ms\"", "\"1h\"", "\"0\"", "\"61m\"", kTimeouts},
        Range{"fetch", "idle_timeout", "\"1ms\"", "\"1h\"", "\"0\"", "\"61m\"", kTimeouts},
        Range{"fetch", "total_timeout", "\"1ms\"", "\"24h\"", "\"0\"", "\"25h\"", "is out of range (1ms to 24h)"},
        Range{"fetch", "min_rate", "\"0\"", "\"1GiB\"", "", "\"2GiB\"", "is out of range (0B to 1GiB)"},
        Range{"fetch", "max_body", "\"1\"", "\"1TiB\"", "\"0\"", "\"2TiB\"", "is out of range (1B to 1TiB)"},
        Range{"fetch", "max_redirects", "0", "20", "-1", "21", "is out of range (0 to 20)"},
        Range{"fetch", "shards", "0", "64", "-1", "65", "is out of range (0 to 64)"},
        Range{"politeness", "connections_per_host", "1", "64", "0", "65", "is out of range (1 to 64)"},
        Range{"politeness", "connections_per_domain", "1", "1024", "0", "1025", "is out of range (1 to 1024)"},
        Range{"politeness", "connections_per_address", "1", "4096", "0", "4097", "is out of range (1 to 4096)"},
        Range{"politeness", "min_interval", "\"0\"", "\"24h\"", "", "\"25h\"", kIntervals},
        Range{"politeness", "max_interval", "\"0\"", "\"24h\"", "", "\"25h\"", kIntervals},
        Range{"retry", "once_patience", "\"0\"", "\"365d\"", "", "\"366d\"", "is out of range (0s to 8760h)"},
        Range{"retry", "schedule", "[\"0\"]",
              R"(["1s","1s","1s","1s","1s","1s","1s","1s","1s","1s","1s","1s","1s","1s","1s","365d"])", "[]",
              R"(["1s","1s","1s","1s","1s","1s","1s","1s","1s","1s","1s","1s","1s","1s","1s","1s","1s"])",
              "(1 to 16 are possible)"},
        Range{"filter", "min_bytes", "\"0\"", "\"1TiB\"", "", "\"2TiB\"", "is out of range (0B to 1TiB)"},
        Range{"filter", "min_width", "0", "4294967295", "-1", "4294967296", "is out of range (0 to 4294967295)"},
        Range{"filter", "max_aspect", "0", "1e4", "-0.5", "10000.5", "is out of range (0 to 10000)"},
        Range{"stop", "drain_limit", "\"0\"", "\"1h\"", "", "\"2h\"", "is out of range (0s to 1h)"}),
    [](const auto& instance) { return std::string(instance.param.table) + "_" + std::string(instance.param.key); });

TEST(ConfigValues, WrongTypesSayWhatWasExpectedAndFound) {
    const std::vector<std::pair<std::string_view, std::string_view>> cases{
        {"[fetch]\nshards = \"2\"", "fetch.shards: expected a whole number, found the text \"2\""},
        {"[fetch]\nshards = 2.0", "fetch.shards: expected a whole number, found the number 2"},
        {"[fetch]\nmax_body = 5", "fetch.max_body: expected a size such as \"64MiB\", found the number 5"},
        {"[fetch]\nuser_agent = 1979-05-27", "fetch.user_agent: expected a text, found a date or time"},
        {"[tls]\nverify = \"true\"", "tls.verify: expected true or false, found the text \"true\""},
        {"[log]\nlevel = true", "log.level: expected one of \"debug\", \"info\", \"warning\", \"error\", found true"},
        {"[dns]\nservers = \"::1\"", "dns.servers: expected a list of texts, found the text \"::1\""},
        {"[dns]\nservers = [1]", "dns.servers: expected a text, found the number 1"},
        {"[retry]\nschedule = {}", "retry.schedule: expected a list of durations, found a table"},
        {"[filter]\nmax_aspect = \"3\"", "filter.max_aspect: expected a number, found the text \"3\""},
        {"[filter]\nmax_aspect = nan", "filter.max_aspect: nan is out of range (0 to 10000)"},
        {"[network]\nport_map = []", "network.port_map: expected a table such as { \"443\" = 8443 }, found a list"},
    };
    for (const auto& [text, message] : cases) {
        EXPECT_THAT(errors_of(test::with_least(text)), ElementsAre(HasSubstr(std::string(message)))) << text;
    }
}

TEST(ConfigValues, RequiredTextsAreNotEmpty) {
    EXPECT_THAT(
        errors_of("input.annotations = []\nstorage.root = \"\"\nstate.dir = \"\"\n"),
        ElementsAre(HasSubstr("input.annotations: has 0 entries (1 to 4096 are possible)"),
                    HasSubstr("storage.root: \"\" must not be empty"), HasSubstr("state.dir: \"\" must not be empty")));
}

TEST(ConfigValues, UserAgentNeedsAProductTokenAndAContact) {
    const auto errors_with = [](const std::string& agent) {
        return errors_of(file_with("fetch", "user_agent = \"" + agent + "\""));
    };
    EXPECT_THAT(errors_with("my-bot/2 (+http://a.org)"), ElementsAre());
    EXPECT_THAT(errors_with("gritd +https://a.org/x"), ElementsAre());
    EXPECT_THAT(errors_with("gritd/1.0"), ElementsAre(HasSubstr("must name a contact")));
    EXPECT_THAT(errors_with("gritd/1.0 (https://a.org)"), ElementsAre(HasSubstr("must name a contact")));
    for (const char* agent : {"", "/1.0 (+https://a.org)", "(+https://a.org)", "bot9/1 (+https://a.org)"}) {
        EXPECT_THAT(errors_with(agent), ElementsAre(HasSubstr("product token"))) << agent;
    }
    EXPECT_THAT(errors_with("gritd/1\\r\\nX: y (+https://a.org)"), ElementsAre(HasSubstr("printable ASCII")));
}

TEST(ConfigValues, NetworksServersAndListeners) {
    for (const char* good : {"10.0.0.0/8", "127.0.0.1/32", "fd00::/8", "::1/128", "0.0.0.0/0"}) {
        EXPECT_THAT(errors_of(file_with("network", "allow = [\"" + std::string(good) + "\"]")), ElementsAre()) << good;
    }
    for (const char* bad : {"", "10.0.0.0", "10.0.0.0/33", "10.0.0/8", "fd00::/129", "example.org/8", "10.0.0.0/8 "}) {
        EXPECT_THAT(errors_of(file_with("network", "allow = [\"" + std::string(bad) + "\"]")),
                    ElementsAre(HasSubstr("is no CIDR")))
            << bad;
    }
    EXPECT_THAT(errors_of(file_with("dns", R"(servers = ["127.0.0.1", "[::1]:53", "ns.example.org", "1.1.1.1:0"])")),
                ElementsAre(HasSubstr("\"ns.example.org\" is no address of a name server"), HasSubstr("has port 0")));
    EXPECT_THAT(errors_of(file_with("metrics", "listen = \"127.0.0.1:0\"")), ElementsAre());
    for (const char* bad : {"9187", ":9187", "localhost:9187", "127.0.0.1", "127.0.0.1:65536"}) {
        EXPECT_THAT(errors_of(file_with("metrics", "listen = \"" + std::string(bad) + "\"")),
                    ElementsAre(HasSubstr("is no address to listen on")))
            << bad;
    }
}

TEST(ConfigValues, PortMapsAreFromTextToNumber) {
    EXPECT_THAT(
        errors_of(file_with("network", R"(port_map = { "0" = 1, "65536" = 1, "x" = 1, "80" = 0, "81" = "1" })")),
        testing::UnorderedElementsAre(HasSubstr("\"0\" is no port"), HasSubstr("\"65536\" is no port"),
                                      HasSubstr("\"x\" is no port"), HasSubstr("0 is out of range (1 to 65535)"),
                                      HasSubstr("expected a port (1 to 65535), found the text \"1\"")));
}

TEST(ConfigValues, DigestsAreOfSha256AndWaiversAreHosts) {
    EXPECT_THAT(errors_of(file_with("filter", "placeholders = [\"" + std::string(64, 'a') + "\"]")), ElementsAre());
    for (const std::string& bad : {std::string(63, 'a'), std::string(64, 'A'), std::string(64, 'g'), std::string()}) {
        EXPECT_THAT(errors_of(file_with("filter", "placeholders = [\"" + bad + "\"]")),
                    ElementsAre(HasSubstr("is no SHA-256 digest")))
            << bad;
    }
    EXPECT_THAT(errors_of(file_with("tls", R"(waivers = ["img.example.org", "xn--bcher-kva.example", "192.0.2.1"])")),
                ElementsAre());
    EXPECT_THAT(errors_of(file_with("tls", R"(waivers = ["Example.org", "https://example.org", ""])")),
                ElementsAre(HasSubstr("\"Example.org\" is no host"), HasSubstr("is no host"), HasSubstr("is no host")));
}

TEST(ConfigValues, SocketPathFitsAndDirectivesAreTokens) {
    EXPECT_THAT(errors_of(file_with("admin", "socket = \"/" + std::string(106, 's') + "\"")), ElementsAre());
    EXPECT_THAT(errors_of(file_with("admin", "socket = \"/" + std::string(107, 's') + "\"")),
                ElementsAre(HasSubstr("too long for a socket")));
    EXPECT_THAT(errors_of(file_with("admin", "socket = \"\"")), ElementsAre(HasSubstr("must not be empty")));
    EXPECT_THAT(errors_of(file_with("politeness", R"(disallowed_directives = ["noai", "no ai", ""])")),
                ElementsAre(HasSubstr("\"no ai\" is no X-Robots-Tag"), HasSubstr("\"\" is no X-Robots-Tag")));
}

}  // namespace
}  // namespace grit::config
