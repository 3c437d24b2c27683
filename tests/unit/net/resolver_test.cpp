#include "grit/net/resolver.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <functional>
#include <list>
#include <optional>

#include "dns_server.hpp"
#include "grit/metrics/metrics.hpp"
#include "grit/net/errc.hpp"
#include "grit/net/network_watch.hpp"
#include "manual_clock.hpp"

namespace grit::net {
namespace {

namespace asio = boost::asio;
using Addresses = std::vector<asio::ip::address>;
using metrics::CacheResult;
using metrics::DnsResult;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

Addresses addresses(std::initializer_list<const char*> texts) {
    Addresses all;
    for (const char* text : texts) {
        all.push_back(asio::ip::make_address(text));
    }
    return all;
}

// One resolve() that runs beside others.
struct Asked {
    std::optional<Result<Addresses>> result;
    bool thrown = false;
    asio::cancellation_signal cancel;

    [[nodiscard]] ErrorCode error() const { return result ? result->error() : ErrorCode(); }
};

asio::awaitable<void> ask_into(Resolver& resolver, std::string host, Deadline deadline, Asked& asked) {
    asked.result.emplace(co_await resolver.resolve(std::move(host), deadline));
}

class ResolverTest : public ::testing::Test {
  protected:
    ResolverTest() { make({}); }

    // For servers that are silent on purpose; elsewhere a loaded machine must not look like one.
    void make_impatient() {
        Resolver::Options options;
        options.timeout = milliseconds(50);
        make(options);
    }

    void make(Resolver::Options options) {
        resolver_.reset();
        if (options.servers.empty()) {
            options.servers = {server_.address()};
        }
        options.tries = 2;
        resolver_ = std::make_unique<Resolver>(context_, std::move(options), clock_, metrics_);
    }

    Asked& start(const std::string& host, Deadline deadline = Deadline()) {
        Asked& asked = asked_.emplace_back();
        asio::co_spawn(context_, ask_into(*resolver_, host, deadline, asked),
                       asio::bind_cancellation_slot(asked.cancel.slot(), [&asked](const std::exception_ptr& error) {
                           asked.thrown = error != nullptr;
                       }));
        return asked;
    }

    // Runs the loop until something holds; the time is a bound for failures only.
    [[nodiscard]] bool run_until(const std::function<bool()>& holds) {
        const auto limit = std::chrono::steady_clock::now() + seconds(10);
        while (!holds() && std::chrono::steady_clock::now() < limit) {
            context_.run_one_for(milliseconds(100));
        }
        return holds();
    }

    Result<Addresses> ask(const std::string& host) {
        Asked& asked = start(host);
        EXPECT_TRUE(run_until([&] { return asked.result.has_value(); })) << host;
        return asked.result ? *asked.result : Result<Addresses>(Errc::cancelled);
    }

    grit::test::ManualClock clock_;
    metrics::Metrics metrics_{WallTime{}};
    asio::io_context context_{1};
    test::DnsServer server_{context_};
    std::list<Asked> asked_;
    std::unique_ptr<Resolver> resolver_;
};

TEST_F(ResolverTest, GivesBothFamiliesIPv4First) {
    server_.names["a.example"] = {.v4 = {"192.0.2.1", "192.0.2.2"}, .v6 = {"2001:db8::1"}};
    EXPECT_EQ(ask("a.example").value(), addresses({"192.0.2.1", "192.0.2.2", "2001:db8::1"}));
    EXPECT_EQ(metrics_.dns_queries(DnsResult::ok).value(), 1u);
}

// More do not fit into a UDP answer; those over TCP have room for 4,000 addresses, and the cache keeps 50,000 answers.
TEST_F(ResolverTest, AnAnswerOfVeryManyAddressesIsCutShort) {
    for (int i = 0; i < 18; ++i) {
        server_.names["m.example"].v4.push_back("192.0.2." + std::to_string(i));
    }
    const Addresses found = ask("m.example").value();
    ASSERT_EQ(found.size(), 16u);
    EXPECT_EQ(found.front().to_string(), "192.0.2.0");
}

TEST_F(ResolverTest, OneFamilyIsEnough) {
    server_.names["v4.example"] = {.v4 = {"192.0.2.1"}};
    server_.names["v6.example"] = {.v6 = {"2001:db8::1"}};
    server_.names["half.example"] = {.v4 = {"192.0.2.1"}, .rcode_v6 = 2};
    EXPECT_EQ(ask("v4.example").value(), addresses({"192.0.2.1"}));
    EXPECT_EQ(ask("v6.example").value(), addresses({"2001:db8::1"}));
    EXPECT_EQ(ask("half.example").value(), addresses({"192.0.2.1"}));
}

TEST_F(ResolverTest, AddressesAreTheirOwnAnswer) {
    EXPECT_EQ(ask("192.0.2.7").value(), addresses({"192.0.2.7"}));
    EXPECT_EQ(ask("2001:db8::7").value(), addresses({"2001:db8::7"}));
    EXPECT_EQ(server_.queries(), 0);
}

TEST_F(ResolverTest, ANameThatDoesNotExistIsNotFound) {
    EXPECT_EQ(ask("missing.example").error(), Errc::dns_not_found);
    EXPECT_EQ(metrics_.dns_queries(DnsResult::not_found).value(), 1u);
}

// RFC 2308 section 2.2.
TEST_F(ResolverTest, ANameWithoutAddressesIsNotFound) {
    server_.names["mail.example"] = {};
    EXPECT_EQ(ask("mail.example").error(), Errc::dns_not_found);
}

TEST_F(ResolverTest, ANameThatNoServerCanHoldIsNotFound) {
    EXPECT_EQ(ask(std::string(64, 'a') + ".example").error(), Errc::dns_not_found);
}

TEST_F(ResolverTest, AServerThatFailsIsAFailure) {
    server_.names["servfail.example"] = {.rcode = 2};
    server_.names["refused.example"] = {.rcode = 5};
    server_.names["formerr.example"] = {.rcode = 1};
    server_.names["halfdead.example"] = {.rcode_v6 = 2};
    for (const char* host : {"servfail.example", "refused.example", "formerr.example", "halfdead.example"}) {
        EXPECT_EQ(ask(host).error(), Errc::dns_failure) << host;
    }
    EXPECT_EQ(metrics_.dns_queries(DnsResult::failure).value(), 4u);
}

TEST_F(ResolverTest, AServerThatIsSilentIsAFailureAfterItsTries) {
    make_impatient();
    server_.names["silent.example"] = {.silent = true};
    EXPECT_EQ(ask("silent.example").error(), Errc::dns_failure);
    EXPECT_EQ(server_.queries("silent.example"), 4);  // two types, two tries
    EXPECT_EQ(metrics_.dns_queries(DnsResult::timeout).value(), 1u);
}

// RFC 5452 section 9.1: an answer has to have the query's id and question.
TEST_F(ResolverTest, AnswersThatNobodyAskedForAreNotBelieved) {
    server_.names["a.example"] = {.v4 = {"192.0.2.1"}, .v6 = {"2001:db8::1"}, .forgeries = true};
    EXPECT_EQ(ask("a.example").value(), addresses({"192.0.2.1", "2001:db8::1"}));
}

TEST_F(ResolverTest, AddressesOfAnotherNameAreNoAnswer) {
    server_.names["a.example"] = {.v4 = {"192.0.2.66"}, .v6 = {"2001:db8::66"}, .owner = "b.example"};
    EXPECT_EQ(ask("a.example").error(), Errc::dns_not_found);
}

TEST_F(ResolverTest, AnotherServerIsAskedIfOneIsGoneFailsOrIsSilent) {
    server_.names["a.example"] = {.v4 = {"192.0.2.1"}};
    test::DnsServer failing(context_);
    failing.names["a.example"] = {.rcode = 2};
    test::DnsServer refusing(context_);
    refusing.names["a.example"] = {.rcode = 5};
    test::DnsServer silent(context_);
    silent.names["a.example"] = {.silent = true};
    test::DnsServer gone(context_);
    const std::string nobody = gone.address();
    gone.close();
    for (const std::string& first : {failing.address(), refusing.address(), silent.address(), nobody}) {
        Resolver::Options options;
        options.timeout = milliseconds(50);
        options.servers = {first, server_.address()};
        make(std::move(options));
        EXPECT_EQ(ask("a.example").value(), addresses({"192.0.2.1"})) << first;
    }
    EXPECT_GT(failing.queries() * refusing.queries() * silent.queries(), 0);
}

TEST_F(ResolverTest, AnotherTryMayHelp) {
    make_impatient();
    server_.names["lossy.example"] = {.v4 = {"192.0.2.1"}, .silent = true};
    server_.on_query = [this] { server_.names["lossy.example"].silent = server_.queries() < 2; };
    EXPECT_EQ(ask("lossy.example").value(), addresses({"192.0.2.1"}));
}

TEST_F(ResolverTest, ThoseWhoAskTogetherShareOneLookup) {
    server_.names["a.example"] = {.v4 = {"192.0.2.1"}, .held = true};
    for (int i = 0; i < 50; ++i) {
        start("a.example");
    }
    ASSERT_TRUE(run_until([&] { return server_.held() == 2; }));
    EXPECT_EQ(resolver_->lookups_in_flight(), 1u);
    server_.release();
    const auto all_have_it = [&] {
        return std::all_of(asked_.begin(), asked_.end(),
                           [](const Asked& asked) { return asked.result && asked.result->has_value(); });
    };
    EXPECT_TRUE(run_until(all_have_it));
    EXPECT_EQ(server_.queries("a.example"), 2);
    EXPECT_EQ(metrics_.dns_queries(DnsResult::ok).value(), 1u);
    EXPECT_EQ(resolver_->lookups_in_flight(), 0u);
}

TEST_F(ResolverTest, OneWhoGivesUpDoesNotDisturbTheOthers) {
    server_.names["a.example"] = {.v4 = {"192.0.2.1"}, .held = true};
    Asked& first = start("a.example");
    Asked& second = start("a.example");
    ASSERT_TRUE(run_until([&] { return server_.held() == 2; }));
    first.cancel.emit(asio::cancellation_type::terminal);
    ASSERT_TRUE(run_until([&] { return first.result || first.thrown; }));
    EXPECT_EQ(first.error(), Errc::cancelled);
    EXPECT_FALSE(second.result);
    server_.release();
    ASSERT_TRUE(run_until([&] { return second.result.has_value(); }));
    EXPECT_EQ(second.result->value(), addresses({"192.0.2.1"}));
}

TEST_F(ResolverTest, ALookupThatAllGaveUpStillFillsTheCache) {
    server_.names["a.example"] = {.v4 = {"192.0.2.1"}, .held = true};
    Asked& only = start("a.example");
    ASSERT_TRUE(run_until([&] { return server_.held() == 2; }));
    only.cancel.emit(asio::cancellation_type::terminal);
    server_.release();
    ASSERT_TRUE(run_until([&] { return resolver_->lookups_in_flight() == 0; }));
    EXPECT_EQ(ask("a.example").value(), addresses({"192.0.2.1"}));
    EXPECT_EQ(server_.queries("a.example"), 2);
}

TEST_F(ResolverTest, TheDeadlineEndsTheWait) {
    server_.names["a.example"] = {.silent = true};
    const Asked& asked = start("a.example", Deadline::after(clock_.now(), milliseconds(5)));
    ASSERT_TRUE(run_until([&] { return asked.result.has_value(); }));
    EXPECT_EQ(asked.error(), Errc::timeout_total);
}

TEST_F(ResolverTest, AnswersAreRememberedByTheirTtlWithinBounds) {
    struct Case {
        const char* host;
        std::uint32_t ttl;
        seconds remembered;
    };
    for (const Case& c : {Case{"low.example", 1, seconds(60)}, Case{"mid.example", 300, seconds(300)},
                          Case{"high.example", 864'000, seconds(6 * 3600)}}) {
        server_.names[c.host] = {.v4 = {"192.0.2.1"}, .ttl = c.ttl};
        ASSERT_TRUE(ask(c.host).has_value());
        const int asked = server_.queries(c.host);
        clock_.advance(c.remembered - seconds(1));
        ASSERT_TRUE(ask(c.host).has_value());
        EXPECT_EQ(server_.queries(c.host), asked) << c.host;
        clock_.advance(seconds(1));
        ASSERT_TRUE(ask(c.host).has_value());
        EXPECT_GT(server_.queries(c.host), asked) << c.host;
    }
    EXPECT_EQ(metrics_.dns_cache(CacheResult::hit).value(), 3u);
    EXPECT_EQ(metrics_.dns_cache(CacheResult::miss).value(), 6u);
}

TEST_F(ResolverTest, TheShortestTtlOfAChainCounts) {
    server_.names["www.example"] = {.v4 = {"192.0.2.1"}, .ttl = 3600, .alias = "cdn.example", .alias_ttl = 120};
    ASSERT_EQ(ask("www.example").value(), addresses({"192.0.2.1"}));
    clock_.advance(seconds(119));
    ASSERT_TRUE(ask("www.example").has_value());
    EXPECT_EQ(server_.queries("www.example"), 2);
    clock_.advance(seconds(1));
    ASSERT_TRUE(ask("www.example").has_value());
    EXPECT_EQ(server_.queries("www.example"), 4);
}

TEST_F(ResolverTest, FailuresAreRememberedForAWhile) {
    server_.names["servfail.example"] = {.rcode = 2};
    for (const char* host : {"servfail.example", "missing.example"}) {
        const ErrorCode first = ask(host).error();
        const int asked = server_.queries(host);
        clock_.advance(seconds(59));
        EXPECT_EQ(ask(host).error(), first);
        EXPECT_EQ(server_.queries(host), asked);
        clock_.advance(seconds(1));
        EXPECT_EQ(ask(host).error(), first);
        EXPECT_GT(server_.queries(host), asked);
    }
}

TEST_F(ResolverTest, NoMoreQueriesAreInTheAirThanAllowed) {
    Resolver::Options options;
    options.max_outstanding = 6;
    make(options);
    constexpr int kNames = 40;
    for (int i = 0; i < kNames; ++i) {
        server_.names["n" + std::to_string(i) + ".example"] = {.v4 = {"192.0.2.1"}, .held = true};
        start("n" + std::to_string(i) + ".example");
    }
    ASSERT_TRUE(run_until([&] { return server_.held() == 6; }));
    context_.poll();
    EXPECT_EQ(server_.queries(), 6);
    server_.release();
    EXPECT_TRUE(run_until([&] { return resolver_->lookups_in_flight() == 0; }));
    EXPECT_EQ(metrics_.dns_queries(DnsResult::ok).value(), 40u);
}

TEST_F(ResolverTest, WhatIsPrefetchedIsThereWhenItIsWanted) {
    server_.names["a.example"] = {.v4 = {"192.0.2.1"}};
    resolver_->prefetch("a.example");
    resolver_->prefetch("a.example");
    ASSERT_TRUE(run_until([&] { return resolver_->lookups_in_flight() == 0; }));
    resolver_->prefetch("a.example");
    resolver_->prefetch("192.0.2.9");
    EXPECT_EQ(resolver_->lookups_in_flight(), 0u);
    EXPECT_EQ(server_.queries("a.example"), 2) << "one for each family";
    EXPECT_EQ(ask("a.example").value(), addresses({"192.0.2.1"}));
    EXPECT_EQ(metrics_.dns_cache(CacheResult::hit).value(), 1u);
    EXPECT_EQ(server_.queries("a.example"), 2);
}

TEST_F(ResolverTest, PrefetchLeavesRoomForWhatIsWaitedFor) {
    Resolver::Options options;
    options.max_outstanding = 8;
    make(options);
    for (int i = 0; i < 5; ++i) {
        const std::string name = "n" + std::to_string(i) + ".example";
        server_.names[name] = {.v4 = {"192.0.2.1"}, .held = true};
        resolver_->prefetch(name);
    }
    EXPECT_EQ(resolver_->lookups_in_flight(), 2u);
    ASSERT_TRUE(run_until([&] { return server_.held() == 4; }));
    server_.names["wanted.example"] = {.v4 = {"192.0.2.2"}};
    EXPECT_TRUE(ask("wanted.example"));
    server_.release();
    EXPECT_TRUE(run_until([&] { return resolver_->lookups_in_flight() == 0; }));
}

class NetworkWatchTest : public ResolverTest {
  protected:
    NetworkWatchTest() { make_watched(); }
    void make_watched() {
        Resolver::Options options;
        options.timeout = milliseconds(50);
        options.watch = &watch_;
        make(options);
    }
    bool alive() {
        std::optional<bool> answer;
        const auto ask = [&]() -> asio::awaitable<void> { answer = co_await resolver_->alive(); };
        asio::co_spawn(context_, ask, asio::detached);
        EXPECT_TRUE(run_until([&] { return answer.has_value(); }));
        return answer.value_or(false);
    }
    NetworkWatch watch_;
};

TEST_F(NetworkWatchTest, AnyAnswerSaysThatTheNetworkIsUp) {
    watch_.lost();
    EXPECT_TRUE(alive()) << "NXDOMAIN is an answer";
    EXPECT_FALSE(watch_.down());
    watch_.lost();
    server_.names["a.example"] = {.v4 = {"192.0.2.1"}};
    static_cast<void>(ask("a.example"));
    EXPECT_FALSE(watch_.down());
}

TEST_F(NetworkWatchTest, ServersThatFailOrAreSilentAreNone) {
    watch_.lost();
    server_.names["a.root-servers.net"] = {.rcode = 2};
    EXPECT_FALSE(alive());
    server_.names["a.root-servers.net"] = {.silent = true};
    EXPECT_FALSE(alive());
    server_.names["fails.example"] = {.rcode = 2};
    static_cast<void>(ask("fails.example"));
    EXPECT_TRUE(watch_.down());
}

TEST_F(NetworkWatchTest, FailuresOfThatTimeAreForgotten) {
    server_.names["a.example"] = {.rcode = 2};
    EXPECT_EQ(ask("a.example").error(), Errc::dns_failure);
    server_.names["a.example"] = {.v4 = {"192.0.2.1"}};
    EXPECT_EQ(ask("a.example").error(), Errc::dns_failure) << "remembered";
    server_.names["a.root-servers.net"] = {.rcode = 2};
    EXPECT_FALSE(alive());
    EXPECT_TRUE(ask("a.example"));
}

// Else a question that went out while the network was up would speak for a failure that came behind it.
TEST_F(NetworkWatchTest, AQuestionInTheAirDoesNotAnswerALaterOne) {
    server_.names["a.root-servers.net"] = {.held = true};
    std::optional<bool> first;
    std::optional<bool> second;
    const auto ask_first = [&]() -> asio::awaitable<void> { first = co_await resolver_->alive(); };
    const auto ask_second = [&]() -> asio::awaitable<void> { second = co_await resolver_->alive(); };
    asio::co_spawn(context_, ask_first, asio::detached);
    ASSERT_TRUE(run_until([&] { return server_.held() == 2; }));
    asio::co_spawn(context_, ask_second, asio::detached);
    context_.poll();
    server_.release();
    server_.names["a.root-servers.net"] = {.rcode = 2};
    EXPECT_TRUE(run_until([&] { return first && second; }));
    EXPECT_EQ(first, true);
    EXPECT_EQ(second, false);
}

// The question is about now, and comes before all that waits.
TEST_F(NetworkWatchTest, TheCacheIsNotAskedAndTheQueueIsPassed) {
    EXPECT_TRUE(alive());
    const int asked = server_.queries("a.root-servers.net");
    EXPECT_TRUE(alive());
    EXPECT_GT(server_.queries("a.root-servers.net"), asked);
    Resolver::Options options;
    options.max_outstanding = 2;
    make(options);
    server_.names["first.example"] = {.v4 = {"192.0.2.1"}, .held = true};
    server_.names["next.example"] = {.v4 = {"192.0.2.1"}, .held = true};
    start("first.example");
    ASSERT_TRUE(run_until([&] { return server_.held() == 2; }));
    start("next.example");
    std::optional<bool> answer;
    const auto ask_alive = [&]() -> asio::awaitable<void> { answer = co_await resolver_->alive(); };
    asio::co_spawn(context_, ask_alive, asio::detached);
    context_.poll();
    const int before = server_.queries("a.root-servers.net");
    std::optional<int> asked_before_the_next;
    server_.on_query = [&] {
        if (server_.queries("next.example") > 0 && !asked_before_the_next) {
            asked_before_the_next = server_.queries("a.root-servers.net") - before;
        }
    };
    server_.release();
    EXPECT_TRUE(run_until([&] { return resolver_->lookups_in_flight() == 0; }));
    EXPECT_EQ(asked_before_the_next, 2);
}

TEST_F(ResolverTest, ANameNobodyWaitsForAnyMoreIsNotAsked) {
    Resolver::Options options;
    options.max_outstanding = 2;
    make(options);
    server_.names["first.example"] = {.v4 = {"192.0.2.1"}, .held = true};
    start("first.example");
    Asked& queued = start("queued.example");
    ASSERT_TRUE(run_until([&] { return server_.held() == 2; }));
    queued.cancel.emit(asio::cancellation_type::terminal);
    ASSERT_TRUE(run_until([&] { return queued.result || queued.thrown; }));
    EXPECT_EQ(resolver_->lookups_in_flight(), 1u);
    server_.release();
    EXPECT_TRUE(run_until([&] { return resolver_->lookups_in_flight() == 0; }));
    EXPECT_EQ(server_.queries("queued.example"), 0);
}

TEST_F(ResolverTest, AResolverMayGoWhileQueriesAreInTheAir) {
    server_.names["a.example"] = {.silent = true};
    Asked& asked = start("a.example");
    ASSERT_TRUE(run_until([&] { return server_.queries() == 2; }));
    asked.cancel.emit(asio::cancellation_type::terminal);
    ASSERT_TRUE(run_until([&] { return asked.result || asked.thrown; }));
    resolver_.reset();
    server_.close();
    context_.run();
}

TEST_F(ResolverTest, WithoutADescriptorItIsOurOwnFaultAndNotRemembered) {
    server_.names["a.example"] = {.v4 = {"192.0.2.1"}};
    rlimit before{};
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
    rlimit none = before;
    none.rlim_cur = 3;
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
    const Result<Addresses> starved = ask("a.example");
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
    EXPECT_EQ(starved.error(), Errc::out_of_descriptors);
    EXPECT_TRUE(ask("a.example").has_value());
}

TEST(Resolver, RefusesServersThatAreNone) {
    asio::io_context context(1);
    const grit::test::ManualClock clock;
    metrics::Metrics metrics{WallTime{}};
    Resolver::Options options;
    options.servers = {"not an address"};
    EXPECT_THROW(Resolver(context, options, clock, metrics), std::runtime_error);
}

}  // namespace
}  // namespace grit::net
