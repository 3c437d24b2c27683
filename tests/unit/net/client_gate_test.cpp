// What may not be dialled at the moment, by the word of who asks.
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <memory>
#include <string>

#include "client_fixture.hpp"
#include "grit/net/client.hpp"

namespace grit::net::test {
namespace {

// Opens until a number of questions was asked about addresses.
struct AddressGate final : SendGate {
    explicit AddressGate(int open_questions) : left(open_questions) {}
    bool may_dial(const boost::asio::ip::address& /*address*/) override { return left-- > 0; }
    bool may_send() override {
        ++sent;
        return true;
    }
    int left;
    int sent = 0;
};

class HttpClientGate : public ClientTest {
  protected:
    void SetUp() override {
        ClientTest::SetUp();
        server_ = std::make_unique<WebServer>(std::vector<WebServer::Script>{[](Peer& peer) {
            while (!peer.read_request().empty()) {
                peer.send(ok("x", ""));
            }
        }});
        map_port(80, server_->port());
        make_client();
    }
    void TearDown() override {
        ClientTest::TearDown();
        server_.reset();
    }
    ErrorCode ask(AddressGate& gate) {
        ErrorCode error;
        bool done = false;
        const auto work = [&]() -> boost::asio::awaitable<void> {
            const Deadline deadline = Deadline::after(std::chrono::steady_clock::now(), Milliseconds(5000));
            auto answer = co_await client_->get(*url::canonicalize("http://a.example/"), deadline, &gate);
            error = answer ? ErrorCode() : answer.error();
            done = true;
        };
        boost::asio::co_spawn(context_, work, boost::asio::detached);
        EXPECT_TRUE(run_until([&] { return done; }));
        return error;
    }
    std::unique_ptr<WebServer> server_;
};

TEST_F(HttpClientGate, AForbiddenAddressIsNotDialled) {
    AddressGate gate(0);
    EXPECT_EQ(ask(gate), Errc::address_refused);
    EXPECT_EQ(server_->accepted(), 0);
}

TEST_F(HttpClientGate, NothingIsSentToAnAddressThatIsForbiddenSinceItWasDialled) {
    AddressGate gate(1);
    EXPECT_EQ(ask(gate), Errc::address_refused);
    EXPECT_EQ(gate.sent, 0);
    EXPECT_EQ(client_->idle_connections(), 0u);
}

TEST_F(HttpClientGate, AKeptConnectionToAForbiddenAddressIsClosed) {
    ASSERT_FALSE(fetch("http://a.example/").error);
    ASSERT_EQ(client_->idle_connections(), 1u);
    AddressGate gate(0);
    EXPECT_EQ(ask(gate), Errc::address_refused);
    EXPECT_EQ(gate.sent, 0);
    EXPECT_EQ(client_->idle_connections(), 0u);
    EXPECT_EQ(server_->accepted(), 1);
}

}  // namespace
}  // namespace grit::net::test
