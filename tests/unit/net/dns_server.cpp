#include "dns_server.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/address.hpp>
#include <utility>

namespace grit::net::test {
namespace {

namespace ip = boost::asio::ip;
using Bytes = std::vector<std::uint8_t>;

constexpr std::uint16_t kA = 1;
constexpr std::uint16_t kCname = 5;
constexpr std::uint16_t kAaaa = 28;
constexpr std::size_t kHeaderBytes = 12;

void put16(Bytes& out, unsigned value) {
    out.push_back(static_cast<std::uint8_t>(value >> 8U));
    out.push_back(static_cast<std::uint8_t>(value));
}

void put32(Bytes& out, std::uint32_t value) {
    put16(out, value >> 16U);
    put16(out, value & 0xffffU);
}

Bytes encoded(const std::string& name) {
    Bytes out;
    for (std::size_t at = 0; at < name.size();) {
        const std::size_t end = std::min(name.find('.', at), name.size());
        out.push_back(static_cast<std::uint8_t>(end - at));
        out.insert(out.end(), name.begin() + static_cast<std::ptrdiff_t>(at),
                   name.begin() + static_cast<std::ptrdiff_t>(end));
        at = end + 1;
    }
    out.push_back(0);
    return out;
}

void put_record(Bytes& out, const Bytes& owner, std::uint16_t type, std::uint32_t ttl, const Bytes& data) {
    out.insert(out.end(), owner.begin(), owner.end());
    put16(out, type);
    put16(out, 1);
    put32(out, ttl);
    put16(out, static_cast<unsigned>(data.size()));
    out.insert(out.end(), data.begin(), data.end());
}

template <class Array>
Bytes bytes_of(const Array& bytes) {
    return Bytes(bytes.begin(), bytes.end());
}

}  // namespace

DnsServer::DnsServer(boost::asio::io_context& context)
    : socket_(context, ip::udp::endpoint(ip::address_v4::loopback(), 0)) {
    receive();
}

std::string DnsServer::address() const {
    return "127.0.0.1:" + std::to_string(socket_.local_endpoint().port());
}

int DnsServer::queries(const std::string& name) const {
    const auto found = counts_.find(name);
    return found == counts_.end() ? 0 : found->second;
}

int DnsServer::queries() const {
    int all = 0;
    for (const auto& [name, count] : counts_) {
        all += count;
    }
    return all;
}

void DnsServer::receive() {
    socket_.async_receive_from(boost::asio::buffer(buffer_), from_, [this](const auto& error, std::size_t size) {
        if (!error) {
            handle(size);
            receive();
        }
    });
}

void DnsServer::handle(std::size_t size) {
    std::string name;
    std::size_t at = kHeaderBytes;
    while (at < size && buffer_[at] != 0) {
        name += name.empty() ? "" : ".";
        name.append(reinterpret_cast<const char*>(&buffer_[at + 1]), buffer_[at]);
        at += buffer_[at] + 1U;
    }
    const auto type = static_cast<std::uint16_t>(buffer_[at + 1] << 8U | buffer_[at + 2]);
    ++counts_[name];
    const Bytes query(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(at + 5));
    const auto found = names.find(name);
    Name unknown;
    unknown.rcode = 3;
    const Name& known = found == names.end() ? unknown : found->second;
    if (known.held) {
        held_.push_back({query, type, name, from_});
    } else if (!known.silent) {
        answer(query, type, known, from_);
    }
    if (on_query) {
        on_query();
    }
}

void DnsServer::release() {
    for (auto& [name, known] : names) {
        known.held = false;
    }
    for (const Held& held : std::exchange(held_, {})) {
        answer(held.query, held.type, names[held.name], held.from);
    }
}

// What an attacker sends who sees no queries: RFC 5452.
void DnsServer::forge(const Bytes& query, const ip::udp::endpoint& to) {
    const Name forged{.v4 = {"203.0.113.66"}, .v6 = {"2001:db8::66"}};
    Bytes other_id = query;
    other_id[1] ^= 1U;
    answer(other_id, kA, forged, to);
    answer(other_id, kAaaa, forged, to);
    Bytes other_question(query.begin(), query.begin() + kHeaderBytes);
    const Bytes name = encoded("other.example");
    other_question.insert(other_question.end(), name.begin(), name.end());
    other_question.insert(other_question.end(), query.end() - 4, query.end());
    answer(other_question, kA, forged, to);
}

void DnsServer::answer(const Bytes& query, std::uint16_t type, const Name& name, const ip::udp::endpoint& to) {
    if (name.forgeries) {
        forge(query, to);
    }
    const Bytes asked(query.begin() + kHeaderBytes, query.end() - 4);
    const Bytes owner = !name.owner.empty() ? encoded(name.owner) : name.alias.empty() ? asked : encoded(name.alias);
    Bytes records;
    unsigned count = 0;
    if (!name.alias.empty()) {
        put_record(records, asked, kCname, name.alias_ttl, owner);
        ++count;
    }
    for (const std::string& address : type == kA ? name.v4 : type == kAaaa ? name.v6 : std::vector<std::string>{}) {
        const ip::address parsed = ip::make_address(address);
        put_record(records, owner, type, name.ttl,
                   parsed.is_v4() ? bytes_of(parsed.to_v4().to_bytes()) : bytes_of(parsed.to_v6().to_bytes()));
        ++count;
    }
    const int rcode = type == kAaaa && name.rcode_v6 >= 0 ? name.rcode_v6 : name.rcode;
    Bytes out(query.begin(), query.begin() + 2);
    put16(out, 0x8180U | static_cast<unsigned>(rcode));  // response, recursion desired and available
    put16(out, 1);
    put16(out, count);
    put32(out, 0);
    out.insert(out.end(), query.begin() + kHeaderBytes, query.end());
    out.insert(out.end(), records.begin(), records.end());
    boost::system::error_code ignored;  // the asker may be gone
    socket_.send_to(boost::asio::buffer(out), to, 0, ignored);
}

}  // namespace grit::net::test
