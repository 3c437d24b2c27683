// What servers do to HTTP, and what becomes of it: framing, heads, stalls. One behaviour a case; docs/fetch.md lists
// them.
#include <gtest/gtest.h>

#include <atomic>

#include "client_fixture.hpp"

namespace grit::net::test {
namespace {

using std::chrono::milliseconds;
using Script = WebServer::Script;

// Answers each request of a connection with these bytes.
Script serve_each(std::string bytes) {
    return [=](Peer& peer) {
        while (!peer.read_request().empty()) {
            peer.send(bytes);
        }
    };
}

// Says the beginning, then the same few bytes again and again until the client goes.
Script drip(std::string beginning, std::string drop) {
    return [=](Peer& peer) {
        peer.read_request();
        peer.send(beginning);
        while (!peer.closed_within(milliseconds(2))) {  // the drip itself
            peer.send(drop);
        }
    };
}

class HostileHttp : public ServedClientTest {
  protected:
    void serve(std::vector<Script> scripts) {
        serve_at(80, std::make_unique<WebServer>(std::move(scripts)));
    }
    /// Fetches once for each script.
    Errc fetched() {
        const Fetched got = fetch("http://a.example/x.jpg");
        return got.error ? classify(got.error) : Errc::success;
    }
};

TEST_F(HostileHttp, Http10IsTakenAndItsConnectionNotKept) {
    serve({serve_each("HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc")});
    for (int i = 0; i < 2; ++i) {
        const Fetched got = fetch("http://a.example/");
        EXPECT_FALSE(got.error) << got.error.message();
        EXPECT_EQ(got.body, "abc");
        EXPECT_FALSE(got.head.keep_alive);
    }
    EXPECT_EQ(server_->accepted(), 2);
}

TEST_F(HostileHttp, Http10MayAskToKeepItsConnection) {
    serve({serve_each("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nabc")});
    EXPECT_EQ(fetched(), Errc::success);
    EXPECT_TRUE(fetch("http://a.example/").timings.reused);
}

// RFC 9112 section 5.2: a user agent takes a folded line as if it were spaces.
TEST_F(HostileHttp, ObsoleteFoldingIsUnfolded) {
    serve({serve_once("HTTP/1.1 200 OK\r\nX-Robots-Tag: noindex,\r\n  noai\r\nContent-Length: 1\r\n\r\nx")});
    const Fetched got = fetch("http://a.example/");
    EXPECT_FALSE(got.error) << got.error.message();
    EXPECT_EQ(got.head.header("X-Robots-Tag"), "noindex, noai");
    EXPECT_EQ(got.body, "x");
}

TEST_F(HostileHttp, LinesThatEndWithABareLineFeedAreAProtocolError) {
    serve({serve_once("HTTP/1.1 200 OK\nContent-Length: 2\n\nab"),
           serve_once("HTTP/1.1 200 OK\r\nContent-Length: 2\nX-A: 1\r\n\r\nab"),
           serve_once("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\nab")});
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(fetched(), Errc::protocol_error) << i;
    }
}

TEST_F(HostileHttp, AFloodOfHeaderFieldsIsAProtocolError) {
    std::string flood = "HTTP/1.1 200 OK\r\n";
    std::string many = flood;
    for (int i = 0; i < 200'000; ++i) {
        flood += "X-A: b\r\n";
    }
    for (int i = 0; i < 5'000; ++i) {
        many += "a:\r\n";  // within the bound of bytes, yet each costs memory
    }
    serve({serve_once(flood), serve_once(many + "Content-Length: 0\r\n\r\n")});
    EXPECT_EQ(fetched(), Errc::protocol_error);
    EXPECT_EQ(fetched(), Errc::protocol_error);
}

TEST_F(HostileHttp, AHeaderLineOfAMegabyteIsAProtocolError) {
    serve({serve_once("HTTP/1.1 200 OK\r\nX-Large: " + std::string(1 << 20, 'x') + "\r\nContent-Length: 1\r\n\r\nx"),
           serve_once("HTTP/1.1 200 " + std::string(1 << 20, 'O') + "\r\nContent-Length: 1\r\n\r\nx")});
    EXPECT_EQ(fetched(), Errc::protocol_error);
    EXPECT_EQ(fetched(), Errc::protocol_error);
}

// RFC 9112 section 6.3 point 5: equal ones may be taken as one; what differs has no length at all.
TEST_F(HostileHttp, ContentLengthMayBeSaidTwiceIfItIsTheSame) {
    serve({serve_once("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nab"),
           serve_once("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc"),
           serve_once("HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\nabc"),
           serve_once("HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nab"),
           serve_once("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nab")});
    EXPECT_EQ(fetched(), Errc::success);
    for (int i = 0; i < 4; ++i) {
        EXPECT_EQ(fetched(), Errc::protocol_error) << i;
    }
}

// RFC 9112 section 6.1: it is how requests and answers are smuggled.
TEST_F(HostileHttp, TransferEncodingBesideContentLengthIsAProtocolError) {
    const std::string chunks = "2\r\nab\r\n0\r\n\r\n";
    serve({serve_once("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 12\r\n\r\n" + chunks),
           serve_once("HTTP/1.1 200 OK\r\nContent-Length: 12\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)});
    EXPECT_EQ(fetched(), Errc::protocol_error);
    EXPECT_EQ(fetched(), Errc::protocol_error);
}

TEST_F(HostileHttp, ChunkExtensionsAndTrailersAreReadOver) {
    serve(
        {serve_each("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Robots-Tag\r\n\r\n"
                    "3;a;b=c;d=\"e f\"\r\nabc\r\n0;last\r\nX-Robots-Tag: noai\r\nX-B: 1\r\n\r\n")});
    const Fetched got = fetch("http://a.example/");
    EXPECT_FALSE(got.error) << got.error.message();
    EXPECT_EQ(got.body, "abc");
    EXPECT_EQ(got.head.header("X-Robots-Tag"), "") << "what comes behind the body is no part of the head";
    EXPECT_TRUE(fetch("http://a.example/").timings.reused);
}

TEST_F(HostileHttp, ChunksOfImpossibleSizeAreAProtocolError) {
    const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    serve({serve_once(head + "10000000000000000\r\nabc"), serve_once(head + "-1\r\nabc"),
           serve_once(head + "\r\nabc\r\n"), serve_once(head + "3\r\nabcdef\r\n0\r\n\r\n")});
    for (int i = 0; i < 4; ++i) {
        EXPECT_EQ(fetched(), Errc::protocol_error) << i;
    }
}

TEST_F(HostileHttp, AHeadThatIsCutOffIsAReset) {
    serve({serve_once("HTTP/1.1 200 OK\r\nContent-Le"), serve_once("HTTP/1.1"), serve_once("")});
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(fetched(), Errc::connection_reset) << i;
    }
}

// 205 has no body by RFC 9110 section 15.3.6, yet is framed like any other: here by nothing but the end.
TEST_F(HostileHttp, AnAnswerWithoutFramingEndsWithItsConnection) {
    serve({serve_once("HTTP/1.1 205 Reset Content\r\n\r\n"), serve_once("HTTP/1.1 200 OK\r\n\r\nabc")});
    EXPECT_EQ(fetch("http://a.example/").body, "");
    EXPECT_EQ(fetch("http://a.example/").body, "abc");
    EXPECT_EQ(server_->accepted(), 2);
}

TEST_F(HostileHttp, AHeadThatDripsIsATimeoutOfTheFirstByte) {
    options_.first_byte_timeout = milliseconds(60);
    serve({drip("HTTP/1.1 200 OK\r\nX-A: ", "x")});
    EXPECT_EQ(fetched(), Errc::timeout_first_byte);
}

TEST_F(HostileHttp, InterimAnswersThatDripAreATimeoutOfTheFirstByte) {
    options_.first_byte_timeout = milliseconds(25);
    serve({drip("", "HTTP/1.1 102 Processing\r\n\r\n")});
    const Errc error = fetched();
    EXPECT_TRUE(error == Errc::timeout_first_byte || error == Errc::protocol_error) << name_of(error);
}

TEST_F(HostileHttp, ChunksThatDripAreTooSlow) {
    options_.idle_timeout = milliseconds(50);
    options_.min_rate = 1'000'000;
    serve({drip("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1;x=y\r\na\r\n"),
           drip("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", "x")});
    EXPECT_EQ(fetched(), Errc::too_slow);
    EXPECT_EQ(fetched(), Errc::too_slow);
}

TEST_F(HostileHttp, AnEndlessBodyEndsWithTheDeadline) {
    serve({[](Peer& peer) {
        peer.read_request();
        peer.send("HTTP/1.1 200 OK\r\n\r\n");
        const std::string piece(64 * 1024, 'x');
        while (!peer.closed_within(milliseconds(0))) {
            peer.send(piece);
        }
    }});
    const Fetched got = fetch("http://a.example/", milliseconds(60));
    EXPECT_EQ(got.error, Errc::timeout_total);
    EXPECT_TRUE(got.has_head);
}

}  // namespace
}  // namespace grit::net::test
