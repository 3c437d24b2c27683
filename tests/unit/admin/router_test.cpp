#include "router.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>

#include "fake_backend.hpp"
#include "grit/base/version.hpp"

namespace grit::admin {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class RouterTest : public testing::Test {
  protected:
    Reply ask(std::string_view method, std::string_view target, std::string_view body = {}) {
        Routed routed = Router(backend_).route(Call{method, target, body});
        action_ = routed.action;
        if (const auto* work = std::get_if<WorkWanted>(&routed.answer)) {
            return work->run();
        }
        return std::get<Reply>(std::move(routed.answer));
    }
    static std::string detail(const Reply& reply) { return std::string(reply.body.at("detail").as_string()); }
    static std::string hint(const Reply& reply) { return std::string(reply.body.at("hint").as_string()); }

    test::FakeBackend backend_;
    std::string_view action_;
};

TEST_F(RouterTest, VersionNamesDaemonAndApi) {
    const Reply reply = ask("GET", "/v1/version");
    EXPECT_EQ(reply.status, 200u);
    EXPECT_EQ(json::serialize(reply.body), R"({"daemon":")" + std::string(grit::version()) + R"(","api":"1.0.0"})");
}

TEST_F(RouterTest, StatusIsTheBackends) {
    EXPECT_EQ(ask("GET", "/v1/status").body.as_object(), backend_.status());
    EXPECT_EQ(action_, "");
}

TEST_F(RouterTest, ActionsReachTheBackendAndTellTheState) {
    const Reply paused = ask("POST", "/v1/pause", R"({"reason": "disk swap"})");
    EXPECT_EQ(json::serialize(paused.body), R"({"state":"paused","pause_reason":"disk swap"})");
    EXPECT_EQ(action_, "pause");
    EXPECT_EQ(ask("POST", "/v1/pause").status, 200u);
    EXPECT_EQ(ask("POST", "/v1/resume", "{}").body.at("state"), "running");
    EXPECT_EQ(ask("POST", "/v1/drain").status, 202u);
    EXPECT_EQ(ask("POST", "/v1/stop").status, 202u);
    EXPECT_EQ(ask("POST", "/v1/reload").status, 200u);
    EXPECT_EQ(ask("POST", "/v1/log-level", R"({"level":"debug"})").status, 200u);
    EXPECT_THAT(backend_.calls(),
                ElementsAre("pause disk swap", "pause ", "resume", "drain", "stop", "reload", "log-level debug"));
}

TEST_F(RouterTest, RecordIsAskedByTheDecodedUrl) {
    const Reply reply = ask("GET", "/v1/record?url=https%3A%2F%2Fa.example%2Fx.jpg%3Fa%3D1%26b%3D2%2B3");
    EXPECT_EQ(reply.status, 200u);
    EXPECT_EQ(reply.body.at("url"), "https://a.example/x.jpg?a=1&b=2+3");
}

TEST_F(RouterTest, PlusInAQueryIsAPlus) {
    EXPECT_EQ(ask("GET", "/v1/record?url=https://a.example/x.jpg?a=1%26b=2+3").status, 200u);
}

TEST_F(RouterTest, UnknownRecordAndHostAreNotFound) {
    EXPECT_EQ(ask("GET", "/v1/record?url=https://b.example/").status, 404u);
    EXPECT_EQ(ask("GET", "/v1/hosts/c.example").status, 404u);
    EXPECT_EQ(ask("GET", "/v1/hosts/a.example").status, 200u);
}

TEST_F(RouterTest, DamageIsTheServersFault) {
    const Reply reply = ask("GET", "/v1/record?url=https://damaged.example/");
    EXPECT_EQ(reply.status, 500u);
    EXPECT_EQ(detail(reply), "records: corrupt row");
}

TEST_F(RouterTest, MissingUrlIsNamed) {
    for (const char* target : {"/v1/record", "/v1/record?url=", "/v1/explain"}) {
        const Reply reply = ask("GET", target);
        EXPECT_EQ(reply.status, 400u) << target;
        EXPECT_THAT(detail(reply), HasSubstr("\"url\""));
    }
}

TEST_F(RouterTest, HostsTakeSortAndLimit) {
    EXPECT_EQ(ask("GET", "/v1/hosts").status, 200u);
    EXPECT_EQ(ask("GET", "/v1/hosts?sort=errors&limit=5").body.at("hosts").as_array().size(), 3u);
    EXPECT_EQ(ask("GET", "/v1/hosts?sort=pace&state=down").status, 200u);
    EXPECT_THAT(backend_.calls(), ElementsAre("hosts remaining 20", "hosts errors 5", "hosts pace 20 down"));
    EXPECT_THAT(hint(ask("GET", "/v1/hosts?state=sleepy")), HasSubstr("site, domain, backoff, down"));
    EXPECT_THAT(hint(ask("GET", "/v1/hosts?sort=size")), HasSubstr("remaining, errors, stored, eta, pace"));
    for (const char* limit : {"0", "-1", "10001", "5x", "", "99999999999999999999"}) {
        EXPECT_EQ(ask("GET", std::string("/v1/hosts?limit=") + limit).status, 400u) << limit;
    }
}

TEST_F(RouterTest, HostsAreLookedForOffTheControlThreadAndMayNotBeThere) {
    const Routed routed = Router(backend_).route(Call{"GET", "/v1/hosts", {}});
    EXPECT_THAT(backend_.calls(), IsEmpty()) << "only when the look is taken";
    backend_.hosts_problem = "the shards do not answer";
    const Reply reply = std::get<WorkWanted>(routed.answer).run();
    EXPECT_EQ(reply.status, 503u);
    EXPECT_EQ(detail(reply), "the shards do not answer");
}

TEST_F(RouterTest, RetryReadsItsFilter) {
    const Reply reply =
        ask("POST", "/v1/retry",
            R"({"outcomes":["dns_failure","http_not_found"],"host":"a.example","since":"2h","dry_run":true})");
    EXPECT_EQ(json::serialize(reply.body), R"({"requeued":42})");
    EXPECT_THAT(backend_.calls(), ElementsAre("retry dns_failure http_not_found host=a.example since=7200000 dry_run"));
}

TEST_F(RouterTest, RetryRefusesWhatItWouldIgnore) {
    const Reply unknown = ask("POST", "/v1/retry", R"({"outcomes":["dns_failure"],"hosts":"a.example"})");
    EXPECT_EQ(unknown.status, 400u);
    EXPECT_EQ(detail(unknown), "unknown field \"hosts\"");
    EXPECT_EQ(hint(unknown), "it takes: outcomes, host, since, dry_run");
    for (const char* body :
         {"", "{}", "[]", "{", R"({"outcomes":[]})", R"({"outcomes":["nonsense"]})", R"({"outcomes":[7]})",
          R"({"outcomes":"dns_failure"})", R"({"outcomes":["stored"]})", R"({"outcomes":["dns_failure"],"since":"2"})",
          R"({"outcomes":["dns_failure"],"since":7})", R"({"outcomes":["dns_failure"],"host":""})",
          R"({"outcomes":["dns_failure"],"dry_run":1})"}) {
        EXPECT_EQ(ask("POST", "/v1/retry", body).status, 400u) << body;
    }
    EXPECT_THAT(backend_.calls(), IsEmpty());
}

TEST_F(RouterTest, RefusedReloadTellsWhy) {
    backend_.reload_problem = "gritd.toml:3:1: unknown key";
    const Reply reply = ask("POST", "/v1/reload");
    EXPECT_EQ(reply.status, 422u);
    EXPECT_EQ(detail(reply), "gritd.toml:3:1: unknown key");
    EXPECT_EQ(reply.content_type, "application/problem+json");
    EXPECT_EQ(reply.body.at("title"), "Unprocessable Entity");
    EXPECT_EQ(reply.body.at("status"), 422u);
}

TEST_F(RouterTest, UnknownParametersAndBodiesAreRefused) {
    EXPECT_THAT(detail(ask("GET", "/v1/status?verbose=1")), HasSubstr("\"verbose\""));
    EXPECT_THAT(detail(ask("POST", "/v1/stop", R"({"force":true})")), HasSubstr("\"force\""));
    EXPECT_THAT(detail(ask("POST", "/v1/pause", R"({"why":"x"})")), HasSubstr("\"why\""));
    EXPECT_EQ(ask("POST", "/v1/pause", R"({"reason":")" + std::string(513, 'x') + "\"}").status, 400u);
    EXPECT_EQ(ask("POST", "/v1/log-level", R"({"level":"loud"})").status, 400u);
    EXPECT_THAT(backend_.calls(), IsEmpty());
}

TEST_F(RouterTest, WrongMethodNamesTheRightOne) {
    const Reply reply = ask("GET", "/v1/pause");
    EXPECT_EQ(reply.status, 405u);
    EXPECT_EQ(reply.allow, "POST");
    EXPECT_EQ(ask("DELETE", "/v1/hosts/a.example").allow, "GET");
}

TEST_F(RouterTest, UnknownPathsAreNotFound) {
    for (const char* target : {"/", "/v1", "/v2/status", "/v1/status/x", "/v1/hosts/a/b", "/v1/export", "/v1/*"}) {
        EXPECT_EQ(ask("GET", target).status, 404u) << target;
    }
    EXPECT_EQ(ask("GET", "no path").status, 400u);
    EXPECT_EQ(ask("GET", "/v1/record?url=a b").status, 400u);
}

TEST_F(RouterTest, EventsTakeTypes) {
    const Router router(backend_);
    const auto all = std::get<EventsWanted>(router.route({"GET", "/v1/events", ""}).answer);
    EXPECT_TRUE(all.progress && all.state);
    const auto state = std::get<EventsWanted>(router.route({"GET", "/v1/events?types=state", ""}).answer);
    EXPECT_TRUE(!state.progress && state.state);
    EXPECT_EQ(ask("GET", "/v1/events?types=state,weather").status, 400u);
}

TEST_F(RouterTest, ExportTakesAFormat) {
    const Router router(backend_);
    const auto answer = router.route({"GET", "/v1/export/url-to-path?format=csv", ""}).answer;
    EXPECT_EQ(std::get<ExportWanted>(answer).content_type, "text/csv; charset=utf-8; header=present");
    EXPECT_EQ(ask("GET", "/v1/export/url-to-path?format=xml").status, 400u);
    EXPECT_THAT(backend_.calls(), ElementsAre("export csv"));
}

TEST_F(RouterTest, BlocksAreReadInAnySpellingAndPassedOnCanonical) {
    const auto posted = [this](std::string_view body) {
        Routed routed = Router(backend_).route(Call{"POST", "/v1/blocks", body, 4711});
        action_ = routed.action;
        return std::get<Reply>(std::move(routed.answer));
    };
    EXPECT_EQ(posted(R"({"value":"EXAMPLE.org.","reason":"asked by mail"})").status, 200u);
    EXPECT_EQ(action_, "block");
    EXPECT_EQ(posted(R"({"value":"a.example","kind":"host"})").status, 200u);
    EXPECT_EQ(posted(R"({"value":"192.0.2.9/24"})").status, 200u);
    EXPECT_EQ(posted(R"({"value":"full.example"})").status, 409u);
    EXPECT_EQ(ask("GET", "/v1/blocks").body.at("blocks").as_array().size(), 1u);
    EXPECT_EQ(action_, "");
    EXPECT_THAT(backend_.calls(),
                ElementsAre("block domain example.org because asked by mail by 4711", "block host a.example by 4711",
                            "block cidr 192.0.2.0/24 by 4711", "block domain full.example by 4711", "blocks"));
}

TEST_F(RouterTest, WrongBlocksAreNamed) {
    EXPECT_THAT(detail(ask("POST", "/v1/blocks", "{}")), HasSubstr("\"value\""));
    EXPECT_THAT(detail(ask("POST", "/v1/blocks", R"({"value":"a.example","kind":"name"})")), HasSubstr("\"kind\""));
    EXPECT_THAT(detail(ask("POST", "/v1/blocks", R"({"value":"co.uk"})")), HasSubstr("public suffix"));
    EXPECT_THAT(detail(ask("POST", "/v1/blocks", R"({"value":"a.example","reason":"two\nlines"})")), HasSubstr("\"reason\""));
    EXPECT_THAT(detail(ask("POST", "/v1/blocks", R"({"value":"a.example","why":""})")), HasSubstr("unknown field"));
    EXPECT_EQ(ask("DELETE", "/v1/blocks").status, 400u);
    EXPECT_EQ(ask("DELETE", "/v1/blocks?value=a.example&kind=name").status, 400u);
    EXPECT_EQ(ask("PUT", "/v1/blocks").allow, "GET, POST, DELETE");
    EXPECT_THAT(backend_.calls(), IsEmpty());
}

TEST_F(RouterTest, UnblockTellsWhatIsAskedAgain) {
    const Reply reply = ask("DELETE", "/v1/blocks?value=a.example&kind=domain");
    EXPECT_EQ(action_, "unblock");
    EXPECT_EQ(json::serialize(reply.body), R"({"kind":"domain","value":"a.example","requeued":3})");
    EXPECT_EQ(ask("DELETE", "/v1/blocks?value=b.example").status, 404u);
    EXPECT_THAT(backend_.calls(), ElementsAre("unblock domain a.example", "ask_again a.example", "unblock b.example"));
}

TEST_F(RouterTest, VolumesAreShownAndGivenUp) {
    EXPECT_EQ(json::serialize(ask("GET", "/v1/volumes").body), R"({"volumes":[{"name":"root","state":"in_use"}]})");
    EXPECT_EQ(action_, "");
    EXPECT_EQ(ask("POST", "/v1/volumes/lost", R"({"volume":"b"})").status, 202u);
    EXPECT_EQ(action_, "volume_lost");
    EXPECT_EQ(ask("POST", "/v1/volumes/lost", R"({"volume":"c"})").status, 409u);
    EXPECT_EQ(ask("POST", "/v1/volumes/lost", R"({"volume":""})").status, 400u);
    EXPECT_EQ(ask("POST", "/v1/volumes/lost").status, 400u);
    EXPECT_THAT(backend_.calls(), ElementsAre("volumes", "give_up_volume b", "give_up_volume c"));
}

TEST_F(RouterTest, LongJobsAreBegunLookedAtAndEnded) {
    backend_.has_job = false;
    EXPECT_EQ(ask("GET", "/v1/verify").status, 404u);
    EXPECT_EQ(ask("DELETE", "/v1/backup").status, 404u);
    backend_.has_job = true;
    EXPECT_EQ(ask("POST", "/v1/verify").status, 202u);
    EXPECT_EQ(action_, "verify");
    EXPECT_EQ(ask("POST", "/v1/verify", R"({"sample":1000,"repair":true})").status, 202u);
    EXPECT_EQ(ask("POST", "/v1/backup", R"({"dir":"/mnt/backup"})").status, 202u);
    EXPECT_EQ(action_, "backup");
    EXPECT_EQ(ask("POST", "/v1/adopt", R"({"dir":"/old"})").status, 202u);
    EXPECT_EQ(ask("POST", "/v1/adopt", R"({"dir":"/old","failures":"/old.jsonl"})").status, 202u);
    EXPECT_EQ(action_, "adopt");
    EXPECT_EQ(ask("GET", "/v1/adopt").body.at("images"), 12'345);
    EXPECT_EQ(ask("GET", "/v1/verify").body.at("state"), "done");
    EXPECT_EQ(action_, "");
    EXPECT_EQ(ask("DELETE", "/v1/verify").status, 200u);
    EXPECT_EQ(action_, "stop_verify");
    EXPECT_THAT(backend_.calls(), ElementsAre("stop_backup", "verify", "verify sample=1000 repair", "backup /mnt/backup", "adopt /old", "adopt /old failures=/old.jsonl",
                                                "stop_verify"));
    backend_.job_problem = "one at a time";
    EXPECT_EQ(ask("POST", "/v1/verify").status, 409u);
    EXPECT_EQ(ask("POST", "/v1/backup", R"({"dir":"/mnt/backup"})").status, 409u);
}

TEST_F(RouterTest, LongJobsAreAskedForStrictly) {
    for (const char* body : {R"({"sample":0})", R"({"sample":1.5})", R"({"sample":2000000})", R"({"sample":"all"})"}) {
        EXPECT_THAT(detail(ask("POST", "/v1/verify", body)), HasSubstr("\"sample\"")) << body;
    }
    EXPECT_THAT(detail(ask("POST", "/v1/verify", R"({"repair":1})")), HasSubstr("\"repair\""));
    EXPECT_THAT(detail(ask("POST", "/v1/verify", R"({"all":true})")), HasSubstr("\"all\""));
    for (const char* body : {"{}", R"({"dir":"relative"})", R"({"dir":7})", R"({"dir":"/a\u0000b"})"}) {
        EXPECT_THAT(detail(ask("POST", "/v1/backup", body)), HasSubstr("\"dir\"")) << body;
    }
    EXPECT_THAT(detail(ask("POST", "/v1/adopt", "{}")), HasSubstr("\"dir\""));
    EXPECT_THAT(detail(ask("POST", "/v1/adopt", R"({"dir":"/old","failures":"old.jsonl"})")), HasSubstr("\"failures\""));
    EXPECT_THAT(detail(ask("POST", "/v1/adopt", R"({"dir":"/old","hard_links":0})")), HasSubstr("\"hard_links\""));
    EXPECT_THAT(detail(ask("POST", "/v1/adopt", R"({"dir":"/old","forget":true})")), HasSubstr("\"dir\""));
    EXPECT_THAT(detail(ask("POST", "/v1/adopt", R"({"forget":false})")), HasSubstr("\"dir\""));
    EXPECT_THAT(backend_.calls(), IsEmpty());
}

TEST_F(RouterTest, OptOutIsBegunAndLookedAt) {
    EXPECT_EQ(ask("GET", "/v1/optout").status, 404u);
    EXPECT_EQ(ask("POST", "/v1/optout", R"({"domain":"*.EXAMPLE.org","delete":true,"reason":"by mail"})").status, 202u);
    EXPECT_EQ(action_, "optout");
    EXPECT_EQ(ask("POST", "/v1/optout", R"({"domain":"a.example","dry_run":true})").status, 202u);
    EXPECT_EQ(ask("POST", "/v1/optout", R"({"domain":"busy.example"})").status, 409u);
    EXPECT_THAT(detail(ask("POST", "/v1/optout", "{}")), HasSubstr("\"domain\""));
    EXPECT_THAT(detail(ask("POST", "/v1/optout", R"({"domain":"a.example","delete":1})")), HasSubstr("\"delete\""));
    EXPECT_EQ(ask("POST", "/v1/optout", R"({"domain":"192.0.2.1"})").status, 400u);
    EXPECT_THAT(backend_.calls(), ElementsAre("optout example.org delete because by mail", "optout a.example dry_run", "optout busy.example"));
    backend_.opt_out_looks = 1;
    EXPECT_EQ(ask("GET", "/v1/optout").body.at("state"), "done");
}

}  // namespace
}  // namespace grit::admin
