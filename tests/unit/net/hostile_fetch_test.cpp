// Answers that are HTTP and yet no image, and the outcome that they get: from the server to the closed list.
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/thread_pool.hpp>
#include <optional>
#include <span>
#include <string>

#include "client_fixture.hpp"
#include "grit/archive/depot.hpp"
#include "grit/fetch/fetcher.hpp"
#include "grit/media/digest.hpp"
#include "temp_folder.hpp"

namespace grit::net::test {
namespace {

using Script = WebServer::Script;

struct OpenGate final : SendGate {
    bool may_send() override { return true; }
};

class HostileFetch : public ClientTest {
  protected:
    /// What becomes of one answer.
    fetch::Fetched outcome_of_answer(std::string bytes) {
        return outcome_of_script([bytes = std::move(bytes)](Peer& peer) {
            peer.read_request();
            peer.send(bytes);
            peer.close();
            peer.wait_closed();
        });
    }

    fetch::Fetched outcome_of_script(Script script) {
        if (client_) {
            stop_client();
        }
        WebServer server({std::move(script)});
        map_port(80, server.port());
        make_client();
        archive::DepotOptions place;
        place.root = folder_ / "images";
        place.dataset_id = "test";
        const auto depot = archive::Depot::open(place);
        if (!depot) {
            ADD_FAILURE() << depot.error().what;
            return {};
        }
        fetch::FetchOptions options;
        options.max_body = kMaxBody;
        options.product_token = "gritd";
        options.filter = filter_;
        fetch::Fetcher fetcher(*client_, **depot, disk_, options, metrics_, clock_);
        std::optional<fetch::Fetched> result;
        const auto ask = [&]() -> boost::asio::awaitable<void> {
            url::CanonicalUrl url = url::canonicalize("http://a.example/x.jpg").value();
            result = co_await fetcher.image(std::move(url), Milliseconds(0), gate_);
        };
        boost::asio::co_spawn(context_, ask, boost::asio::detached);
        EXPECT_TRUE(run_until([&] { return result.has_value(); }));
        if (!result) {
            return {};
        }
        result->image.reset();  // it refers to the depot
        return std::move(*result);
    }

    static constexpr std::uint64_t kMaxBody = 100'000;
    grit::test::TempFolder folder_;
    boost::asio::thread_pool disk_{1};
    OpenGate gate_;
    media::Filter filter_;
};

// "GIF89a", one pixel, as small as an image gets.
const std::string kGif("GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\1\0\1\0\0\2\2D\1\0;", 35);

std::string answer(const std::string& fields, const std::string& body) {
    return "HTTP/1.1 200 OK\r\n" + fields + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

TEST_F(HostileFetch, AnImageIsAnImageWhateverItsTypeIsCalled) {
    for (const char* type : {"image/gif", "text/html", "application/octet-stream", "\x80\xff"}) {
        const fetch::Fetched got = outcome_of_answer(answer("Content-Type: " + std::string(type) + "\r\n", kGif));
        EXPECT_EQ(got.outcome, Outcome::stored) << type << ": " << got.detail;
    }
}

// The body of a refusal is read for the sake of the connection alone, which is not worth the time that an image's would be.
TEST_F(HostileFetch, TheBodyOfARefusalIsNotWaitedForLong) {
    options_.idle_timeout = Milliseconds(8'000);
    const fetch::Fetched got = outcome_of_script([](Peer& peer) {
        peer.read_request();
        peer.send("HTTP/1.1 404 Not Found\r\nContent-Length: 100\r\n\r\nnot all of it");
        peer.wait_closed();
    });
    EXPECT_EQ(got.outcome, Outcome::http_not_found);
    EXPECT_LT(got.spent, options_.idle_timeout / 2);
}

// We ask for identity. What is compressed all the same is not unpacked: its bytes are no image.
TEST_F(HostileFetch, ACompressedAnswerThatNobodyAskedForIsNotAnImage) {
    const std::string gzip("\x1f\x8b\x08\0\0\0\0\0\0\x03", 10);
    for (const char* coding : {"gzip", "deflate", "br"}) {
        const std::string body = (coding == std::string("gzip") ? gzip : std::string("\x8b\x0f\x80")) + kGif.substr(3);
        const std::string fields = "Content-Type: image/gif\r\nContent-Encoding: " + std::string(coding) + "\r\n";
        EXPECT_EQ(outcome_of_answer(answer(fields, body)).outcome, Outcome::not_an_image) << coding;
    }
    const std::string chunked =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\na\r\n" + gzip + "\r\n0\r\n\r\n";
    EXPECT_EQ(outcome_of_answer(chunked).outcome, Outcome::not_an_image);
}

// What says that it is compressed and is not: many servers label so. The bytes decide.
TEST_F(HostileFetch, AnImageThatIsOnlySaidToBeCompressedIsAnImage) {
    EXPECT_EQ(outcome_of_answer(answer("Content-Encoding: gzip\r\n", kGif)).outcome, Outcome::stored);
}

TEST_F(HostileFetch, APartThatNobodyAskedForIsAProtocolError) {
    const fetch::Fetched got =
        outcome_of_answer("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-9/35\r\nContent-Length: 10\r\n\r\n" +
                          kGif.substr(0, 10));
    EXPECT_EQ(got.outcome, Outcome::protocol_error);
    EXPECT_EQ(got.http_status, 206);
}

TEST_F(HostileFetch, AnswersWithoutContentAreEmpty) {
    EXPECT_EQ(outcome_of_answer("HTTP/1.1 204 No Content\r\n\r\n").outcome, Outcome::empty_body);
    EXPECT_EQ(outcome_of_answer("HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n").outcome,
              Outcome::empty_body);
    EXPECT_EQ(outcome_of_answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").outcome, Outcome::empty_body);
    EXPECT_EQ(outcome_of_answer("HTTP/1.1 200 OK\r\n\r\n").outcome, Outcome::empty_body);
}

TEST_F(HostileFetch, NotModifiedWithoutAConditionIsAProtocolError) {
    const fetch::Fetched got = outcome_of_answer("HTTP/1.1 304 Not Modified\r\nContent-Length: 35\r\n\r\n");
    EXPECT_EQ(got.outcome, Outcome::protocol_error);
    EXPECT_EQ(got.http_status, 304);
}

TEST_F(HostileFetch, StatusesBeyondTheKnownHaveAnOutcome) {
    const std::string end = "Content-Length: 0\r\n\r\n";
    EXPECT_EQ(outcome_of_answer("HTTP/1.1 300 Multiple Choices\r\n" + end).outcome, Outcome::protocol_error);
    EXPECT_EQ(outcome_of_answer("HTTP/1.1 407 Proxy\r\n" + end).outcome, Outcome::http_client_error);
    EXPECT_EQ(outcome_of_answer("HTTP/1.1 599 Odd\r\n" + end).outcome, Outcome::http_server_error);
    EXPECT_EQ(outcome_of_answer("HTTP/1.1 999 Denied\r\n" + end).outcome, Outcome::http_server_error);
}

TEST_F(HostileFetch, APageForADeadImageIsNotAnImage) {
    const std::string page = "<!DOCTYPE html><html><title>Just a moment...</title></html>";
    const fetch::Fetched got = outcome_of_answer(answer("Content-Type: text/html\r\n", page));
    EXPECT_EQ(got.outcome, Outcome::not_an_image);
    EXPECT_NE(got.detail.find("text/html"), std::string::npos);
}

TEST_F(HostileFetch, WhatACompressedAnswerIsCalledIsOnRecord) {
    const fetch::Fetched got = outcome_of_answer(answer("Content-Type: image/gif\r\nContent-Encoding: br\r\n", "\x8b\x0f\x80zzzzzzzz"));
    EXPECT_EQ(got.detail, "Content-Type: image/gif, Content-Encoding: br");
}

// It is refused to robots and not to the pace: a 503 of that kind holds nobody.
TEST_F(HostileFetch, AChallengePageIsForbiddenWhateverItsStatusIs) {
    for (const char* status : {"403 Forbidden", "503 Service Unavailable", "200 OK", "429 Too Many Requests"}) {
        const fetch::Fetched got = outcome_of_answer("HTTP/1.1 " + std::string(status) +
                                                     "\r\ncf-mitigated: challenge\r\nContent-Length: 0\r\n\r\n");
        EXPECT_EQ(got.outcome, Outcome::http_forbidden) << status;
        EXPECT_EQ(got.detail, "challenge page: cf-mitigated") << status;
    }
    EXPECT_EQ(outcome_of_answer("HTTP/1.1 202 Accepted\r\nx-amzn-waf-action: challenge\r\nContent-Length: 0\r\n\r\n").outcome,
              Outcome::http_forbidden);
}

// As soon as the header says its size: the server sees the connection close long before the announced end.
TEST_F(HostileFetch, AnImageThatIsNotWantedIsNotReadToItsEnd) {
    filter_.least = {2, 2};
    bool closed = false;
    const fetch::Fetched got = outcome_of_script([&](Peer& peer) {
        peer.read_request();
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\n" + kGif.substr(0, 20));
        closed = peer.closed_within(std::chrono::seconds(10));
    });
    EXPECT_EQ(got.outcome, Outcome::filtered);
    EXPECT_EQ(got.detail, "1 x 1 pixels: beyond filter.min_width");
    EXPECT_TRUE(closed);
}

TEST_F(HostileFetch, WhatIsTooSmallIsFilteredByItsLengthOrItsEnd) {
    filter_.min_bytes = kGif.size() + 1;
    EXPECT_EQ(outcome_of_answer(answer("", kGif)).outcome, Outcome::filtered);
    EXPECT_EQ(outcome_of_answer("HTTP/1.1 200 OK\r\n\r\n" + kGif).outcome, Outcome::filtered);
    EXPECT_EQ(outcome_of_answer(answer("", "")).outcome, Outcome::empty_body);
    filter_.min_bytes = kGif.size();
    EXPECT_EQ(outcome_of_answer(answer("", kGif)).outcome, Outcome::stored);
}

TEST_F(HostileFetch, AKnownPlaceholderIsFiltered) {
    media::Digest digest;
    digest.update(std::as_bytes(std::span(kGif)));
    filter_.placeholders.insert(digest.finish());
    EXPECT_EQ(outcome_of_answer(answer("", kGif)).outcome, Outcome::filtered);
    EXPECT_EQ(outcome_of_answer(answer("", kGif + " ")).outcome, Outcome::stored);
}

TEST_F(HostileFetch, AnEndlessBodyIsTooLarge) {
    const fetch::Fetched got = outcome_of_script([](Peer& peer) {
        peer.read_request();
        peer.send("HTTP/1.1 200 OK\r\n\r\n" + kGif);
        const std::string piece(16 * 1024, 'x');
        while (!peer.closed_within(Milliseconds(0))) {
            peer.send(piece);
        }
    });
    EXPECT_EQ(got.outcome, Outcome::too_large);
}

TEST_F(HostileFetch, WhatIsAnnouncedTooLargeIsNotRead) {
    const fetch::Fetched got =
        outcome_of_answer("HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n" + kGif);
    EXPECT_EQ(got.outcome, Outcome::too_large);
}

TEST_F(HostileFetch, ABodyShorterThanItsLengthIsTruncatedEvenIfTheImageIsWhole) {
    const fetch::Fetched got = outcome_of_answer("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + kGif);
    EXPECT_EQ(got.outcome, Outcome::truncated_body);
}

}  // namespace
}  // namespace grit::net::test
