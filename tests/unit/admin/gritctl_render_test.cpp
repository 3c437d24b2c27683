#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <cstdlib>

#include "client.hpp"
#include "fake_backend.hpp"
#include "render_explanation.hpp"
#include "render_fields.hpp"
#include "render_hosts.hpp"
#include "render_status.hpp"
#include "suggest.hpp"
#include "text.hpp"

namespace grit::ctl {
namespace {

namespace json = boost::json;
using testing::HasSubstr;
using testing::Not;

class GritctlRender : public testing::Test {
  protected:
    GritctlRender() {
        ::setenv("TZ", "UTC", 1);  // NOLINT(concurrency-mt-unsafe)
        ::tzset();
    }
    json::object status_ = json::parse(admin::test::kStatus).as_object();
};

TEST_F(GritctlRender, StatusBlock) {
    EXPECT_EQ(render_status(status_, false),
              "default  running   since 3h12m   config /etc/gritd/default.toml (reloaded 2023-11-14 23:13:20)\n"
              "    progress  4 102 331 / 20 498 221 (20.0%)   61.2% ok   ETA 5h36m\n"
              "    rate      812 img/s   1 327 fetches/s   88.0 MiB/s\n"
              "    input     20 498 221 lines read, 12 of them unusable, complete\n"
              "    stored    388.0 GiB in 2 500 000 images   volume 70.0% used (10.9 TiB free)   state 3.0 GiB\n"
              "    hosts     1 204 active, 38 881 ready, 900 000 waiting their turn, 9 120 backing off, 411 down, "
              "50 384 finished of 1 000 000\n"
              "    failing   http_not_found 20.9%  dns_not_found 13.8%  timeout_total 4.6%  robots_denied 2.3%\n"
              "    note      none\n");
}

TEST_F(GritctlRender, StatusSaysWhyItIsPausedAndHowToGoOn) {
    status_["state"] = "paused";
    status_["pause_reason"] = "volume full\x1b[31m";
    EXPECT_THAT(render_status(status_, true), HasSubstr("\x1b[1;33mpaused\x1b[0m"));
    const std::string plain = render_status(status_, false);
    EXPECT_THAT(plain, HasSubstr("note      paused: volume full\\x1b[31m. Go on with: gritctl resume\n"));
    EXPECT_THAT(plain, Not(HasSubstr("\x1b")));
}

TEST_F(GritctlRender, StatusOfAnEmptyOrUnfinishedDatasetHoldsUp) {
    EXPECT_THAT(render_status({}, false), HasSubstr("progress  0 / 0 (0.0%)   0.0% ok   ETA unknown\n"));
    status_["eta_seconds"] = nullptr;
    status_["input"].as_object()["complete"] = false;
    EXPECT_THAT(render_status(status_, false), HasSubstr("lines read, 12 of them unusable, 50.0% of the input\n"));
    status_["input"].as_object()["bytes_total"] = nullptr;
    EXPECT_THAT(render_status(status_, false), HasSubstr("lines read, 12 of them unusable, more to come\n"));
}

TEST_F(GritctlRender, WatchBlockFitsTheTerminal) {
    const std::string block = render_watch(status_, false, 60);
    std::size_t lines = 0;
    for (std::size_t from = 0; from < block.size(); ++lines) {
        const std::size_t end = block.find('\n', from);
        EXPECT_LT(end - from, 60u) << block.substr(from, end - from);
        from = end + 1;
    }
    EXPECT_EQ(lines, 6u);
    EXPECT_THAT(render_watch(status_, false, 120),
                HasSubstr("\n  [########--------------------------------]  20.0%  4 102 331 / 20 498 221\n"));
}

TEST_F(GritctlRender, LineForPipes) {
    EXPECT_EQ(render_line(status_),
              "default running 4102331/20498221 (20.0%) 812 img/s   1 327 fetches/s   88.0 MiB/s ETA 5h36m failing: "
              "http_not_found 20.9%  dns_not_found 13.8%  timeout_total 4.6%  robots_denied 2.3%");
}

TEST_F(GritctlRender, FieldsTellTheirUnitByName) {
    const auto fields = json::parse(R"({"url": "https://a/\u001b]0;x\u0007", "size_bytes": 20480, "last_at": 1700000000,
        "eta_seconds": 7200, "pace_ms": 100, "share": 0.25, "waiting": false, "detail": "", "due_at": null,
        "aliases": ["a", "b"], "robots": {"allowed": true},
        "attempts": [{"at": 1, "outcome": "stored"}, {"at": 22, "note": "x"}]})")
                            .as_object();
    EXPECT_EQ(render_fields(fields),
              "url          https://a/\\x1b]0;x\\x07\n"
              "size_bytes   20.0 KiB\n"
              "last_at      2023-11-14 22:13:20\n"
              "eta_seconds  2h\n"
              "pace_ms      100 ms\n"
              "share        0.25\n"
              "waiting      no\n"
              "detail       -\n"
              "due_at       -\n"
              "aliases      a, b\n"
              "robots\n"
              "    allowed  yes\n"
              "attempts\n"
              "    AT  OUTCOME  NOTE\n"
              "    1   stored   -\n"
              "    22  -        x\n");
}

TEST_F(GritctlRender, RowsAreATable) {
    const auto rows = json::parse(R"([{"host": "a.example", "remaining": 1200, "eta_seconds": 60},
                                     {"host": "b", "remaining": 7, "eta_seconds": null}])")
                          .as_array();
    EXPECT_EQ(render_rows(rows),
              "HOST       REMAINING  ETA\n"
              "a.example       1200   1m\n"
              "b                  7    -\n");
    EXPECT_EQ(render_rows({}), "none\n");
}

TEST_F(GritctlRender, HostsAreATableInUnitsOfPeople) {
    EXPECT_EQ(render_hosts(json::parse(admin::test::kHosts).as_array()),
              "HOST       STATE        LEFT  OPEN  EVERY  NEXT IN    ETA  STORED  FAILED\n"
              "a.example  active    120 000     2  100ms        -  3h20m   1 700       3\n"
              "b.example  backoff         7     0   1.5s       1h     1h       0      40\n"
              "c.example  finished        0     0    30s        -      -      12       0\n");
    EXPECT_EQ(render_hosts({}), "none\n");
}

TEST_F(GritctlRender, TheLongestHostIsPartOfTheStatus) {
    status_["longest_host"] = json::object{{"name", "big.example"}, {"remaining", 2592000}, {"interval_ms", 100}, {"eta_seconds", 259200}};
    EXPECT_THAT(render_status(status_, false), HasSubstr("\n    longest   big.example, 2 592 000 lines left, ETA 3d\n"));
    status_["longest_host"] = nullptr;
    EXPECT_THAT(render_status(status_, false), Not(HasSubstr("longest")));
}

TEST_F(GritctlRender, AnExplanationGivesEachReasonItsTimesAndItsRemedy) {
    const auto explanation = json::parse(R"({"url": "https://a.example/\u001b.jpg", "host": "a.example", "state": "waiting",
        "why": "x", "now": 1700000000, "not_before": 1700003600, "host_state": "backoff", "host_remaining": 1200,
        "reasons": [{"code": "paused", "why": "the crawl is paused: disk swap", "since": null, "until": null,
                     "remedy": "gritctl resume"},
                    {"code": "host_retry_after", "why": "its host asked to be left alone", "since": 1699999940,
                     "until": 1700003600, "remedy": null}]})")
                                 .as_object();
    EXPECT_EQ(render_explanation(explanation),
              "url     https://a.example/\\x1b.jpg\n"
              "host    a.example (backoff, 1 200 left)\n"
              "why     the crawl is paused: disk swap\n"
              "        what would change it: gritctl resume\n"
              "and     its host asked to be left alone\n"
              "        since 2023-11-14 22:12:20, 1m ago\n"
              "        until 2023-11-14 23:13:20, in 1h\n"
              "so      not before 2023-11-14 23:13:20, in 1h\n");
    EXPECT_EQ(render_explanation(json::parse(R"({"url": "x", "why": "it is no URL"})").as_object()),
              "url     x\nwhy     it is no URL\n");
}

TEST_F(GritctlRender, NothingThatATerminalObeysGetsThrough) {
    EXPECT_EQ(printable("a\x1b[2J\x7f\xc2\x9b\n\xc3\xa9"), "a\\x1b[2J\\x7f\\x9b\\x0a\xc3\xa9");
    EXPECT_EQ(printable("a\nb\r", Lines::keep), "a\nb\\x0d");
}

TEST_F(GritctlRender, SuggestionsAreNear) {
    const std::vector<std::string> known{"status", "stats", "stop", "resume", "reload", "retry"};
    EXPECT_EQ(nearest("statsx", known), "stats");
    EXPECT_EQ(nearest("stauts", known), "status");
    EXPECT_EQ(nearest("resum", known), "resume");
    EXPECT_EQ(nearest("relaod", known), "reload");
    EXPECT_EQ(nearest("frobnicate", known), std::nullopt);
    EXPECT_EQ(nearest(std::string(100'000, 'x'), known), std::nullopt);
}

TEST_F(GritctlRender, UrlsAreEncodedForAQuery) {
    EXPECT_EQ(percent_encoded("https://a/b?c=d&e=f+g #\xc3\xa9"),
              "https%3A%2F%2Fa%2Fb%3Fc%3Dd%26e%3Df%2Bg%20%23%C3%A9");
}

}  // namespace
}  // namespace grit::ctl
