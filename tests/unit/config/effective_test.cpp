#include <gmock/gmock.h>

#include "config_support.hpp"

namespace grit::config {
namespace {

using test::config_of;
using test::with_least;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(EffectiveToml, ReadsBackAsTheSameConfig) {
    const Config config = config_of(R"(
[input]
annotations = ["a \"b\"\\c.jsonl", "t\tä\u0001"]
id_field = "key"
[storage]
root = "/r"
layout = "webdataset"
min_free = "1537B"
[state]
dir = "s"
[fetch]
connect_timeout = "1500ms"
max_body = "3MB"
[politeness]
tdm_reservation = false
tdmrep = false
disallowed_directives = []
[retry]
schedule = ["0", "1d", "1ms"]
[network]
port_map = { "443" = 8443, "80" = 8080 }
allow = ["10.0.0.0/8", "::1/128"]
[log]
level = "warning"
)");
    EXPECT_EQ(config_of(effective_toml(config)), config);
}

TEST(EffectiveToml, SpellsDefaultsAsTheContractDoes) {
    const std::string text = effective_toml(config_of(with_least("")));
    EXPECT_THAT(text, HasSubstr("[storage]\nroot = \"/srv/images\"\nlayout = \"files\"\nmin_free = \"20GiB\"\n"));
    EXPECT_THAT(text, HasSubstr("schedule = [\"1m\", \"10m\", \"2h\", \"24h\"]\n"));
    EXPECT_THAT(text, HasSubstr("port_map = {}\n"));
}

TEST(Reload, NamesOnlyChangedKeysThatNeedARestart) {
    const Config before = config_of(with_least(""));
    Config after = before;
    EXPECT_THAT(restart_only_changes(before, after), ElementsAre());
    after.fetch.max_in_flight = 1;
    after.politeness.min_interval = std::chrono::milliseconds(7);
    after.log.level = LogLevel::error;
    EXPECT_THAT(restart_only_changes(before, after), ElementsAre());
    after.storage.root = "/elsewhere";
    after.network.port_map[80] = 8080;
    EXPECT_THAT(restart_only_changes(before, after), ElementsAre("storage.root", "network.port_map"));
}

TEST(Warnings, TellWhatIsSwitchedOff) {
    Config config = config_of(with_least("fetch.user_agent = \"gritd/1.0 (+https://lab.test/c)\"\n"));
    EXPECT_THAT(warnings_about(config), ElementsAre());
    config.politeness.robots = false;
    config.politeness.disallowed_directives.clear();
    config.politeness.tdmrep = false;
    config.tls.verify = false;
    EXPECT_THAT(warnings_about(config),
                ElementsAre(HasSubstr("politeness.robots is off"),
                            HasSubstr("politeness.disallowed_directives is empty"),
                            HasSubstr("politeness.tdmrep is off"), HasSubstr("tls.verify is off")));
    EXPECT_THAT(warnings_about(config_of(with_least(""))), ElementsAre(HasSubstr("example.org")));
}

}  // namespace
}  // namespace grit::config
