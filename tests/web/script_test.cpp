#include "script.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>

namespace grit::testweb {
namespace {

using std::chrono::milliseconds;

const Script::Now kStart{std::chrono::seconds(1000)};

// A script is neither copied nor moved: it holds a mutex.
std::unique_ptr<Script> script(std::string_view json) {
    return std::make_unique<Script>(parse_rules(json), 7, kStart);
}

std::string name_of_rule(const Rule* rule) {
    return rule == nullptr ? "" : rule->name;
}

TEST(Glob, MatchesRunsAndSingleBytes) {
    EXPECT_TRUE(glob_matches("*", ""));
    EXPECT_TRUE(glob_matches("*.test", "a.b.test"));
    EXPECT_TRUE(glob_matches("/i*g/*.jp?g", "/img/img/a.jpeg"));
    EXPECT_FALSE(glob_matches("*.test", "a.test.example"));
    EXPECT_FALSE(glob_matches("a?", "a"));
    EXPECT_FALSE(glob_matches("", "a"));
}

TEST(Script, FirstRuleThatAppliesDecides) {
    const auto rules = script(R"([{"name":"one","host":"a.*","status":404},{"name":"two","status":503}])");
    EXPECT_EQ(name_of_rule(rules->for_request("a.test", "/x", kStart)), "one");
    EXPECT_EQ(name_of_rule(rules->for_request("b.test", "/x", kStart)), "two");
}

TEST(Script, EachLayerHasItsOwnFirstRule) {
    const auto rules = script(R"([{"name":"dns","dns_delay_ms":5},{"name":"tls","certificate":"expired"},
                                  {"name":"http","status":404}])");
    EXPECT_EQ(name_of_rule(rules->for_name("a.test", kStart)), "dns");
    EXPECT_EQ(name_of_rule(rules->for_handshake("a.test", kStart)), "tls");
    EXPECT_EQ(name_of_rule(rules->for_request("a.test", "/", kStart)), "http");
}

TEST(Script, RobotsIsLeftAloneUnlessARuleNamesIt) {
    const auto all = script(R"([{"status":503}])");
    EXPECT_EQ(all->for_request("a.test", "/robots.txt", kStart), nullptr);
    const auto by_path = script(R"([{"name":"p","path":"/robots.txt","status":503}])");
    EXPECT_EQ(name_of_rule(by_path->for_request("a.test", "/robots.txt", kStart)), "p");
    const auto by_key = script(R"([{"name":"r","robots":"User-agent: *\nDisallow: /","status":404}])");
    const Rule* rule = by_key->for_request("a.test", "/robots.txt", kStart);
    ASSERT_NE(rule, nullptr);
    EXPECT_EQ(Script::behaviour_of(*rule, "/robots.txt").status, 200);
    EXPECT_EQ(Script::behaviour_of(*rule, "/a.jpg").status, 404);
}

TEST(Script, TdmRepIsLeftAloneUnlessARuleNamesIt) {
    const char* const target = "/.well-known/tdmrep.json";
    const auto others = script(R"([{"status":503,"robots":"User-agent: *\nDisallow: /"}])");
    EXPECT_EQ(others->for_request("a.test", target, kStart), nullptr);
    const auto by_key = script(R"([{"tdmrep":[{"location":"/","tdm-reservation":1}],"status":404}])");
    const Rule* rule = by_key->for_request("a.test", target, kStart);
    ASSERT_NE(rule, nullptr);
    EXPECT_EQ(Script::behaviour_of(*rule, target).status, 200);
    EXPECT_EQ(Script::behaviour_of(*rule, target).body, R"([{"location":"/","tdm-reservation":1}])");
    EXPECT_EQ(Script::behaviour_of(*rule, "/a.jpg").status, 404);
    const auto as_text = script(R"([{"tdmrep":"no JSON","tdmrep_status":203}])");
    const Behaviour& text = Script::behaviour_of(*as_text->for_request("a.test", target, kStart), target);
    EXPECT_EQ(text.body, "no JSON");
    EXPECT_EQ(text.status, 203);
}

TEST(Script, FractionsAreOfHostsOrOfPathsAndStay) {
    const auto rules =
        script(R"([{"fraction":0.1,"of":"path","status":404},{"fraction":0.05,"of":"host","dns":"nxdomain"}])");
    int paths = 0;
    int hosts = 0;
    for (int i = 0; i < 10'000; ++i) {
        const std::string host = "host" + std::to_string(i) + ".test";
        hosts += rules->for_name(host, kStart) != nullptr ? 1 : 0;
        const bool hit = rules->for_request("a.test", "/" + std::to_string(i), kStart) != nullptr;
        EXPECT_EQ(hit, rules->for_request("a.test", "/" + std::to_string(i), kStart) != nullptr);
        paths += hit ? 1 : 0;
    }
    EXPECT_NEAR(paths, 1000, 120);
    EXPECT_NEAR(hosts, 500, 90);
}

TEST(Script, FirstNIsCountedPerUrlOrPerHost) {
    const auto rules =
        script(R"([{"host":"h","first_n":2,"first_n_of":"host","status":503},{"first_n":1,"status":429}])");
    EXPECT_NE(rules->for_request("u", "/1", kStart), nullptr);
    EXPECT_EQ(rules->for_request("u", "/1", kStart), nullptr);
    EXPECT_NE(rules->for_request("u", "/2", kStart), nullptr);
    EXPECT_EQ(rules->for_request("h", "/1", kStart)->http->status, 503);
    EXPECT_EQ(rules->for_request("h", "/2", kStart)->http->status, 503);
    EXPECT_EQ(rules->for_request("h", "/3", kStart)->http->status, 429);
}

TEST(Script, RateLimitRefusesOnlyWhatIsAboveIt) {
    const auto rules = script(R"([{"rate_limit":{"per_second":2},"retry_after":1}])");
    EXPECT_EQ(rules->for_request("a", "/1", kStart), nullptr);
    EXPECT_EQ(rules->for_request("a", "/2", kStart + milliseconds(10)), nullptr);
    const Rule* refused = rules->for_request("a", "/3", kStart + milliseconds(20));
    ASSERT_NE(refused, nullptr);
    EXPECT_EQ(refused->http->status, 429);
    EXPECT_EQ(refused->http->retry_after, "1");
    EXPECT_EQ(rules->for_request("b", "/1", kStart + milliseconds(20)), nullptr);
    EXPECT_EQ(rules->for_request("a", "/4", kStart + milliseconds(1001)), nullptr);
}

TEST(Script, RateLimitWithABurstIsABucket) {
    const auto rules = script(R"([{"rate_limit":{"per_second":10,"burst":3}}])");
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(rules->for_request("a", "/", kStart), nullptr);
    }
    EXPECT_NE(rules->for_request("a", "/", kStart + milliseconds(99)), nullptr);
    EXPECT_EQ(rules->for_request("b", "/", kStart), nullptr);
    EXPECT_EQ(rules->for_request("a", "/", kStart + milliseconds(101)), nullptr);
    EXPECT_NE(rules->for_request("a", "/", kStart + milliseconds(102)), nullptr);
    for (int i = 0; i < 3; ++i) {  // never more than it holds
        EXPECT_EQ(rules->for_request("a", "/", kStart + milliseconds(10'000)), nullptr);
    }
    EXPECT_NE(rules->for_request("a", "/", kStart + milliseconds(10'000)), nullptr);
}

TEST(Script, WindowsOfTime) {
    const auto rules = script(R"([{"from_s":1,"until_s":2,"status":503}])");
    EXPECT_EQ(rules->for_request("a", "/", kStart + milliseconds(999)), nullptr);
    EXPECT_NE(rules->for_request("a", "/", kStart + milliseconds(1500)), nullptr);
    EXPECT_EQ(rules->for_request("a", "/", kStart + milliseconds(2000)), nullptr);
}

TEST(Script, MistakesAreNamed) {
    const auto message = [](std::string_view json) -> std::string {
        try {
            static_cast<void>(parse_rules(json));
        } catch (const std::runtime_error& error) {
            return error.what();
        }
        return "";
    };
    EXPECT_THAT(message(R"([{"name":"x","stauts":404}])"), testing::HasSubstr(R"(rule 0 ("x"), key "stauts")"));
    EXPECT_THAT(message(R"([{"stall":"sometimes"}])"), testing::HasSubstr("sometimes"));
    EXPECT_THAT(message(R"([{"status":"404"}])"), testing::HasSubstr("status"));
    EXPECT_NE(message("{}"), "");
    EXPECT_NE(message("[1"), "");
}

}  // namespace
}  // namespace grit::testweb
