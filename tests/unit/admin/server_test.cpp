#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <boost/json/parse.hpp>
#include <cstdio>

#include "running_server.hpp"

namespace grit::admin {
namespace {

using test::FakeBackend;
using test::RunningServer;
using test::UnixClient;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;
using namespace std::chrono_literals;

std::string body_of(const std::string& answer) {
    return answer.substr(answer.find("\r\n\r\n") + 4);
}

std::string output_of(const std::string& command) {
    std::string output;
    FILE* pipe = ::popen(command.c_str(), "r");  // NOLINT: a fixed command of this test
    std::array<char, 4096> buffer{};
    while (const std::size_t size = std::fread(buffer.data(), 1, buffer.size(), pipe)) {
        output.append(buffer.data(), size);
    }
    ::pclose(pipe);
    return output;
}

TEST(AdminServer, CurlCanAsk) {
    FakeBackend backend;
    const RunningServer server(backend);
    const std::string text = output_of("curl -s --unix-socket " + server.path() + " http://grit/v1/status");
    EXPECT_EQ(json::parse(text).as_object(), backend.status());
    const std::string record =
        output_of("curl -s -G --unix-socket " + server.path() +
                  " --data-urlencode 'url=https://a.example/x.jpg?a=1&b=2+3' http://grit/v1/record");
    EXPECT_EQ(json::parse(record).at("outcome"), "stored");
}

TEST(AdminServer, ProblemsAreProblemJson) {
    FakeBackend backend;
    const RunningServer server(backend);
    const std::string answer = server.ask("GET", "/v1/hosts/nowhere.example");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 404 Not Found\r\n"));
    EXPECT_THAT(answer, HasSubstr("Content-Type: application/problem+json\r\n"));
    const auto problem = json::parse(body_of(answer));
    EXPECT_EQ(problem.at("type"), "about:blank");
    EXPECT_EQ(problem.at("title"), "Not Found");
    EXPECT_EQ(problem.at("status"), 404);
    EXPECT_EQ(problem.at("detail"), "the dataset has no host nowhere.example");
    EXPECT_THAT(server.ask("GET", "/v1/stop"), HasSubstr("Allow: POST\r\n"));
}

TEST(AdminServer, OneConnectionServesManyRequests) {
    FakeBackend backend;
    const RunningServer server(backend);
    UnixClient client(server.path());
    for (int i = 0; i < 3; ++i) {
        client.send("GET /v1/version HTTP/1.1\r\nHost: grit\r\n\r\n");
        EXPECT_THAT(client.read_reply(), HasSubstr("\"api\":\"1.0.0\""));
    }
}

TEST(AdminServer, MutatingCallsAreLoggedWithThePeer) {
    FakeBackend backend;
    RunningServer server(backend);
    EXPECT_THAT(server.ask("POST", "/v1/pause", R"({"reason":"x"})"), StartsWith("HTTP/1.1 200"));
    EXPECT_THAT(server.ask("GET", "/v1/status"), StartsWith("HTTP/1.1 200"));
    server.stop();
    const std::string peer = "uid=" + std::to_string(::getuid()) + " pid=" + std::to_string(::getpid());
    EXPECT_THAT(server.log(), HasSubstr("admin.call action=pause status=200 " + peer));
    EXPECT_EQ(server.log().find("status=200", server.log().find("admin.call") + 40), std::string::npos);
}

TEST(AdminServer, RequestsAreBounded) {
    FakeBackend backend;
    const RunningServer server(backend);
    UnixClient long_head(server.path());
    long_head.send("GET /v1/status HTTP/1.1\r\nX: " + std::string(70'000, 'x'));
    EXPECT_THAT(long_head.read_all(), StartsWith("HTTP/1.1 431 "));
    UnixClient long_body(server.path());
    long_body.send("POST /v1/pause HTTP/1.1\r\nHost: grit\r\nContent-Length: 65537\r\n\r\n");
    EXPECT_THAT(long_body.read_all(), StartsWith("HTTP/1.1 413 "));
    UnixClient nonsense(server.path());
    nonsense.send("\x16\x03\x01 hello\r\n\r\n");
    EXPECT_THAT(nonsense.read_all(), StartsWith("HTTP/1.1 400 "));
    EXPECT_THAT(server.ask("GET", "/v1/version"), StartsWith("HTTP/1.1 200"));
}

TEST(AdminServer, SlowRequestsAreCutOff) {
    FakeBackend backend;
    Options options;
    options.idle_limit = 50ms;
    const RunningServer server(backend, options);
    UnixClient client(server.path());
    client.send("GET /v1/sta");
    EXPECT_EQ(client.read_all(), "");
}

TEST(AdminServer, TooManyConnectionsAreToldSo) {
    FakeBackend backend;
    Options options;
    options.max_connections = 2;
    const RunningServer server(backend, options);
    UnixClient first(server.path());
    UnixClient second(server.path());
    for (UnixClient* client : {&first, &second}) {  // Answered, so surely accepted.
        client->send("GET /v1/version HTTP/1.1\r\nHost: grit\r\n\r\n");
        EXPECT_THAT(client->read_reply(), StartsWith("HTTP/1.1 200"));
    }
    const std::string answer = UnixClient(server.path()).read_all();
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 503 "));
    EXPECT_EQ(json::parse(body_of(answer)).at("detail"), "too many connections");
}

TEST(AdminServer, StreamsLeaveRoomForCommands) {
    FakeBackend backend;
    Options options;
    options.max_streams = 1;
    const RunningServer server(backend, options);
    UnixClient watcher(server.path());
    watcher.send("GET /v1/events HTTP/1.1\r\nHost: grit\r\n\r\n");
    EXPECT_THAT(watcher.read_until("\"progress\""), StartsWith("HTTP/1.1 200"));
    EXPECT_THAT(server.ask("GET", "/v1/events"), StartsWith("HTTP/1.1 503"));
    EXPECT_THAT(server.ask("GET", "/v1/status"), StartsWith("HTTP/1.1 200"));
}

TEST(AdminServer, EventsFlowUntilTheServerEnds) {
    FakeBackend backend;
    Options options;
    options.event_interval = 5ms;
    RunningServer server(backend, options);
    UnixClient client(server.path());
    client.send("GET /v1/events HTTP/1.1\r\nHost: grit\r\n\r\n");
    EXPECT_THAT(client.read_until("\r\n\r\n"), HasSubstr("Transfer-Encoding: chunked\r\n"));
    EXPECT_THAT(client.read_until("\"seq\":4"), HasSubstr(R"({"event":"state","seq":1,"from":"","to":"running")"));
    server.stop();
    const std::string rest = client.read_all();
    EXPECT_THAT(rest, HasSubstr(R"({"event":"end",)"));
    EXPECT_THAT(rest, EndsWith("\r\n0\r\n\r\n"));
}

TEST(AdminServer, SlowReadersOfEventsAreDropped) {
    FakeBackend backend;
    backend.update("instance", json::string(1 << 20, 'x'));  // More than a socket's buffer holds.
    Options options;
    options.event_interval = 1ms;
    options.write_limit = 50ms;
    RunningServer server(backend, options);
    UnixClient client(server.path());
    client.send("GET /v1/events HTTP/1.1\r\nHost: grit\r\n\r\n");
    ASSERT_TRUE(client.wait_for_hangup());                                      // Without having read anything.
    EXPECT_THAT(server.ask("GET", "/v1/version"), StartsWith("HTTP/1.1 200"));  // So it is done with the other one.
    const std::string got = client.read_all();
    EXPECT_LT(got.size(), std::size_t{1} << 20);
    server.stop();
    EXPECT_THAT(server.log(), HasSubstr("admin.reader_dropped uid="));
}

TEST(AdminServer, ExportsAreStreamedInChunks) {
    FakeBackend backend;
    const RunningServer server(backend);
    const std::string answer = server.ask("GET", "/v1/export/url-to-path?format=csv");
    EXPECT_THAT(answer, HasSubstr("Content-Type: text/csv; charset=utf-8; header=present\r\n"));
    EXPECT_EQ(body_of(answer),
              "a\r\nurl,path\r\n\r\n32\r\nhttps://a.example/x.jpg,/srv/00000/000000005.jpg\r\n\r\n0\r\n\r\n");
    UnixClient old(server.path());
    old.send("GET /v1/export/url-to-path?format=csv HTTP/1.0\r\n\r\n");
    EXPECT_EQ(body_of(old.read_all()), "url,path\r\nhttps://a.example/x.jpg,/srv/00000/000000005.jpg\r\n");
}

TEST(AdminServer, FailedExportBreaksOff) {
    FakeBackend backend;
    backend.export_problem = "records: corrupt row";
    RunningServer server(backend);
    const std::string answer = server.ask("GET", "/v1/export/url-to-path");
    EXPECT_THAT(answer, EndsWith("000000005.jpg\r\n\r\n"));  // No last chunk: a client sees that it is not whole.
    server.stop();
    EXPECT_THAT(server.log(), HasSubstr("admin.export_failed error=\"records: corrupt row\""));
}

TEST(AdminServer, StopTakesTheSocketAwayAndCutsIdleConnections) {
    FakeBackend backend;
    RunningServer server(backend);
    UnixClient idle(server.path());
    idle.send("GET /v1/version HTTP/1.1\r\nHost: grit\r\n\r\n");
    EXPECT_THAT(idle.read_reply(), StartsWith("HTTP/1.1 200"));
    server.stop();
    EXPECT_EQ(idle.read_all(), "");
    EXPECT_FALSE(std::filesystem::exists(server.path()));
}

TEST(AdminServer, SecondDaemonIsRefusedInWords) {
    FakeBackend backend;
    const RunningServer server(backend);
    boost::asio::io_context context(1);
    const Logger logger(LogLevel::error);
    Options options;
    options.socket_path = server.path();
    Server second(context, options, backend, logger);
    const auto started = second.start();
    ASSERT_FALSE(started);
    EXPECT_THAT(started.error().what, HasSubstr("another gritd answers there"));
}

}  // namespace
}  // namespace grit::admin
