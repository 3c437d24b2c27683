// What servers do to TLS beyond their certificates: old versions, stalls and cuts. docs/fetch.md lists them.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client_fixture.hpp"

namespace grit::net::test {
namespace {

using std::chrono::milliseconds;
using Script = WebServer::Script;

const Script kServeOne = [](Peer& peer) {
    peer.read_request();
    peer.send(ok("image"));
    peer.close();
    peer.wait_closed();
};

// A client of those days gets through: so the server is what it says it is.
bool accepts_old_clients(std::uint16_t port, int version) {
    SSL_CTX* const ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_security_level(ctx, 0);
    SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(ctx, version);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    SSL* const ssl = SSL_new(ctx);
    SSL_set_fd(ssl, fd);
    const bool through = ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0 &&
                         SSL_connect(ssl) == 1 && SSL_version(ssl) == version;
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    ::close(fd);
    return through;
}

class HostileTls : public ServedClientTest {
  protected:
    void serve(std::vector<Script> scripts, Validity validity = Validity::now, int newest = 0) {
        serve_at(443, std::make_unique<WebServer>(authority_.issue("DNS:a.example", validity), std::move(scripts), newest));
    }
    void serve_plain(Script script) {
        serve_at(443, std::make_unique<WebServer>(std::vector<Script>{std::move(script)}));
    }
};

TEST_F(HostileTls, VersionsBefore12AreRefused) {
    for (const int version : {TLS1_VERSION, TLS1_1_VERSION}) {
        if (client_) {
            stop_client();
        }
        serve({kServeOne}, Validity::now, version);
        EXPECT_TRUE(accepts_old_clients(server_->port(), version));
        EXPECT_EQ(fetch("https://a.example/").error, Errc::tls_handshake);
        // The server's thread may be later than the alert that it sent.
    EXPECT_TRUE(run_until([&] { return server_->failed_handshakes() == 1; }));
    }
}

TEST_F(HostileTls, Version12IsTaken) {
    serve({kServeOne}, Validity::now, TLS1_2_VERSION);
    EXPECT_EQ(fetch("https://a.example/").body, "image");
}

TEST_F(HostileTls, ACertificateThatIsNotYetValidIsRefused) {
    serve({kServeOne}, Validity::later);
    EXPECT_EQ(fetch("https://a.example/").error, Errc::tls_certificate);
}

TEST_F(HostileTls, AChainWithAMissingIntermediateIsRefused) {
    server_ =
        std::make_unique<WebServer>(authority_.issue_through_another("DNS:a.example"), std::vector<Script>{kServeOne});
    map_port(443, server_->port());
    make_client();
    EXPECT_EQ(fetch("https://a.example/").error, Errc::tls_certificate);
}

TEST_F(HostileTls, InternationalNamesAreCheckedAsTheyAreOnTheWire) {
    dns_.names["xn--bcher-kva.example"].v4 = {"127.0.0.1"};
    server_ =
        std::make_unique<WebServer>(authority_.issue("DNS:xn--bcher-kva.example"), std::vector<Script>{kServeOne});
    map_port(443, server_->port());
    make_client();
    EXPECT_EQ(fetch("https://b\xc3\xbc"
                    "cher.example/")
                  .body,
              "image");
    EXPECT_EQ(fetch("https://a.example/").error, Errc::tls_certificate);
}

TEST_F(HostileTls, AHandshakeThatStopsInItsMiddleIsAHandshakeError) {
    options_.connect_timeout = milliseconds(60);
    serve_plain([](Peer& peer) {
        peer.read_some();
        peer.send(std::string_view("\x16\x03\x03\x00\x5a\x02\x00\x00\x56\x03\x03", 11));  // a ServerHello begins
        peer.wait_closed();
    });
    EXPECT_EQ(fetch("https://a.example/").error, Errc::tls_handshake);
}

TEST_F(HostileTls, AHandshakeThatDripsIsAHandshakeError) {
    options_.connect_timeout = milliseconds(60);
    serve_plain([](Peer& peer) {
        peer.read_some();
        peer.send(std::string_view("\x16\x03\x03\x40\x00\x02\x00\x3f\xfc", 9));  // 16 KiB are announced
        while (!peer.closed_within(milliseconds(2))) {                           // the drip itself
            peer.send("x");
        }
    });
    EXPECT_EQ(fetch("https://a.example/").error, Errc::tls_handshake);
}

TEST_F(HostileTls, RandomBytesInsteadOfAHandshakeAreAHandshakeError) {
    serve_plain([](Peer& peer) {
        peer.read_some();
        std::string noise;
        for (unsigned value = 1; noise.size() < 4096; value = value * 1103515245U + 12345U) {
            noise.push_back(static_cast<char>(value >> 16));
        }
        peer.send(noise);
        peer.wait_closed();
    });
    EXPECT_EQ(fetch("https://a.example/").error, Errc::tls_handshake);
}

TEST_F(HostileTls, ABodyThatIsCutBeforeItsLengthIsTruncated) {
    const auto begin = [](Peer& peer) {
        peer.read_request();
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nbeginning");
    };
    serve({[=](Peer& peer) {
               begin(peer);
               peer.cut();  // no close_notify
               peer.wait_closed();
           },
           [=](Peer& peer) {
               begin(peer);
               peer.close();
               peer.wait_closed();
           }});
    for (int i = 0; i < 2; ++i) {
        const Fetched got = fetch("https://a.example/");
        EXPECT_EQ(got.error, Errc::truncated_body) << i;
        EXPECT_EQ(got.body, "beginning") << i;
    }
}

TEST_F(HostileTls, GarbageBetweenRecordsIsAReset) {
    serve({[](Peer& peer) {
        peer.read_request();
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nbeginning");
        peer.send_raw("this is no TLS record");
        peer.wait_closed();
    }});
    EXPECT_EQ(fetch("https://a.example/").error, Errc::connection_reset);
}

}  // namespace
}  // namespace grit::net::test
