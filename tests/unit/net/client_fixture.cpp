#include "client_fixture.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/system/system_error.hpp>
#include <utility>

namespace grit::net::test {
namespace asio = boost::asio;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

asio::awaitable<void> fetch_into(Client& client, url::CanonicalUrl url, Deadline deadline, Fetched& fetched) {
    Result<std::unique_ptr<Exchange>> got = co_await client.get(std::move(url), deadline);
    if (!got) {
        fetched.error = got.error();
        co_return;
    }
    Exchange& exchange = **got;
    fetched.head = exchange.head();
    fetched.has_head = true;
    fetched.timings = exchange.timings();
    fetched.remote_address = exchange.remote_address();
    fetched.waived_problem = exchange.waived_problem();
    for (;;) {
        const Result<std::span<const std::byte>> piece = co_await exchange.read_piece();
        if (!piece) {
            fetched.error = piece.error();
            co_return;
        }
        if (piece->empty()) {
            co_return;
        }
        fetched.body.append(reinterpret_cast<const char*>(piece->data()), piece->size());
    }
}

asio::awaitable<void> join_into(Client& client, bool& joined) {
    co_await client.join();
    joined = true;
}

}  // namespace

ClientTest::ClientTest() {
    options_.user_agent = "gritd/1.0 (+https://example.org/contact)";
    for (const char* name : {"a.example", "b.example", "c.example"}) {
        dns_.names[name].v4 = {"127.0.0.1"};
    }
}

void ClientTest::SetUp() {}

void ClientTest::make_client() {
    Resolver::Options resolving;
    resolving.servers = {dns_.address()};
    resolver_ = std::make_unique<Resolver>(context_, resolving, clock_, metrics_);
    guard_ = std::make_unique<AddressGuard>(allow_);
    TlsContext::Options trust;
    trust.ca_file = authority_.file();
    tls_ = std::make_unique<TlsContext>(trust);
    client_ = std::make_unique<Client>(context_, options_, *resolver_, *guard_, *tls_, limits_, metrics_, clock_);
}

void ClientTest::stop_client() {
    bool joined = false;
    client_->stop();
    asio::co_spawn(context_, join_into(*client_, joined), asio::detached);
    ASSERT_TRUE(run_until([&] { return joined; }));
}

void ClientTest::TearDown() {
    if (client_) {
        stop_client();
    }
    client_.reset();
    resolver_.reset();
    dns_.close();
    context_.restart();
    context_.run_for(seconds(10));
    EXPECT_TRUE(context_.stopped()) << "something is still pending";
    EXPECT_EQ(limits_.connections(), 0u);
    EXPECT_EQ(metrics_.connections(metrics::ConnectionState::active).value(), 0);
    EXPECT_EQ(metrics_.connections(metrics::ConnectionState::idle).value(), 0);
}

void ServedClientTest::serve_at(std::uint16_t port, std::unique_ptr<WebServer> server) {
    server_ = std::move(server);
    map_port(port, server_->port());
    make_client();
}

void ServedClientTest::TearDown() {
    ClientTest::TearDown();
    server_.reset();
}

WebServer::Script serve_once(std::string bytes) {
    return [bytes = std::move(bytes)](Peer& peer) {
        peer.read_request();
        peer.send(bytes);
        peer.close();
        peer.wait_closed();
    };
}

Running& ClientTest::start(const std::string& url, Milliseconds total) {
    Running& running = running_.emplace_back();
    asio::co_spawn(
        context_,
        fetch_into(*client_, url::canonicalize(url).value(), Deadline::after(clock_.now(), total), running.fetched),
        asio::bind_cancellation_slot(running.cancel.slot(), [&running](const std::exception_ptr& thrown) {
            running.fetched.done = true;
            if (thrown) {
                running.fetched.error = asio::error::operation_aborted;
            }
        }));
    return running;
}

Fetched ClientTest::fetch(const std::string& url, Milliseconds total) {
    const Running& running = start(url, total);
    EXPECT_TRUE(run_until([&] { return running.done(); })) << url;
    return running.fetched;
}

bool ClientTest::run_until(const std::function<bool()>& holds) {
    const auto limit = std::chrono::steady_clock::now() + seconds(20);
    context_.restart();
    while (!holds() && std::chrono::steady_clock::now() < limit) {
        context_.run_one_for(milliseconds(5));
    }
    return holds();
}

}  // namespace grit::net::test
