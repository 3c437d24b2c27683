#include "grit/crawl/explanation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace grit::crawl {
namespace {

using frontier::HostState;
using frontier::UrlView;
using frontier::Wait;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::int64_t kNow = 1'700'000'000'000;

class ExplanationTest : public testing::Test {
  protected:
    // A URL that is third of nine in the order of a host that may be asked now, of a crawl that runs.
    ExplanationTest() {
        facts_.asked_for = "https://a.example.org/2.jpg";
        facts_.url = url::canonicalize(facts_.asked_for).value();
        facts_.now_ms = kNow;
        facts_.host = "a.example.org";
        facts_.input_complete = true;
        facts_.in_flight = 5;
        facts_.max_in_flight = 2'000;
        facts_.retries = 4;
        UrlView view;
        view.host.name = facts_.host;
        view.host.state = HostState::ready;
        view.host.wait = Wait::slot;
        view.host.remaining = 9;
        view.host.connections = 2;
        view.host.interval = view.host.per_request = Milliseconds(1'500);
        view.where = UrlView::Where::in_order;
        view.ahead = 2;
        facts_.view = view;
    }

    std::vector<std::string> codes() const {
        std::vector<std::string> codes;
        for (const Reason& reason : explain(facts_)) {
            codes.emplace_back(reason.code);
        }
        return codes;
    }
    Reason reason(std::string_view code) const {
        const std::vector<Reason> all = explain(facts_);
        const auto found = std::find_if(all.begin(), all.end(), [&](const Reason& one) { return one.code == code; });
        EXPECT_NE(found, all.end()) << "there is no " << code;
        return found == all.end() ? Reason{} : *found;
    }
    frontier::HostView& host() { return facts_.view->host; }
    store::Record& record(Outcome outcome, bool waiting) {
        store::Record record;
        record.outcome = outcome;
        record.waiting = waiting;
        record.url = facts_.asked_for;
        record.last_ms = kNow - 60'000;
        record.attempts = 1;
        facts_.record = record;
        return *facts_.record;
    }
    void hold(Wait wait, Milliseconds time) {
        host().wait = wait;
        host().next_in = time;
    }

    UrlFacts facts_;
};

// The whole explanation -----------------------------------------------------------------------------------------------

TEST_F(ExplanationTest, WhatIsNoUrlSaysWhy) {
    facts_.url.reset();
    facts_.view.reset();
    facts_.host.clear();
    facts_.url_problem = "no scheme";
    EXPECT_THAT(codes(), ElementsAre("no_url"));
    EXPECT_THAT(reason("no_url").why, HasSubstr("no scheme"));
}

TEST_F(ExplanationTest, ASettledUrlSaysAsWhatSinceWhenAndHowToAskAgain) {
    record(Outcome::http_not_found, false).http_status = 404;
    facts_.paused = true;
    EXPECT_THAT(codes(), ElementsAre("settled")) << "a pause does not matter to it";
    const Reason gone = reason("settled");
    EXPECT_EQ(gone.why, "it is settled as http_not_found (HTTP 404)");
    EXPECT_EQ(gone.since_ms, kNow - 60'000);
    EXPECT_EQ(gone.remedy, "gritctl retry --outcome http_not_found --host a.example.org");
    facts_.record->location = "00000/000000001.jpg";
    facts_.record->outcome = Outcome::stored;
    EXPECT_EQ(reason("settled").remedy, "") << "an image is not asked again";
}

TEST_F(ExplanationTest, ASpellingOfASettledUrlNamesTheRecordThatItDuplicates) {
    store::Record& known = record(Outcome::stored, false);
    known.url = "HTTPS://a.example.org/2.jpg";
    known.ordinal = 17;
    EXPECT_THAT(reason("settled").why, HasSubstr("by line 17, which has it as HTTPS://a.example.org/2.jpg"));
    EXPECT_THAT(reason("settled").why, HasSubstr("duplicate_url"));
    known.outcome = Outcome::duplicate_content;
    known.location = "00000/000000003.jpg";
    EXPECT_THAT(reason("settled").why, HasSubstr("00000/000000003.jpg"));
}

TEST_F(ExplanationTest, AnOperatorsBlockIsAllThereIsToSay) {
    facts_.block = "domain example.org: asked by mail";
    EXPECT_THAT(codes(), ElementsAre("blocked"));
    EXPECT_THAT(reason("blocked").why, HasSubstr("domain example.org: asked by mail"));
    record(Outcome::stored, false);
    EXPECT_THAT(codes(), ElementsAre("settled"));
}

TEST_F(ExplanationTest, WhatIsUnknownIsToldFromWhatIsNotReadYet) {
    facts_.view->where = UrlView::Where::unseen;
    facts_.queue = frontier::QueuePlace{std::nullopt, 9, true};
    EXPECT_THAT(codes(), ElementsAre("unknown"));
    facts_.input_complete = false;
    facts_.input_problem = "a.jsonl was replaced";
    EXPECT_THAT(codes(), ElementsAre("not_ingested"));
    EXPECT_EQ(reason("not_ingested").remedy, "a.jsonl was replaced");
    facts_.host.clear();
    facts_.view.reset();
    EXPECT_THAT(codes(), ElementsAre("not_ingested"));
    facts_.input_complete = true;
    EXPECT_THAT(codes(), ElementsAre("unknown"));
    EXPECT_THAT(reason("unknown").why, HasSubstr("no annotation names that host"));
}

TEST_F(ExplanationTest, AFetchInFlightSaysSinceWhenAndWhere) {
    facts_.view->where = UrlView::Where::asked;
    facts_.view->asked_for = Milliseconds(700);
    facts_.asked_host = "a.example.org";
    facts_.paused = true;
    EXPECT_THAT(codes(), ElementsAre("in_flight"));
    EXPECT_EQ(reason("in_flight").since_ms, kNow - 700);
    EXPECT_EQ(reason("in_flight").why, "it is being fetched now");
    facts_.asked_host = "cdn.example.net";
    EXPECT_THAT(reason("in_flight").why, HasSubstr("cdn.example.net"));
    facts_.view->where = UrlView::Where::left;
    EXPECT_THAT(codes(), ElementsAre("on_its_way"));
}

// What holds it -------------------------------------------------------------------------------------------------------

TEST_F(ExplanationTest, AReadyHostWaitsForASlotAndTheUrlForItsTurn) {
    EXPECT_THAT(codes(), ElementsAre("slots", "in_order"));
    EXPECT_THAT(reason("slots").why, HasSubstr("5 of 2000"));
    EXPECT_EQ(reason("slots").remedy, "") << "slots are free";
    EXPECT_EQ(reason("in_order").why, "it is number 3 of 9 in its host's order");
    EXPECT_EQ(reason("in_order").until_ms, kNow + 2 * 1'500);
    facts_.in_flight = 2'000;
    EXPECT_THAT(reason("slots").remedy, HasSubstr("max_in_flight"));
    facts_.view->ahead = 0;
    EXPECT_THAT(codes(), ElementsAre("slots", "next_in_order"));
}

TEST_F(ExplanationTest, ALineOnDiskIsCountedBehindThoseInMemory) {
    facts_.view->where = UrlView::Where::unseen;
    facts_.queue = frontier::QueuePlace{4, 4, false};
    EXPECT_EQ(reason("in_order").why, "it is number 7 of 9 in its host's order");
    facts_.queue = frontier::QueuePlace{std::nullopt, 5, false};
    EXPECT_THAT(reason("in_order").why, HasSubstr("not among the next 7 of the 9 lines"));
    EXPECT_FALSE(reason("in_order").until_ms);
}

TEST_F(ExplanationTest, APauseAndADrainComeFirst) {
    facts_.paused = true;
    facts_.pause_reason = "disk swap";
    facts_.paused_by_operator = true;
    EXPECT_THAT(codes(), ElementsAre("paused", "slots", "in_order"));
    EXPECT_THAT(reason("paused").why, HasSubstr("disk swap"));
    EXPECT_EQ(reason("paused").remedy, "gritctl resume");
    facts_.paused_by_operator = false;
    EXPECT_THAT(reason("paused").remedy, HasSubstr("by itself"));
    facts_.draining = true;
    EXPECT_EQ(codes().front(), "draining");
}

TEST_F(ExplanationTest, ADiskThatIsBehindIsAReason) {
    facts_.backlog = true;
    EXPECT_THAT(codes(), ElementsAre("backlog", "slots", "in_order"));
}

TEST_F(ExplanationTest, EachWaitOfAHostIsToldApartWithItsEnd) {
    host().last_failure = Outcome::http_too_many_requests;
    host().refusals = 2;
    host().down_attempts = 1;
    host().down_schedule = 4;
    host().open = 2;
    host().domain_open = 8;
    host().domain_limit = 8;
    struct Case {
        Wait wait;
        const char* code;
        const char* says;
    };
    for (const Case& one : {Case{Wait::connection, "host_busy", "2 of 2 requests"},
                            Case{Wait::pace, "host_paced", "every 1500ms"},
                            Case{Wait::retry_after, "host_retry_after", "Retry-After after http_too_many_requests, refusal 2"},
                            Case{Wait::back_off, "host_back_off", "after http_too_many_requests (refusal 2 in a row)"},
                            Case{Wait::down, "host_down", "after http_too_many_requests (attempt 1 of 5)"},
                            Case{Wait::start, "just_started", "min_interval"},
                            Case{Wait::address, "address_full", "address"},
                            Case{Wait::domain, "domain_full", "8 of 8 requests"},
                            Case{Wait::state, "state_unread", "state"}}) {
        hold(one.wait, Milliseconds(90'000));
        EXPECT_THAT(codes(), ElementsAre(one.code, "in_order"));
        EXPECT_THAT(reason(one.code).why, HasSubstr(one.says));
        EXPECT_EQ(reason(one.code).until_ms, kNow + 90'000) << one.code;
        EXPECT_EQ(reason("in_order").until_ms, kNow + 90'000 + 2 * 1'500) << "its turn comes after that";
    }
}

TEST_F(ExplanationTest, AHostGivenUpSaysAsWhatAndHowToAskAgain) {
    host().wait = Wait::given_up;
    host().gone_as = Outcome::dns_not_found;
    EXPECT_THAT(codes(), ElementsAre("host_given_up")) << "its order does not matter any more";
    EXPECT_THAT(reason("host_given_up").why, HasSubstr("dns_not_found"));
    EXPECT_EQ(reason("host_given_up").remedy, "gritctl retry --outcome dns_not_found --host a.example.org");
}

TEST_F(ExplanationTest, AnOriginThatIsDownIsToldFromItsHost) {
    host().down_schedule = 4;
    facts_.view->origin = frontier::OriginView{Outcome::tls_certificate, 2, Milliseconds(120'000), false};
    EXPECT_THAT(codes(), ElementsAre("origin_down", "slots", "in_order"));
    EXPECT_THAT(reason("origin_down").why, HasSubstr("https://a.example.org:443 could not be had after tls_certificate (attempt 2 of 5)"));
    EXPECT_EQ(reason("origin_down").until_ms, kNow + 120'000);
    facts_.view->origin->gone = true;
    EXPECT_THAT(codes(), ElementsAre("origin_given_up", "slots", "in_order"));
}

TEST_F(ExplanationTest, ARetrySaysWhenAndWhichTryItIs) {
    store::Record& waiting = record(Outcome::timeout_total, true);
    waiting.due_ms = kNow + 600'000;
    waiting.attempts = 2;
    facts_.view->where = UrlView::Where::unseen;
    hold(Wait::nothing_left, Milliseconds(0));
    EXPECT_THAT(codes(), ElementsAre("retry_wait"));
    EXPECT_EQ(reason("retry_wait").why, "it waits for its next try: try 2 of 5 ended as timeout_total");
    EXPECT_EQ(reason("retry_wait").until_ms, kNow + 600'000);
    EXPECT_EQ(reason("retry_wait").since_ms, kNow - 60'000);
    hold(Wait::retry_after, Milliseconds(900'000));
    EXPECT_THAT(codes(), ElementsAre("host_retry_after", "retry_wait")) << "both hold it";
    waiting.due_ms = kNow - 1;
    facts_.view->where = UrlView::Where::in_order;
    facts_.view->ahead = 0;
    EXPECT_THAT(codes(), ElementsAre("host_retry_after", "retry_due", "next_in_order"));
    waiting.attempts = 0;
    EXPECT_THAT(reason("retry_due").why, HasSubstr("it was put back"));
    waiting.detail = "the host is left alone";
    EXPECT_THAT(reason("retry_due").why, HasSubstr("put back, the host is left alone"));
}

TEST_F(ExplanationTest, RulesThatForbidNameOriginAndRule) {
    facts_.view->site = UrlView::Site::forbid;
    facts_.view->rule = "Disallow: /*.jpg$";
    facts_.view->site_file = "robots.txt";
    EXPECT_EQ(codes().front(), "site_forbids");
    EXPECT_THAT(reason("site_forbids").why, HasSubstr("robots.txt of https://a.example.org:443 forbids it (\"Disallow: /*.jpg$\")"));
    facts_.view->site_file = "tdmrep.json";
    facts_.view->rule.clear();
    facts_.view->refused_as = Outcome::opted_out;
    EXPECT_THAT(reason("site_forbids").why, HasSubstr("the tdmrep.json of https://a.example.org:443 forbids it: it ends as opted_out"));
    facts_.view->site = UrlView::Site::allow;
    EXPECT_THAT(codes(), ElementsAre("slots", "in_order"));
}

TEST_F(ExplanationTest, RulesThatAreNotKnownAreBeingAskedForOrWillBe) {
    facts_.view->site = UrlView::Site::unknown;
    EXPECT_THAT(codes(), ElementsAre("slots", "site_unknown", "in_order"));
    EXPECT_THAT(reason("site_unknown").why, HasSubstr("when the URL's turn comes"));
    hold(Wait::site, Milliseconds(0));
    EXPECT_THAT(codes(), ElementsAre("site_unknown", "in_order"));
    EXPECT_THAT(reason("site_unknown").why, HasSubstr("it is being asked for"));
}

TEST_F(ExplanationTest, ThereIsAlwaysAReason) {
    facts_.view.reset();
    record(Outcome::timeout_total, true).due_ms = kNow - 5;
    EXPECT_THAT(codes(), ElementsAre("retry_due"));
    facts_.record.reset();
    EXPECT_THAT(codes(), ElementsAre("unknown"));
}

}  // namespace
}  // namespace grit::crawl
