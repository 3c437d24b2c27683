// Real sockets on the loopback: a blocking client against an exporter that runs in a thread of its own.
#include "grit/exporter/exporter.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace grit::exporter {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::StartsWith;

// Longer than any test may take: what is to be waited for comes sooner, or the test fails.
constexpr milliseconds kNever{60'000};

class Client {
  public:
    explicit Client(std::uint16_t port) : socket_(context_) {
        socket_.connect({asio::ip::address_v4::loopback(), port});
    }
    void send(std::string_view bytes) { asio::write(socket_, asio::buffer(bytes.data(), bytes.size()), ignored_); }
    /// Everything up to the server's close. `error` tells a clean end from a reset.
    std::string read_all() {
        std::string text;
        error = ErrorCode();
        asio::read(socket_, asio::dynamic_buffer(text), error);
        return text;
    }
    /// True if the server has said or closed anything within that time.
    bool hears_within(milliseconds limit) {
        pollfd waiting{socket_.native_handle(), POLLIN, 0};
        return poll(&waiting, 1, static_cast<int>(limit.count())) > 0;
    }
    ErrorCode error;

  private:
    asio::io_context context_;
    tcp::socket socket_;
    ErrorCode ignored_;
};

class ExporterTest : public testing::Test {
  protected:
    ~ExporterTest() override { stop(); }

    void start(Limits limits = {}) {
        exporter_.emplace(
            context_, "127.0.0.1:0", metrics_, [this] { return healthy_.load(); },
            [this] { return Readiness{ready_.load(), ready_ ? "" : "the volume is full"}; }, log_, limits);
        const auto started = exporter_->start();
        ASSERT_TRUE(started) << started.error().what;
        thread_ = std::jthread([this] { context_.run(); });
    }
    // The io_context has to run dry by itself: whatever the exporter left behind would hang here.
    void stop() {
        if (thread_.joinable()) {
            asio::post(context_, [this] { exporter_->stop(); });
            thread_.join();
        }
    }
    std::string ask(std::string_view request) {
        Client client(exporter_->port());
        client.send(request);
        std::string answer = client.read_all();
        EXPECT_EQ(client.error, asio::error::eof) << client.error.message();
        return answer;
    }
    std::string get(const std::string& target) { return ask("GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n"); }

    std::atomic<bool> healthy_ = true;
    std::atomic<bool> ready_ = true;
    std::string logged_;
    Logger log_{LogLevel::debug, logged_};
    metrics::Metrics metrics_{WallTime()};
    asio::io_context context_{1};
    std::optional<Exporter> exporter_;
    std::jthread thread_;
};

std::string body_of(const std::string& answer) {
    return answer.substr(answer.find("\r\n\r\n") + 4);
}

TEST_F(ExporterTest, ServesMetricsInPrometheusFormat) {
    metrics_.fetches(Outcome::stored).add(7);
    start();
    const std::string answer = get("/metrics");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(answer, HasSubstr("\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
    EXPECT_THAT(answer, HasSubstr("\r\nConnection: close\r\n"));
    EXPECT_THAT(body_of(answer), HasSubstr("\ngritd_fetches_total{outcome=\"stored\"} 7\n"));
    EXPECT_THAT(get("/metrics?name[]=x"), StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(get("http://localhost/metrics"), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_F(ExporterTest, HealthAndReadinessTellTheReason) {
    start();
    EXPECT_THAT(get("/healthz"), StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_EQ(body_of(get("/readyz")), "ready\n");
    healthy_ = false;
    ready_ = false;
    EXPECT_THAT(get("/healthz"), StartsWith("HTTP/1.1 503 "));
    const std::string answer = get("/readyz");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 503 "));
    EXPECT_EQ(body_of(answer), "the volume is full\n");
}

TEST_F(ExporterTest, HomePageLinksTheOthers) {
    start();
    const std::string answer = get("/");
    EXPECT_THAT(answer, HasSubstr("Content-Type: text/html"));
    for (const char* link : {"href=\"/metrics\"", "href=\"/healthz\"", "href=\"/readyz\""}) {
        EXPECT_THAT(answer, HasSubstr(link));
    }
}

TEST_F(ExporterTest, HeadHasTheLengthButNoBody) {
    start();
    const std::string answer = ask("HEAD /readyz HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(answer, HasSubstr("\r\nContent-Length: 6\r\n"));
    EXPECT_EQ(body_of(answer), "");
}

TEST_F(ExporterTest, OtherMethodsAndPathsAreRefused) {
    start();
    const std::string answer = ask("POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 405 "));
    EXPECT_THAT(answer, HasSubstr("\r\nAllow: GET, HEAD\r\n"));
    EXPECT_THAT(ask("BREW /metrics HTTP/1.1\r\nHost: a\r\n\r\n"), StartsWith("HTTP/1.1 405 "));
    for (const char* path : {"/metrics/", "/Metrics", "/v1/status", "*", "/../metrics"}) {
        EXPECT_THAT(get(path), StartsWith("HTTP/1.1 404 ")) << path;
    }
    EXPECT_THAT(ask("\x16\x03\x01 nonsense\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
}

TEST_F(ExporterTest, LongHeadIsRefusedAndTheAnswerArrives) {
    start();
    const std::string request = "GET /metrics HTTP/1.1\r\nHost: a\r\nX-Long: ";
    EXPECT_THAT(ask(request + std::string(20 * 1024, 'x') + "\r\n\r\n"), StartsWith("HTTP/1.1 431 "));
    EXPECT_THAT(ask(request + std::string(7 * 1024, 'x') + "\r\n\r\n"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(ExporterTest, SilentAndDrippingClientsAreCutOff) {
    start({.request = milliseconds(150)});
    Client silent(exporter_->port());
    EXPECT_EQ(silent.read_all(), "");
    Client dripping(exporter_->port());
    // Each byte comes well within the limit; all together do not.
    for (int i = 0; i < 1000 && !dripping.hears_within(milliseconds(20)); ++i) {
        dripping.send("x");
    }
    EXPECT_TRUE(dripping.hears_within(milliseconds(0)));
    EXPECT_EQ(dripping.read_all(), "");
    EXPECT_THAT(get("/healthz"), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_F(ExporterTest, Policy_LimitsAreTheDesigns) {
    const Limits limits;
    EXPECT_EQ(limits.request, milliseconds(5'000));
    EXPECT_EQ(limits.connections, 16u);
    EXPECT_EQ(limits.header_bytes, 8u * 1024);
}

TEST_F(ExporterTest, SeventeenthConnectionWaitsForAPlace) {
    start({.request = kNever});
    std::vector<std::unique_ptr<Client>> idle;
    for (int i = 0; i < 16; ++i) {
        idle.push_back(std::make_unique<Client>(exporter_->port()));
    }
    Client late(exporter_->port());
    late.send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_FALSE(late.hears_within(milliseconds(200)));
    idle.pop_back();
    EXPECT_THAT(late.read_all(), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_F(ExporterTest, ClientsThatLeaveGiveTheirPlacesBack) {
    start({.request = kNever, .connections = 2});
    for (int i = 0; i < 50; ++i) {
        Client leaving(exporter_->port());
        leaving.send("GET /metr");
    }
    EXPECT_THAT(get("/healthz"), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_F(ExporterTest, StopCutsOpenConnectionsAndEndsEverything) {
    start({.request = kNever, .connections = 2});
    Client silent(exporter_->port());
    Client half(exporter_->port());
    half.send("GET /metrics HT");
    Client queued(exporter_->port());
    stop();  // Would hang if anything were left running.
    EXPECT_EQ(silent.read_all(), "");
    EXPECT_EQ(half.read_all(), "");
}

TEST_F(ExporterTest, StartTellsWhyItCanNotListen) {
    start();
    asio::io_context other;
    const auto always = [] { return true; };
    const auto ready = [] { return Readiness{true, ""}; };
    Exporter second(other, "127.0.0.1:" + std::to_string(exporter_->port()), metrics_, always, ready, log_);
    const auto taken = second.start();
    ASSERT_FALSE(taken);
    EXPECT_THAT(taken.error().what, HasSubstr("Address already in use"));
    Exporter third(other, "localhost:80", metrics_, always, ready, log_);
    EXPECT_FALSE(third.start());
}

}  // namespace
}  // namespace grit::exporter
