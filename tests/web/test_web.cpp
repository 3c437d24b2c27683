#include "test_web.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "dns_server.hpp"
#include "session.hpp"

namespace grit::testweb {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using asio::ip::udp;

constexpr int kBacklog = 4096;

tcp::endpoint endpoint_of(const std::string& text) {
    const auto colon = text.rfind(':');
    std::uint16_t port = 0;
    const char* end = text.data() + text.size();
    if (colon == std::string::npos || std::from_chars(text.data() + colon + 1, end, port).ptr != end) {
        throw std::runtime_error(fmt::format("\"{}\" is no address:port", text));
    }
    return {asio::ip::make_address(text.substr(0, colon)), port};
}

using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

tcp::acceptor listen_on(asio::io_context& io, const tcp::endpoint& endpoint, bool shared) {
    tcp::acceptor acceptor(io);
    acceptor.open(endpoint.protocol());
    acceptor.set_option(asio::socket_base::reuse_address(true));
    acceptor.set_option(ReusePort(shared));
    acceptor.bind(endpoint);
    acceptor.listen(kBacklog);
    return acceptor;
}

// Thousands of connections need as many descriptors; the soft limit is often 1,024.
void raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &limit);
    }
}

void write_file(const std::string& path, std::string_view text) {
    const std::string temporary = path + ".new";
    std::ofstream out(temporary, std::ios::binary | std::ios::trunc);
    out << text;
    out.close();
    if (!out) {
        throw std::runtime_error("can not write " + temporary);
    }
    std::filesystem::rename(temporary, path);
}

}  // namespace

struct TestWeb::Parts {
    explicit Parts(const TestWebOptions& options)
        : site(options.rules, options.seed, options.mean_bytes, options.directory) {
        for (unsigned i = 0; i < std::max(1U, options.threads); ++i) {
            reactors.push_back(std::make_unique<Reactor>());
        }
    }
    Site site;
    std::vector<std::unique_ptr<Reactor>> reactors;
};

TestWeb::TestWeb(const TestWebOptions& options) {
    raise_descriptor_limit();
    std::filesystem::create_directories(options.directory);
    std::filesystem::remove(options.directory + "/ready.json");
    parts_ = std::make_unique<Parts>(options);
    write_file(options.directory + "/ca.pem", parts_->site.certificates.ca_pem());
    listen(options);
    for (const auto& reactor : parts_->reactors) {
        threads_.emplace_back([&reactor = *reactor] { reactor.run(); });
    }
    write_ready(options.directory);
}

TestWeb::~TestWeb() {
    stop();
}

void TestWeb::listen(const TestWebOptions& options) {
    const bool shared = parts_->reactors.size() > 1;  // each thread has an acceptor on the same port
    tcp::endpoint http = endpoint_of(options.http);
    tcp::endpoint https = endpoint_of(options.https);
    for (const auto& reactor : parts_->reactors) {
        tcp::acceptor plain = listen_on(reactor->io(), http, shared);
        tcp::acceptor secure = listen_on(reactor->io(), https, shared);
        http = plain.local_endpoint();
        https = secure.local_endpoint();
        reactor->spawn(accept_loop(std::move(plain), *reactor, parts_->site, false));
        reactor->spawn(accept_loop(std::move(secure), *reactor, parts_->site, true));
    }
    http_port_ = http.port();
    https_port_ = https.port();
    const tcp::endpoint dns = endpoint_of(options.dns);
    Reactor& first = *parts_->reactors.front();
    // The TCP port is chosen first: it is the scarcer one, since connections to other ports in use may hold it.
    tcp::acceptor dns_tcp = listen_on(first.io(), dns, false);
    dns_port_ = dns_tcp.local_endpoint().port();
    udp::socket dns_udp(first.io(), udp::endpoint(dns.address(), dns_port_));
    first.spawn(dns_over_udp(std::move(dns_udp), first, parts_->site, options.addresses));
    first.spawn(dns_over_tcp(std::move(dns_tcp), first, parts_->site, options.addresses));
}

void TestWeb::write_ready(const std::string& directory) const {
    write_file(directory + "/ready.json", fmt::format(R"({{"http":{},"https":{},"dns":{},"pid":{}}})"
                                                      "\n",
                                                      http_port_, https_port_, dns_port_, ::getpid()));
}

void TestWeb::stop() {
    for (const auto& reactor : parts_->reactors) {
        reactor->stop();
    }
    for (std::thread& thread : threads_) {
        thread.join();
    }
    threads_.clear();
}

}  // namespace grit::testweb
