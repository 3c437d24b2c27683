// A client with everything it needs, on one io_context that the test runs, and checks that nothing is left behind.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "dns_server.hpp"
#include "grit/metrics/metrics.hpp"
#include "grit/net/address_guard.hpp"
#include "grit/net/address_limits.hpp"
#include "grit/net/client.hpp"
#include "grit/net/resolver.hpp"
#include "grit/net/tls_context.hpp"
#include "web_server.hpp"

namespace grit::net::test {

/// What became of one URL that was fetched whole.
struct Fetched {
    bool done = false;
    ErrorCode error;
    ResponseHead head;
    bool has_head = false;
    std::string body;
    Timings timings;
    std::string remote_address;
    std::string waived_problem;
};

/// A fetch that runs beside others.
struct Running {
    Fetched fetched;
    boost::asio::cancellation_signal cancel;
    [[nodiscard]] bool done() const { return fetched.done; }
};

class ClientTest : public ::testing::Test {
  protected:
    ClientTest();
    void SetUp() override;
    /// Stops the client; then no connection and no place at an address may be left.
    void TearDown() override;

    /// Call before `make_client`.
    void map_port(std::uint16_t from, std::uint16_t to) { options_.port_map[from] = to; }
    void make_client();
    void stop_client();

    Running& start(const std::string& url, Milliseconds total = std::chrono::seconds(20));
    Fetched fetch(const std::string& url, Milliseconds total = std::chrono::seconds(20));
    /// Runs the loop until something holds; the time is a bound for failures only.
    [[nodiscard]] bool run_until(const std::function<bool()>& holds);

    SystemClock clock_;
    metrics::Metrics metrics_{WallTime{}};
    boost::asio::io_context context_{1};
    DnsServer dns_{context_};
    Authority authority_;
    AddressLimits limits_{4};
    Client::Options options_;
    std::vector<std::string> allow_{"127.0.0.0/8", "::1/128"};
    std::unique_ptr<Resolver> resolver_;
    std::unique_ptr<AddressGuard> guard_;
    std::unique_ptr<TlsContext> tls_;
    std::unique_ptr<Client> client_;
    std::list<Running> running_;
};

/// A client and one server, which is told apart from others by its port.
class ServedClientTest : public ClientTest {
  protected:
    /// Starts the client, for which that port of a URL is the server's.
    void serve_at(std::uint16_t port, std::unique_ptr<WebServer> server);
    void TearDown() override;

    std::unique_ptr<WebServer> server_;
};

/// Ends the server before the locals of a test that its scripts refer to.
class ServerEnds {
  public:
    explicit ServerEnds(std::unique_ptr<WebServer>& server) : server_(server) {}
    ~ServerEnds() { server_.reset(); }
    ServerEnds(const ServerEnds&) = delete;
    ServerEnds& operator=(const ServerEnds&) = delete;

  private:
    std::unique_ptr<WebServer>& server_;
};

/// Answers one request with these bytes, then ends the connection in order.
[[nodiscard]] WebServer::Script serve_once(std::string bytes);

}  // namespace grit::net::test
