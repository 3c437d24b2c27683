// A DNS server over UDP that says what a test tells it to, on the test's own io_context.
#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace grit::net::test {

class DnsServer {
  public:
    // What the server knows of a name.
    struct Name {
        std::vector<std::string> v4{};
        std::vector<std::string> v6{};
        std::uint32_t ttl = 300;
        std::string alias{};  // answers lead with a CNAME to this name
        std::uint32_t alias_ttl = 300;
        int rcode = 0;        // 2 SERVFAIL, 3 NXDOMAIN, 5 REFUSED
        int rcode_v6 = -1;    // for AAAA only
        bool silent = false;  // never answers
        bool held = false;    // answers at release()
        std::string owner{};  // its addresses are said to be this other name's
        bool forgeries = false;  // before the answer come two that nobody asked for: of another id, to another question
    };

    explicit DnsServer(boost::asio::io_context& context);

    /// "127.0.0.1:port"
    [[nodiscard]] std::string address() const;

    /// Names that are not here do not exist (NXDOMAIN).
    std::map<std::string, Name> names;

    /// Queries that came for a name, both types together.
    [[nodiscard]] int queries(const std::string& name) const;
    [[nodiscard]] int queries() const;

    /// Answers what was held, and holds no more.
    void release();
    [[nodiscard]] std::size_t held() const noexcept { return held_.size(); }
    void close() { socket_.close(); }
    std::function<void()> on_query;

  private:
    void receive();
    void handle(std::size_t size);
    void answer(const std::vector<std::uint8_t>& query, std::uint16_t type, const Name& name,
                const boost::asio::ip::udp::endpoint& to);
    void forge(const std::vector<std::uint8_t>& query, const boost::asio::ip::udp::endpoint& to);

    struct Held {
        std::vector<std::uint8_t> query;
        std::uint16_t type;
        std::string name;
        boost::asio::ip::udp::endpoint from;
    };

    boost::asio::ip::udp::socket socket_;
    std::array<std::uint8_t, 1500> buffer_{};
    boost::asio::ip::udp::endpoint from_;
    std::map<std::string, int> counts_;
    std::vector<Held> held_;
};

}  // namespace grit::net::test
