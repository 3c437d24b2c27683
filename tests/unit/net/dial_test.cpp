// Several addresses of one host: their order, and the race between them (RFC 8305).
#include <gtest/gtest.h>

#include "client_fixture.hpp"
#include "deaf_listener.hpp"
#include "dial_order.hpp"

namespace grit::net::test {
namespace {

namespace ip = boost::asio::ip;
using std::chrono::milliseconds;
using std::chrono::seconds;

std::vector<ip::address> addresses(const std::vector<std::string>& texts) {
    std::vector<ip::address> found;
    for (const std::string& text : texts) {
        found.push_back(ip::make_address(text));
    }
    return found;
}

const SteadyTime kNow{seconds(1'000)};

std::vector<ip::address> ordered(const std::vector<std::string>& texts, const FailedAddresses& failed = {},
                                 SteadyTime now = kNow) {
    std::vector<ip::address> found = addresses(texts);
    order_for_dial(found, failed, now);
    return found;
}

TEST(DialOrder, FamiliesTakeTurnsAndIPv4Leads) {
    EXPECT_EQ(ordered({"192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"}),
              addresses({"192.0.2.1", "2001:db8::1", "192.0.2.2", "2001:db8::2"}));
    EXPECT_EQ(ordered({"2001:db8::1"}), addresses({"2001:db8::1"}));
    EXPECT_TRUE(ordered({}).empty());
}

TEST(DialOrder, NoMoreThanFourAreDialledAndBothFamiliesHaveAPlace) {
    EXPECT_EQ(ordered({"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5", "2001:db8::1"}),
              addresses({"192.0.2.1", "2001:db8::1", "192.0.2.2", "192.0.2.3"}));
}

TEST(DialOrder, WhatFailedWithinAMinuteGoesLast) {
    FailedAddresses failed;
    failed.failed(ip::make_address("192.0.2.1"), kNow);
    EXPECT_EQ(ordered({"192.0.2.1", "192.0.2.2"}, failed), addresses({"192.0.2.2", "192.0.2.1"}));
    EXPECT_EQ(ordered({"192.0.2.1"}, failed), addresses({"192.0.2.1"})) << "still dialled if there is no other";
    EXPECT_EQ(ordered({"192.0.2.1", "192.0.2.2"}, failed, kNow + seconds(59)), addresses({"192.0.2.2", "192.0.2.1"}));
    EXPECT_EQ(ordered({"192.0.2.1", "192.0.2.2"}, failed, kNow + seconds(60)), addresses({"192.0.2.1", "192.0.2.2"}));
    failed.worked(ip::make_address("192.0.2.1"));
    EXPECT_EQ(ordered({"192.0.2.1", "192.0.2.2"}, failed), addresses({"192.0.2.1", "192.0.2.2"}));
}

TEST(DialOrder, FailuresAreForgottenInTimeAndBoundedInNumber) {
    FailedAddresses failed;
    const auto address = [](std::size_t number) { return ip::address_v4(static_cast<std::uint32_t>(number)); };
    for (std::size_t i = 0; i < FailedAddresses::kMaxEntries + 500; ++i) {
        failed.failed(address(i), kNow);
    }
    EXPECT_EQ(failed.size(), FailedAddresses::kMaxEntries);
    EXPECT_FALSE(failed.failed_lately(address(0), kNow));
    EXPECT_TRUE(failed.failed_lately(address(FailedAddresses::kMaxEntries), kNow));
    // Renewed, it outlives its first time.
    failed.failed(address(600), kNow + seconds(50));
    failed.failed(address(1), kNow + seconds(70));
    EXPECT_EQ(failed.size(), 2u);
    EXPECT_TRUE(failed.failed_lately(address(600), kNow + seconds(70)));
}

TEST(ConnectError, LocalPortsThatAreUsedUpAreOurOwnFault) {
    namespace errc = boost::system::errc;
    const ip::address v4 = ip::make_address("192.0.2.1");
    const ip::address v6 = ip::make_address("2001:db8::1");
    const auto none = errc::make_error_code(errc::address_not_available);
    EXPECT_EQ(connect_error(none, v4), Errc::out_of_descriptors);
    EXPECT_EQ(connect_error(none, v6), Errc::unreachable) << "a machine without IPv6 says so";
    EXPECT_EQ(connect_error(errc::make_error_code(errc::too_many_files_open), v6), Errc::out_of_descriptors);
    EXPECT_EQ(connect_error(errc::make_error_code(errc::host_unreachable), v4), Errc::unreachable);
    EXPECT_EQ(connect_error(errc::make_error_code(errc::connection_reset), v4), Errc::connect_refused);
}

// 127.0.0.2 is silent; 127.0.0.1 and ::1 are served or refuse.
class DialRaceTest : public ClientTest {
  protected:
    void serve_beside_deaf() {
        server_ = std::make_unique<WebServer>(std::vector<WebServer::Script>{[](Peer& peer) {
            while (!peer.read_request().empty()) {
                peer.send(ok("x"));
            }
        }});
        deaf_ = std::make_unique<DeafListener>("127.0.0.2", server_->port());
        map_port(80, server_->port());
        make_client();
    }
    void TearDown() override {
        ClientTest::TearDown();
        server_.reset();
    }
    std::unique_ptr<WebServer> server_;
    std::unique_ptr<DeafListener> deaf_;
};

TEST_F(DialRaceTest, ASilentAddressIsOvertakenByTheNext) {
    dns_.names["two.example"].v4 = {"127.0.0.2", "127.0.0.1"};
    options_.attempt_delay = milliseconds(50);
    serve_beside_deaf();
    const Fetched got = fetch("http://two.example/");
    EXPECT_FALSE(got.error) << got.error.message();
    EXPECT_EQ(got.remote_address, "127.0.0.1");
    EXPECT_GE(got.timings.connect, milliseconds(50));
    EXPECT_EQ(limits_.connections_to(ip::make_address("127.0.0.2")), 0u) << "the loser is closed at once";
    EXPECT_EQ(limits_.connections(), 1u);
    EXPECT_EQ(metrics_.connections(metrics::ConnectionState::active).value(), 0);
}

TEST_F(DialRaceTest, AnAddressThatWasOvertakenIsNotWaitedForAgain) {
    dns_.names["two.example"].v4 = {"127.0.0.2", "127.0.0.1"};
    options_.attempt_delay = milliseconds(800);  // far longer than loopback takes
    serve_beside_deaf();
    EXPECT_GE(fetch("http://two.example/").timings.connect, milliseconds(800));
    client_->close_idle();
    const Fetched again = fetch("http://two.example/");
    EXPECT_FALSE(again.timings.reused);
    EXPECT_LT(again.timings.connect, milliseconds(800));
}

// Each dial costs a descriptor: beside those of all fetches together only so many are to spare.
TEST_F(DialRaceTest, WithoutASpareDialOneAddressComesAfterTheOther) {
    dns_.names["two.example"].v4 = {"127.0.0.2", "127.0.0.1"};
    options_.attempt_delay = milliseconds(10);
    options_.connect_timeout = milliseconds(600);
    options_.max_spare_dials = 0;
    serve_beside_deaf();
    Running& running = start("http://two.example/");
    std::size_t most = 0;
    ASSERT_TRUE(run_until([&] {
        most = std::max(most, limits_.connections());
        return running.done();
    }));
    EXPECT_EQ(running.fetched.remote_address, "127.0.0.1") << running.fetched.error.message();
    EXPECT_GE(running.fetched.timings.connect, milliseconds(300)) << "its share of the time";
    EXPECT_EQ(most, 1u);
}

TEST_F(DialRaceTest, SpareDialsAreGivenBack) {
    dns_.names["two.example"].v4 = {"127.0.0.2", "127.0.0.1"};
    options_.attempt_delay = milliseconds(10);
    options_.max_spare_dials = 1;
    serve_beside_deaf();
    for (const char* silent : {"127.0.0.4", "127.0.0.5", "127.0.0.6"}) {
        const DeafListener deaf(silent, server_->port());
        const std::string host = "beside-" + std::string(silent).substr(8) + ".example";
        dns_.names[host].v4 = {silent, "127.0.0.1"};
        EXPECT_LT(fetch("http://" + host + "/").timings.connect, options_.connect_timeout / 4) << silent;
        client_->close_idle();
    }
}

TEST_F(DialRaceTest, ARefusalStartsTheNextAtOnce) {
    dns_.names["two.example"].v4 = {"127.0.0.3", "127.0.0.1"};  // nobody listens on the first
    options_.attempt_delay = seconds(5);
    serve_beside_deaf();
    const Fetched got = fetch("http://two.example/");
    EXPECT_EQ(got.remote_address, "127.0.0.1");
    EXPECT_LT(got.timings.connect, seconds(5));
}

TEST_F(DialRaceTest, TheOtherFamilyIsDialledBesideASilentOne) {
    dns_.names["both.example"].v4 = {"127.0.0.2", "127.0.0.1"};
    dns_.names["both.example"].v6 = {"::1"};  // refuses: the third is dialled at once
    options_.attempt_delay = milliseconds(50);
    serve_beside_deaf();
    EXPECT_EQ(fetch("http://both.example/").remote_address, "127.0.0.1");
}

TEST_F(DialRaceTest, SilenceIsATimeoutThoughOthersRefuse) {
    dns_.names["down.example"].v4 = {"127.0.0.2", "127.0.0.3"};
    options_.connect_timeout = milliseconds(100);
    serve_beside_deaf();
    EXPECT_EQ(fetch("http://down.example/").error, Errc::connect_timeout);
    // What refuses is no worse than what is silent: now both failed lately, and the order is that of the answer.
    EXPECT_EQ(fetch("http://down.example/").error, Errc::connect_timeout);
    EXPECT_EQ(limits_.connections(), 0u);
}

TEST_F(DialRaceTest, AllAttemptsEndWithTheFetchThatIsCancelled) {
    dns_.names["two.example"].v4 = {"127.0.0.2", "127.0.0.4"};
    options_.attempt_delay = milliseconds(10);
    serve_beside_deaf();
    const DeafListener other("127.0.0.4", server_->port());
    Running& running = start("http://two.example/");
    ASSERT_TRUE(run_until([&] { return limits_.connections() == 2; }));
    running.cancel.emit(boost::asio::cancellation_type::terminal);
    ASSERT_TRUE(run_until([&] { return running.done(); }));
    EXPECT_EQ(classify(running.fetched.error), Errc::cancelled);
    EXPECT_EQ(limits_.connections(), 0u);
}

TEST_F(DialRaceTest, TheDeadlineEndsAllAttempts) {
    dns_.names["two.example"].v4 = {"127.0.0.2", "127.0.0.4"};
    options_.attempt_delay = milliseconds(10);
    serve_beside_deaf();
    const DeafListener other("127.0.0.4", server_->port());
    EXPECT_EQ(fetch("http://two.example/", milliseconds(80)).error, Errc::timeout_total);
    EXPECT_EQ(limits_.connections(), 0u);
}

}  // namespace
}  // namespace grit::net::test
