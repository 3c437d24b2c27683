// The client over TLS: trust, names, sessions.
#include <gtest/gtest.h>

#include <atomic>

#include "client_fixture.hpp"

namespace grit::net::test {
namespace {

using std::chrono::milliseconds;
using Script = WebServer::Script;

const Script kServeOne = serve_once(ok("secret image"));

class TlsClient : public ServedClientTest {
  protected:
    void serve(const Identity& identity, std::vector<Script> scripts) {
        serve_at(443, std::make_unique<WebServer>(identity, std::move(scripts)));
    }
    void serve_plain(Script script) {
        serve_at(443, std::make_unique<WebServer>(std::vector<Script>{std::move(script)}));
    }
};

TEST_F(TlsClient, FetchesFromAServerWithAGoodCertificate) {
    std::string name;
    std::string request;
    const ServerEnds ends(server_);
    serve(authority_.issue("DNS:a.example"), {[&](Peer& peer) {
              name = peer.server_name();
              request = peer.read_request();
              peer.send(ok("secret image"));
              peer.close();
              peer.wait_closed();
          }});
    const Fetched got = fetch("https://a.example/");
    ASSERT_FALSE(got.error) << got.error.message();
    EXPECT_EQ(got.body, "secret image");
    EXPECT_GT(got.timings.tls.count(), 0);
    // Though another port is dialled.
    EXPECT_EQ(name, "a.example");
    EXPECT_NE(request.find("\r\nHost: a.example\r\n"), std::string::npos);
}

TEST_F(TlsClient, WildcardsCoverOneLabel) {
    dns_.names["www.a.example"].v4 = dns_.names["two.www.a.example"].v4 = {"127.0.0.1"};
    serve(authority_.issue("DNS:*.a.example"), {kServeOne});
    EXPECT_FALSE(fetch("https://www.a.example/").error);
    EXPECT_EQ(fetch("https://two.www.a.example/").error, Errc::tls_certificate);
}

TEST_F(TlsClient, AddressesAreVerifiedAsAddresses) {
    std::string name = "unset";
    const ServerEnds ends(server_);
    serve(authority_.issue("IP:127.0.0.1"), {[&](Peer& peer) {
              name = peer.server_name();
              kServeOne(peer);
          }});
    const Fetched got = fetch("https://127.0.0.1/");
    EXPECT_FALSE(got.error) << got.error.message();
    EXPECT_EQ(name, "");  // RFC 6066 section 3
}

TEST_F(TlsClient, AnAddressThatIsNotInTheCertificateIsRefused) {
    serve(authority_.issue("DNS:127.0.0.1,DNS:a.example"), {kServeOne});
    EXPECT_EQ(fetch("https://127.0.0.1/").error, Errc::tls_certificate);
}

TEST_F(TlsClient, AnotherHostsCertificateIsRefused) {
    serve(authority_.issue("DNS:b.example"), {kServeOne});
    EXPECT_EQ(fetch("https://a.example/").error, Errc::tls_certificate);
}

TEST_F(TlsClient, AnExpiredCertificateIsRefused) {
    serve(authority_.issue("DNS:a.example", Validity::over), {kServeOne});
    EXPECT_EQ(fetch("https://a.example/").error, Errc::tls_certificate);
}

TEST_F(TlsClient, ASelfSignedCertificateIsRefused) {
    serve(Authority::self_signed("DNS:a.example"), {kServeOne});
    EXPECT_EQ(fetch("https://a.example/").error, Errc::tls_certificate);
}

TEST_F(TlsClient, CertificatesOfAStrangersAuthorityAreRefused) {
    const Authority stranger;
    serve(stranger.issue("DNS:a.example"), {kServeOne});
    EXPECT_EQ(fetch("https://a.example/").error, Errc::tls_certificate);
}

TEST_F(TlsClient, WithVerificationOffAnyCertificateWillDo) {
    serve(Authority::self_signed("DNS:b.example"), {kServeOne});
    stop_client();
    TlsContext::Options trust;
    trust.verify = false;
    tls_ = std::make_unique<TlsContext>(trust);
    client_ = std::make_unique<Client>(context_, options_, *resolver_, *guard_, *tls_, limits_, metrics_, clock_);
    EXPECT_EQ(fetch("https://a.example/").body, "secret image");
}

// One host's, and what was wrong is known: never silence.
TEST_F(TlsClient, AWaiverIsOneHostsAndSaysWhatWasLetPass) {
    dns_.names["b.example"].v4 = {"127.0.0.1"};
    serve(authority_.issue("DNS:a.example,DNS:b.example", Validity::over), {kServeOne});
    stop_client();
    TlsContext::Options trust;
    trust.ca_file = authority_.file();
    trust.waivers = {"a.example"};
    tls_ = std::make_unique<TlsContext>(trust);
    client_ = std::make_unique<Client>(context_, options_, *resolver_, *guard_, *tls_, limits_, metrics_, clock_);
    for (int i = 0; i < 2; ++i) {  // the second time by a session that was resumed
        const Fetched got = fetch("https://a.example/");
        EXPECT_EQ(got.body, "secret image");
        EXPECT_EQ(got.waived_problem, "certificate has expired");
        client_->close_idle();
    }
    EXPECT_EQ(fetch("https://b.example/").error, Errc::tls_certificate);
}

TEST_F(TlsClient, GarbageInsteadOfAHandshake) {
    serve_plain([](Peer& peer) {
        peer.read_some();
        peer.send("HTTP/1.1 400 Bad Request\r\n\r\n");
        peer.wait_closed();
    });
    EXPECT_EQ(fetch("https://a.example/").error, Errc::tls_handshake);
}

TEST_F(TlsClient, AHandshakeThatIsCutOff) {
    serve_plain([](Peer& peer) { peer.read_some(); });
    EXPECT_EQ(fetch("https://a.example/").error, Errc::tls_handshake);
}

TEST_F(TlsClient, AHandshakeThatIsReset) {
    serve_plain([](Peer& peer) {
        peer.read_some();
        peer.reset();
    });
    EXPECT_EQ(fetch("https://a.example/").error, Errc::tls_handshake);
}

TEST_F(TlsClient, AHandshakeThatNeverComes) {
    options_.connect_timeout = milliseconds(60);
    serve_plain([](Peer& peer) { peer.wait_closed(); });
    EXPECT_EQ(fetch("https://a.example/").error, Errc::tls_handshake);
}

TEST_F(TlsClient, SessionsAreResumed) {
    std::atomic<int> resumed = 0;
    const ServerEnds ends(server_);
    serve(authority_.issue("DNS:a.example"), {[&](Peer& peer) {
              resumed += peer.resumed() ? 1 : 0;
              kServeOne(peer);
          }});
    for (int i = 0; i < 3; ++i) {
        ASSERT_FALSE(fetch("https://a.example/").error);
        client_->close_idle();
    }
    EXPECT_EQ(tls_->sessions(), 1u);
    EXPECT_EQ(server_->accepted(), 3);
    EXPECT_EQ(resumed, 2);
    EXPECT_EQ(metrics_.tls_handshakes(metrics::TlsHandshake::full).value(), 1u);
    EXPECT_EQ(metrics_.tls_handshakes(metrics::TlsHandshake::resumed).value(), 2u);
}

TEST_F(TlsClient, SessionsAreResumedAfterAConnectionThatWasDropped) {
    std::atomic<int> resumed = 0;
    const ServerEnds ends(server_);
    serve(authority_.issue("DNS:a.example"), {[&](Peer& peer) {
              resumed += peer.resumed() ? 1 : 0;
              peer.read_request();
              peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nbeginning");
              peer.wait_closed();
          }});
    for (int i = 0; i < 2; ++i) {
        Running& running = start("https://a.example/");
        ASSERT_TRUE(run_until([&] { return running.fetched.has_head; }));
        running.cancel.emit(boost::asio::cancellation_type::terminal);
        ASSERT_TRUE(run_until([&] { return running.done(); }));
    }
    EXPECT_EQ(server_->accepted(), 2);
    EXPECT_EQ(resumed, 1);
}

TEST_F(TlsClient, ASessionIsItsServersOnly) {
    std::atomic<int> resumed = 0;
    const ServerEnds ends(server_);
    serve(authority_.issue("DNS:a.example,DNS:b.example"), {[&](Peer& peer) {
              resumed += peer.resumed() ? 1 : 0;
              kServeOne(peer);
          }});
    ASSERT_FALSE(fetch("https://a.example/").error);
    ASSERT_FALSE(fetch("https://b.example/").error);
    EXPECT_EQ(tls_->sessions(), 2u);
    EXPECT_EQ(resumed, 0);
}

TEST_F(TlsClient, ConnectionsAreReused) {
    serve(authority_.issue("DNS:a.example"), {[](Peer& peer) {
              while (!peer.read_request().empty()) {
                  peer.send(ok(std::string(100'000, 'x')));
              }
          }});
    for (int i = 0; i < 4; ++i) {
        const Fetched got = fetch("https://a.example/");
        ASSERT_FALSE(got.error) << got.error.message();
        EXPECT_EQ(got.body.size(), 100'000u);
        EXPECT_EQ(got.timings.reused, i > 0);
    }
    EXPECT_EQ(server_->accepted(), 1);
}

TEST_F(TlsClient, ABodyMayEndWithCloseNotify) {
    serve(authority_.issue("DNS:a.example"), {[](Peer& peer) {
              peer.read_request();
              peer.send("HTTP/1.0 200 OK\r\n\r\nuntil the end");
              peer.close();
              peer.wait_closed();
          }});
    const Fetched got = fetch("https://a.example/");
    EXPECT_FALSE(got.error) << got.error.message();
    EXPECT_EQ(got.body, "until the end");
}

// Anybody on the way can cut a TCP connection: without close_notify the end says nothing (RFC 8446 section 6.1).
TEST_F(TlsClient, ABodyThatEndsWithoutCloseNotifyIsTruncated) {
    serve(authority_.issue("DNS:a.example"), {[](Peer& peer) {
              peer.read_request();
              peer.send("HTTP/1.0 200 OK\r\n\r\nuntil the cut");
              peer.cut();
              peer.wait_closed();
          }});
    const Fetched got = fetch("https://a.example/");
    EXPECT_EQ(got.error, Errc::truncated_body);
    EXPECT_EQ(got.body, "until the cut");
}

TEST_F(TlsClient, AFramedBodyIsCompleteWithoutCloseNotify) {
    serve(authority_.issue("DNS:a.example"), {[](Peer& peer) {
              peer.read_request();
              peer.send(ok("framed", "Connection: close\r\n"));
              peer.cut();
              peer.wait_closed();
          }});
    EXPECT_EQ(fetch("https://a.example/").body, "framed");
}

}  // namespace

TEST(TlsContext, SaysWhichFileCanNotBeRead) {
    TlsContext::Options options;
    options.ca_file = "/nowhere/roots.pem";
    try {
        const TlsContext context(options);
        FAIL() << "not refused";
    } catch (const std::runtime_error& error) {
        EXPECT_NE(std::string(error.what()).find("/nowhere/roots.pem"), std::string::npos) << error.what();
    }
}

TEST(TlsContext, ReadsTheSystemsTrustStore) {
    const TlsContext::Options options;
    EXPECT_NO_THROW(const TlsContext context(options));
}

}  // namespace grit::net::test
