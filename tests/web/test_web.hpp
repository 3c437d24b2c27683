// A small web on loopback that serves any host name, for tests of clients.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "script.hpp"

namespace grit::testweb {

struct TestWebOptions {
    std::string directory;             ///< receives ca.pem, requests.jsonl, dns.jsonl, ready.json; made if absent
    std::string http = "127.0.0.1:0";  ///< port 0: the kernel chooses
    std::string https = "127.0.0.1:0";
    std::string dns = "127.0.0.1:0";  ///< UDP and TCP on one port
    std::uint64_t seed = 1;
    std::size_t mean_bytes = 8 * 1024;  ///< mean size of an image
    unsigned threads = 1;
    unsigned addresses = 1;  ///< names are spread over this many loopback addresses; above 1 the web
                             ///< has to listen on 0.0.0.0
    std::vector<Rule> rules;
};

/// Serves HTTP, HTTPS and DNS from its construction to its destruction.
///
/// Throws std::runtime_error (or boost::system::system_error) if it can not listen.
/// Threads: owns its own; all functions from one thread.
class TestWeb {
  public:
    explicit TestWeb(const TestWebOptions& options);
    ~TestWeb();
    TestWeb(const TestWeb&) = delete;
    TestWeb& operator=(const TestWeb&) = delete;

    [[nodiscard]] std::uint16_t http_port() const noexcept { return http_port_; }
    [[nodiscard]] std::uint16_t https_port() const noexcept { return https_port_; }
    [[nodiscard]] std::uint16_t dns_port() const noexcept { return dns_port_; }

    /// Closes every connection, writes the log lines of what was open, and joins the threads. Idempotent.
    void stop();

  private:
    struct Parts;
    void listen(const TestWebOptions& options);
    void write_ready(const std::string& directory) const;

    std::uint16_t http_port_ = 0;
    std::uint16_t https_port_ = 0;
    std::uint16_t dns_port_ = 0;
    std::unique_ptr<Parts> parts_;
    std::vector<std::thread> threads_;
};

}  // namespace grit::testweb
