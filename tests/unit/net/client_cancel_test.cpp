// A fetch that is stopped, in each of its phases. What it held is checked by the fixture at the end.
#include <gtest/gtest.h>

#include "client_fixture.hpp"
#include "deaf_listener.hpp"

namespace grit::net::test {
namespace {

using std::chrono::milliseconds;
using Script = WebServer::Script;

class CancelledFetch : public ClientTest {
  protected:
    void expect_cancelled(Running& running) {
        EXPECT_FALSE(running.done());
        running.cancel.emit(boost::asio::cancellation_type::terminal);
        ASSERT_TRUE(run_until([&] { return running.done(); }));
        EXPECT_EQ(classify(running.fetched.error), Errc::cancelled) << running.fetched.error.message();
    }
};

TEST_F(CancelledFetch, WhileResolving) {
    make_client();
    dns_.names["a.example"].held = true;
    Running& running = start("http://a.example/");
    ASSERT_TRUE(run_until([&] { return dns_.held() == 2; }));
    expect_cancelled(running);
    dns_.release();
}

TEST_F(CancelledFetch, WhileConnecting) {
    const DeafListener deaf;
    map_port(80, deaf.port());
    make_client();
    Running& running = start("http://a.example/");
    ASSERT_TRUE(run_until([&] { return limits_.connections() == 1; }));
    expect_cancelled(running);
}

TEST_F(CancelledFetch, WhileShakingHands) {
    Signal greeted;
    WebServer server({[&](Peer& peer) {
        peer.read_some();
        greeted.set();
        peer.wait_closed();
    }});
    map_port(443, server.port());
    make_client();
    Running& running = start("https://a.example/");
    ASSERT_TRUE(run_until([&] { return greeted.is_set(); }));
    expect_cancelled(running);
}

TEST_F(CancelledFetch, WhileWaitingForTheHead) {
    for (const bool tls : {false, true}) {
        Signal asked;
        const Script script = [&](Peer& peer) {
            peer.read_request();
            asked.set();
            peer.wait_closed();
        };
        std::unique_ptr<WebServer> server =
            tls ? std::make_unique<WebServer>(authority_.issue("DNS:a.example"), std::vector<Script>{script})
                : std::make_unique<WebServer>(std::vector<Script>{script});
        if (client_) {
            stop_client();
        }
        map_port(tls ? 443 : 80, server->port());
        make_client();
        Running& running = start(tls ? "https://a.example/" : "http://a.example/");
        ASSERT_TRUE(run_until([&] { return asked.is_set(); }));
        expect_cancelled(running);
    }
}

TEST_F(CancelledFetch, WhileReadingTheBody) {
    WebServer server(authority_.issue("DNS:a.example"), {[](Peer& peer) {
                         peer.read_request();
                         peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nbeginning");
                         peer.wait_closed();
                     }});
    map_port(443, server.port());
    make_client();
    Running& running = start("https://a.example/");
    ASSERT_TRUE(run_until([&] { return !running.fetched.body.empty(); }));
    expect_cancelled(running);
    EXPECT_EQ(client_->idle_connections(), 0u);
}

TEST_F(CancelledFetch, BeforeItBegan) {
    make_client();
    Running& running = start("http://a.example/");
    running.cancel.emit(boost::asio::cancellation_type::terminal);
    ASSERT_TRUE(run_until([&] { return running.done(); }));
    EXPECT_EQ(classify(running.fetched.error), Errc::cancelled);
}

TEST_F(ClientTest, AConnectionThatIsNotAnsweredTimesOut) {
    const DeafListener deaf;
    map_port(80, deaf.port());
    options_.connect_timeout = milliseconds(60);
    make_client();
    EXPECT_EQ(fetch("http://a.example/").error, Errc::connect_timeout);
    EXPECT_EQ(fetch("http://a.example/", milliseconds(30)).error, Errc::timeout_total);
}

TEST_F(ClientTest, EachAddressHasItsShareOfTheConnectLimit) {
    const DeafListener deaf;
    dns_.names["two.example"].v4 = {"127.0.0.1", "127.0.0.2"};
    map_port(80, deaf.port());
    options_.connect_timeout = milliseconds(200);
    make_client();
    // The first is deaf and the second refuses: it was reached.
    EXPECT_EQ(fetch("http://two.example/").error, Errc::connect_timeout);
    EXPECT_EQ(limits_.connections(), 0u);
}

}  // namespace
}  // namespace grit::net::test
