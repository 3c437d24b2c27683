// The client over plain TCP: answers, connections, limits.
#include "grit/net/client.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>

#include "client_fixture.hpp"

namespace grit::net::test {
namespace {

using metrics::ConnectionUse;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Script = WebServer::Script;

// Answers every request of the connection.
Script serve_all(std::string body, std::string more_fields = "") {
    return [=](Peer& peer) {
        while (!peer.read_request().empty()) {
            peer.send(ok(body, more_fields));
        }
    };
}

class HttpClient : public ServedClientTest {
  protected:
    void serve(std::vector<Script> scripts) {
        serve_at(80, std::make_unique<WebServer>(std::move(scripts)));
    }
};

TEST_F(HttpClient, GivesHeadAndBody) {
    serve({serve_all("image bytes", "X-Robots-Tag: noai\r\nx-robots-tag: bot: noindex\r\nX-Empty:\r\n")});
    const Fetched got = fetch("http://a.example/cat.jpg");
    ASSERT_FALSE(got.error) << got.error.message();
    EXPECT_EQ(got.head.status, 200u);
    EXPECT_EQ(got.head.content_length, 11u);
    EXPECT_EQ(got.head.content_type, "image/jpeg");
    EXPECT_TRUE(got.head.keep_alive);
    EXPECT_EQ(got.head.header("x-ROBOTS-tag"), "noai");
    EXPECT_EQ(got.head.headers("X-Robots-Tag"), (std::vector<std::string_view>{"noai", "bot: noindex"}));
    EXPECT_EQ(got.head.header("X-Missing"), "");
    EXPECT_EQ(got.body, "image bytes");
    EXPECT_EQ(got.remote_address, "127.0.0.1");
    EXPECT_FALSE(got.timings.reused);
    EXPECT_GT(got.timings.connect.count(), 0);
    EXPECT_EQ(metrics_.http_responses(metrics::CodeClass::success).value(), 1u);
    EXPECT_EQ(metrics_.downloaded_bytes.value(), 11u);
}

TEST_F(HttpClient, AsksAsAHonestClientWould) {
    std::string request;
    const ServerEnds ends(server_);
    serve({[&](Peer& peer) {
        request = peer.read_request();
        peer.send(ok(""));
    }});
    ASSERT_FALSE(fetch("http://a.example:80/x%20y?q=1").error);
    EXPECT_EQ(request,
              "GET /x%20y?q=1 HTTP/1.1\r\nHost: a.example\r\nUser-Agent: gritd/1.0 (+https://example.org/contact)\r\n"
              "Accept: image/*,*/*;q=0.8\r\nAccept-Encoding: identity\r\nConnection: keep-alive\r\n\r\n");
}

TEST_F(HttpClient, ThePortMapKeepsTheHostTrue) {
    std::string request;
    const ServerEnds ends(server_);
    server_ = std::make_unique<WebServer>(std::vector<Script>{[&](Peer& peer) {
        request = peer.read_request();
        peer.send(ok(""));
    }});
    map_port(8080, server_->port());
    make_client();
    ASSERT_FALSE(fetch("http://a.example:8080/").error);
    EXPECT_NE(request.find("\r\nHost: a.example:8080\r\n"), std::string::npos) << request;
}

TEST_F(HttpClient, ConnectionsAreKeptAndReused) {
    serve({serve_all("x")});
    for (int i = 0; i < 5; ++i) {
        const Fetched got = fetch("http://a.example/" + std::to_string(i));
        ASSERT_FALSE(got.error);
        EXPECT_EQ(got.timings.reused, i > 0);
        EXPECT_EQ(client_->idle_connections(), 1u);
        EXPECT_EQ(metrics_.connections(metrics::ConnectionState::idle).value(), 1);
    }
    EXPECT_EQ(server_->accepted(), 1);
    EXPECT_EQ(metrics_.connection_use(ConnectionUse::opened).value(), 1u);
    EXPECT_EQ(metrics_.connection_use(ConnectionUse::reused).value(), 4u);
    EXPECT_EQ(limits_.connections(), 1u);
}

// A crawler that carries cookies is another visitor with each answer.
TEST_F(HttpClient, CookiesAreNotKept) {
    std::vector<std::string> requests;
    const ServerEnds ends(server_);
    serve({[&](Peer& peer) {
        for (int i = 0; i < 2; ++i) {
            requests.push_back(peer.read_request());
            peer.send("HTTP/1.1 403 Forbidden\r\nSet-Cookie: visitor=1; Path=/\r\nContent-Length: 0\r\n\r\n");
        }
    }});
    ASSERT_FALSE(fetch("http://a.example/").error);
    ASSERT_FALSE(fetch("http://a.example/").error);
    ASSERT_EQ(requests.size(), 2u);
    EXPECT_EQ(requests[1], requests[0]);
    EXPECT_EQ(requests[1].find("Cookie"), std::string::npos);
}

TEST_F(HttpClient, AConnectionBelongsToItsOrigin) {
    serve({serve_all("x")});
    ASSERT_FALSE(fetch("http://a.example/").error);
    EXPECT_FALSE(fetch("http://b.example/").timings.reused);
    EXPECT_EQ(server_->accepted(), 2);
}

TEST_F(HttpClient, ConnectionCloseIsObeyed) {
    serve({serve_all("x", "Connection: close\r\n")});
    ASSERT_FALSE(fetch("http://a.example/").error);
    EXPECT_EQ(client_->idle_connections(), 0u);
    EXPECT_FALSE(fetch("http://a.example/").timings.reused);
}

TEST_F(HttpClient, AnAnswerWithMoreBehindItIsNotFollowedByAnother) {
    serve({[](Peer& peer) {
        peer.read_request();
        peer.send(ok("x") + "HTTP/1.1 200 OK\r\n");
        peer.wait_closed();
    }});
    const Fetched got = fetch("http://a.example/");
    EXPECT_FALSE(got.error);
    EXPECT_EQ(got.body, "x");
    EXPECT_EQ(client_->idle_connections(), 0u);
}

TEST_F(HttpClient, AReusedConnectionThatDiesIsReplacedOnce) {
    // The server goes just as the second request comes: nobody could have known.
    serve({[](Peer& peer) {
               peer.read_request();
               peer.send(ok("first"));
               peer.read_request();
           },
           serve_all("second")});
    ASSERT_EQ(fetch("http://a.example/1").body, "first");
    const Fetched got = fetch("http://a.example/2");
    ASSERT_FALSE(got.error) << got.error.message();
    EXPECT_EQ(got.body, "second");
    EXPECT_FALSE(got.timings.reused);
    EXPECT_EQ(server_->accepted(), 2);
}

TEST_F(HttpClient, AReusedConnectionThatDiesWithinItsAnswerIsAnError) {
    serve({[](Peer& peer) {
               peer.read_request();
               peer.send(ok("first"));
               peer.read_request();
               peer.send("HTTP/1.1 200");
           },
           serve_all("second")});
    ASSERT_FALSE(fetch("http://a.example/1").error);
    EXPECT_EQ(fetch("http://a.example/2").error, Errc::connection_reset);
    EXPECT_EQ(server_->accepted(), 1);
}

TEST_F(HttpClient, ANewConnectionThatDiesIsAnError) {
    serve({[](Peer& peer) { peer.read_request(); }});
    EXPECT_EQ(fetch("http://a.example/").error, Errc::connection_reset);
    EXPECT_EQ(server_->accepted(), 1);
}

TEST_F(HttpClient, AConnectionThatTheServerClosedMeanwhileIsNotUsed) {
    Signal closed;
    const ServerEnds ends(server_);
    serve({[&](Peer& peer) {
               peer.read_request();
               peer.send(ok("first"));
               peer.close();
               closed.set();
               peer.wait_closed();
           },
           serve_all("second")});
    ASSERT_FALSE(fetch("http://a.example/1").error);
    closed.wait();
    EXPECT_EQ(fetch("http://a.example/2").body, "second");
    EXPECT_EQ(metrics_.connection_use(ConnectionUse::reused).value(), 0u);
}

TEST_F(HttpClient, IdleConnectionsAreClosedInTime) {
    options_.max_idle_time = milliseconds(20);
    Signal closed;
    const ServerEnds ends(server_);
    serve({[&](Peer& peer) {
        peer.read_request();
        peer.send(ok("x"));
        peer.wait_closed();
        closed.set();
    }});
    ASSERT_FALSE(fetch("http://a.example/").error);
    EXPECT_TRUE(run_until([&] { return client_->idle_connections() == 0 && closed.is_set(); }));
    EXPECT_EQ(limits_.connections(), 0u);
}

TEST_F(HttpClient, ThePoolIsBounded) {
    options_.max_idle_connections = 2;
    serve({serve_all("x")});
    for (const char* url : {"http://a.example/", "http://b.example/", "http://c.example/"}) {
        ASSERT_FALSE(fetch(url).error);
    }
    EXPECT_EQ(client_->idle_connections(), 2u);
    EXPECT_TRUE(fetch("http://c.example/").timings.reused);
    EXPECT_FALSE(fetch("http://a.example/").timings.reused);
    client_->close_idle();
    EXPECT_EQ(client_->idle_connections(), 0u);
}

TEST_F(HttpClient, AnExchangeDroppedWithItsBodyUnreadClosesTheConnection) {
    std::atomic<bool> seen_close = false;
    const ServerEnds ends(server_);
    serve({[&](Peer& peer) {
        peer.read_request();
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nbeginning");
        peer.wait_closed();
        seen_close = true;
    }});
    Running& running = start("http://a.example/");
    ASSERT_TRUE(run_until([&] { return running.fetched.has_head; }));
    running.cancel.emit(boost::asio::cancellation_type::terminal);
    EXPECT_TRUE(run_until([&] { return running.done() && seen_close; }));
    EXPECT_EQ(client_->idle_connections(), 0u);
}

TEST_F(HttpClient, ChunkedBodiesAreJoined) {
    serve({[](Peer& peer) {
        while (!peer.read_request().empty()) {
            peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nHello\r\n7;ext=1\r\n, world\r\n");
            peer.send("0\r\nX-Trailer: 1\r\n\r\n");
        }
    }});
    const Fetched got = fetch("http://a.example/");
    ASSERT_FALSE(got.error) << got.error.message();
    EXPECT_EQ(got.body, "Hello, world");
    EXPECT_FALSE(got.head.content_length);
    EXPECT_TRUE(fetch("http://a.example/").timings.reused);
}

TEST_F(HttpClient, ABodyMayEndWithTheConnection) {
    serve({serve_once("HTTP/1.0 200 OK\r\n\r\nuntil the end")});
    const Fetched got = fetch("http://a.example/");
    EXPECT_FALSE(got.error) << got.error.message();
    EXPECT_EQ(got.body, "until the end");
    EXPECT_FALSE(got.head.content_length);
    EXPECT_EQ(client_->idle_connections(), 0u);
}

TEST_F(HttpClient, LargeBodiesComeWhole) {
    std::string body(3'000'000, '\0');
    for (std::size_t i = 0; i < body.size(); ++i) {
        body[i] = static_cast<char>(i * 7 + i / 251);
    }
    serve({serve_all(body)});
    const Fetched got = fetch("http://a.example/");
    ASSERT_FALSE(got.error) << got.error.message();
    EXPECT_TRUE(got.body == body);
    EXPECT_EQ(metrics_.downloaded_bytes.value(), body.size());
}

TEST_F(HttpClient, ShortBodiesAreTruncated) {
    struct Case {
        const char* what;
        const char* answer;
    };
    const std::vector<Case> cases{
        {"Content-Length not reached", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345"},
        {"no body at all", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"},
        {"cut within a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n12345"},
        {"cut between chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n"},
        {"cut within the last chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n0\r\n"},
    };
    std::vector<Script> scripts;
    for (const Case& c : cases) {
        scripts.push_back(serve_once(c.answer));
    }
    serve(scripts);
    for (const Case& c : cases) {
        const Fetched got = fetch("http://a.example/");
        EXPECT_TRUE(got.has_head) << c.what;
        EXPECT_EQ(got.error, Errc::truncated_body) << c.what << ": " << got.error.message();
    }
}

TEST_F(HttpClient, WhatIsNoAnswerIsAProtocolError) {
    const std::vector<std::string> answers{
        "SSH-2.0-OpenSSH_9.2\r\n",
        "HTTP/2.0 200 OK\r\n\r\n",
        "HTTP/1.1 99 Low\r\n\r\n",
        "HTTP/1.1 OK\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nBad Name: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX-Nul: a" + std::string(1, '\0') + "b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnot hexadecimal\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n123456789\r\n",
        "HTTP/1.1 200 OK\r\nX-Large: " + std::string(70'000, 'x') + "\r\n\r\n",
    };
    std::vector<Script> scripts;
    for (const std::string& answer : answers) {
        scripts.push_back(serve_once(answer));
    }
    serve(scripts);
    for (const std::string& answer : answers) {
        const Fetched got = fetch("http://a.example/");
        EXPECT_EQ(got.error, Errc::protocol_error) << answer.substr(0, 80) << ": " << got.error.message();
    }
}

TEST_F(HttpClient, HeadersMayBeLargeUpToTheLimit) {
    const std::string large(60'000, 'x');
    serve({serve_all("body", "X-Large: " + large + "\r\n")});
    const Fetched got = fetch("http://a.example/");
    ASSERT_FALSE(got.error) << got.error.message();
    EXPECT_EQ(got.head.header("X-Large"), large);
    EXPECT_EQ(got.body, "body");
}

TEST_F(HttpClient, InterimAnswersAreSkippedUpToABound) {
    std::string endless;
    for (int i = 0; i < 100; ++i) {
        endless += "HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n";
    }
    serve({serve_once("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n" + ok("body")),
           serve_once(endless + ok("body"))});
    const Fetched got = fetch("http://a.example/");
    ASSERT_FALSE(got.error) << got.error.message();
    EXPECT_EQ(got.head.status, 200u);
    EXPECT_EQ(got.head.header("Link"), "");
    EXPECT_EQ(got.body, "body");
    EXPECT_EQ(fetch("http://a.example/").error, Errc::protocol_error);
}

TEST_F(HttpClient, AnswersWithoutABodyAreComplete) {
    serve({[](Peer& peer) {
        peer.read_request();
        peer.send("HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\n\r\n");
        peer.read_request();
        peer.send("HTTP/1.1 204 No Content\r\n\r\n");
        peer.read_request();
        peer.send("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
        peer.wait_closed();
    }});
    for (const unsigned status : {304u, 204u, 404u}) {
        const Fetched got = fetch("http://a.example/");
        EXPECT_FALSE(got.error) << got.error.message();
        EXPECT_EQ(got.head.status, status);
        EXPECT_EQ(got.head.content_length, 0u);
    }
    EXPECT_EQ(server_->accepted(), 1);
}

TEST_F(HttpClient, NoAnswerIsATimeoutOfTheFirstByte) {
    options_.first_byte_timeout = milliseconds(40);
    serve({[](Peer& peer) { peer.wait_closed(); },
           [](Peer& peer) {
               peer.read_request();
               peer.send("HTTP/1.1 200 OK\r\nX-Half: ");
               peer.wait_closed();
           }});
    EXPECT_EQ(fetch("http://a.example/").error, Errc::timeout_first_byte);
    EXPECT_EQ(fetch("http://a.example/").error, Errc::timeout_first_byte);
}

TEST_F(HttpClient, TheDeadlineHoldsInEachPhase) {
    serve({[](Peer& peer) { peer.wait_closed(); },
           [](Peer& peer) {
               peer.read_request();
               peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n123");
               peer.wait_closed();
           }});
    EXPECT_EQ(fetch("http://a.example/", milliseconds(50)).error, Errc::timeout_total);
    const Fetched got = fetch("http://a.example/", milliseconds(50));
    EXPECT_TRUE(got.has_head);
    EXPECT_EQ(got.error, Errc::timeout_total);
    EXPECT_EQ(fetch("http://a.example/", milliseconds(0)).error, Errc::timeout_total);
}

TEST_F(HttpClient, ABodyThatPausesTooLongIsTooSlow) {
    options_.idle_timeout = milliseconds(40);
    serve({[](Peer& peer) {
        peer.read_request();
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n123");
        peer.wait_closed();
    }});
    const Fetched got = fetch("http://a.example/");
    EXPECT_EQ(got.error, Errc::too_slow);
    EXPECT_EQ(got.body, "123");
}

TEST_F(HttpClient, ABodyThatDripsIsTooSlow) {
    options_.idle_timeout = milliseconds(50);
    options_.min_rate = 1'000'000;
    std::atomic<bool> ended = false;
    const ServerEnds ends(server_);
    serve({[&](Peer& peer) {
        peer.read_request();
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n");
        while (!ended) {
            peer.send("drip");
            std::this_thread::sleep_for(milliseconds(2));  // the drip itself
        }
    }});
    const Fetched got = fetch("http://a.example/");
    ended = true;
    EXPECT_EQ(got.error, Errc::too_slow);
    EXPECT_FALSE(got.body.empty());
}

TEST_F(HttpClient, AResetIsAReset) {
    serve({[](Peer& peer) {
               peer.read_request();
               peer.reset();
           },
           [](Peer& peer) {
               peer.read_request();
               peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n123");
               peer.reset();
           }});
    EXPECT_EQ(fetch("http://a.example/").error, Errc::connection_reset);
    // The bytes before it may be lost with it (RST discards what was not read yet).
    EXPECT_EQ(fetch("http://a.example/").error, Errc::connection_reset);
}

TEST_F(HttpClient, AddressesAreTriedInTurn) {
    // Nobody listens on 127.0.0.2 at that port.
    dns_.names["two.example"].v4 = {"127.0.0.2", "127.0.0.1"};
    serve({serve_all("x")});
    const Fetched got = fetch("http://two.example/");
    EXPECT_FALSE(got.error) << got.error.message();
    EXPECT_EQ(got.remote_address, "127.0.0.1");
}

TEST_F(HttpClient, RefusedByAllAddressesIsRefused) {
    dns_.names["down.example"].v4 = {"127.0.0.2", "127.0.0.3"};
    dns_.names["down.example"].v6 = {"::1"};
    serve({serve_all("x")});
    EXPECT_EQ(fetch("http://down.example/").error, Errc::connect_refused);
}

TEST_F(HttpClient, TheGuardHoldsForTheAddressThatIsDialled) {
    dns_.names["inside.example"].v4 = {"10.0.0.1"};
    dns_.names["half.example"].v4 = {"10.0.0.1", "127.0.0.1"};
    serve({serve_all("x")});
    EXPECT_EQ(fetch("http://inside.example/").error, Errc::address_refused);
    EXPECT_EQ(fetch("http://169.254.169.254/latest/meta-data/").error, Errc::address_refused);
    EXPECT_EQ(fetch("http://[::ffff:127.0.0.1]/").error, Errc::address_refused);
    EXPECT_EQ(fetch("http://half.example/").remote_address, "127.0.0.1");
}

TEST_F(HttpClient, PortsOfOtherServicesAreRefusedBeforeAnyQuery) {
    serve({serve_all("x")});
    EXPECT_EQ(fetch("http://a.example:25/").error, Errc::address_refused);
    EXPECT_EQ(dns_.queries(), 0);
}

TEST_F(HttpClient, ErrorsOfDnsComeThrough) {
    serve({serve_all("x")});
    EXPECT_EQ(fetch("http://missing.example/").error, Errc::dns_not_found);
    dns_.names["broken.example"].rcode = 2;
    EXPECT_EQ(fetch("http://broken.example/").error, Errc::dns_failure);
}

TEST_F(HttpClient, AnAddressHasItsNumberOfConnections) {
    Signal go;
    const ServerEnds ends(server_);
    serve({[&](Peer& peer) {
        peer.read_request();
        go.wait();
        peer.send(ok("x"));
        peer.wait_closed();
    }});
    std::vector<Running*> running;
    for (int i = 0; i < 4; ++i) {
        running.push_back(&start("http://a.example/"));
    }
    ASSERT_TRUE(run_until([&] { return server_->accepted() == 4; }));
    EXPECT_EQ(fetch("http://b.example/").error, Errc::address_busy);
    go.set();
    ASSERT_TRUE(run_until([&] {
        return std::all_of(running.begin(), running.end(), [](const Running* one) { return one->done(); });
    }));
    // The first that idles makes room for who was refused.
    EXPECT_TRUE(run_until([&] { return client_->idle_connections() == 3 && limits_.connections() == 3; }));
}

TEST_F(HttpClient, AClosedGateLetsNothingOutAndKeepsTheConnection) {
    struct ClosedGate final : SendGate {
        bool may_send() override {
            ++asked;
            return false;
        }
        int asked = 0;
    } gate;
    serve({serve_all("x")});
    Result<std::unique_ptr<Exchange>> answer = make_error_code(Errc::success);
    bool done = false;
    const auto ask = [&]() -> boost::asio::awaitable<void> {
        const Deadline deadline = Deadline::after(std::chrono::steady_clock::now(), Milliseconds(5000));
        answer = co_await client_->get(*url::canonicalize("http://a.example/"), deadline, &gate);
        done = true;
    };
    boost::asio::co_spawn(context_, ask, boost::asio::detached);
    ASSERT_TRUE(run_until([&] { return done; }));
    EXPECT_EQ(answer.error(), Errc::not_sent);
    EXPECT_EQ(gate.asked, 1);
    EXPECT_EQ(client_->idle_connections(), 1u);
    EXPECT_FALSE(fetch("http://a.example/").error) << "the connection serves the next request";
    EXPECT_EQ(server_->accepted(), 1);
}

TEST_F(HttpClient, AGateIsToldWhenTheRequestHasLeft) {
    struct OpenGate final : SendGate {
        bool may_send() override { return ++asked > 0; }
        void written() override { told = asked; }
        int asked = 0;
        int told = 0;
    } gate;
    serve({serve_all("x")});
    bool done = false;
    const auto ask = [&]() -> boost::asio::awaitable<void> {
        const Deadline deadline = Deadline::after(std::chrono::steady_clock::now(), Milliseconds(5000));
        const auto answer = co_await client_->get(*url::canonicalize("http://a.example/"), deadline, &gate);
        EXPECT_TRUE(answer);
        done = true;
    };
    boost::asio::co_spawn(context_, ask, boost::asio::detached);
    ASSERT_TRUE(run_until([&] { return done; }));
    EXPECT_EQ(gate.told, 1);
}

TEST_F(HttpClient, AnIdleConnectionGivesWayToAnotherHostOnItsAddress) {
    serve({serve_all("x")});
    std::vector<Running*> running;
    for (int i = 0; i < 4; ++i) {
        running.push_back(&start("http://a.example/"));
    }
    ASSERT_TRUE(run_until([&] { return client_->idle_connections() == 4; }));
    EXPECT_FALSE(fetch("http://b.example/").error);
    EXPECT_EQ(limits_.connections(), 4u);
    EXPECT_EQ(client_->idle_connections(), 4u);
}

// Hosts on one server belong to several shards, each with a client of its own.
TEST_F(HttpClient, AnIdleConnectionGivesWayToAnotherClientOfTheSameLimits) {
    serve({serve_all("x")});
    std::vector<Running*> running;
    for (int i = 0; i < 4; ++i) {
        running.push_back(&start("http://a.example/"));
    }
    ASSERT_TRUE(run_until([&] { return client_->idle_connections() == 4; }));
    std::unique_ptr<Client> first = std::move(client_);
    client_ = std::make_unique<Client>(context_, options_, *resolver_, *guard_, *tls_, limits_, metrics_, clock_);
    EXPECT_EQ(fetch("http://b.example/").error, Errc::address_busy);
    ASSERT_TRUE(run_until([&] { return first->idle_connections() == 3; }));
    EXPECT_FALSE(fetch("http://b.example/").error);
    EXPECT_EQ(first->idle_connections(), 3u) << "one was enough";
    stop_client();
    client_ = std::move(first);
}

TEST_F(HttpClient, AStoppedClientTakesNothingAndKeepsNothing) {
    Signal go;
    const ServerEnds ends(server_);
    serve({[&](Peer& peer) {
        peer.read_request();
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n12");
        go.wait();
        peer.send("34");
        peer.wait_closed();
    }});
    Running& running = start("http://a.example/");
    ASSERT_TRUE(run_until([&] { return running.fetched.has_head; }));
    stop_client();
    EXPECT_EQ(fetch("http://a.example/").error, Errc::cancelled);
    go.set();
    ASSERT_TRUE(run_until([&] { return running.done(); }));
    EXPECT_EQ(running.fetched.body, "1234");
    EXPECT_EQ(client_->idle_connections(), 0u);
}

}  // namespace
}  // namespace grit::net::test
