#include "dns_wire.hpp"

#include <array>
#include <boost/asio/ip/address.hpp>

namespace grit::testweb {
namespace {

constexpr std::size_t kHeaderBytes = 12;
constexpr int kServfail = 2;
constexpr int kNxdomain = 3;
constexpr int kRefused = 5;

void put16(std::string& out, std::size_t value) {
    out += static_cast<char>(value >> 8);
    out += static_cast<char>(value & 0xFF);
}

std::uint16_t read16(std::string_view bytes, std::size_t at) {
    return static_cast<std::uint16_t>(static_cast<unsigned char>(bytes[at]) * 256 +
                                      static_cast<unsigned char>(bytes[at + 1]));
}

int response_code_of(DnsAnswer answer) {
    switch (answer) {
        case DnsAnswer::nxdomain:
            return kNxdomain;
        case DnsAnswer::servfail:
            return kServfail;
        case DnsAnswer::refused:
            return kRefused;
        default:
            return 0;
    }
}

// Appends a record if the address is of the type that was asked for. @return how many were appended.
std::size_t append_address(std::string& out, const std::string& text, std::uint16_t type, std::uint32_t ttl_seconds) {
    const auto address = boost::asio::ip::make_address(text);
    if (address.is_v6() != (type == kDnsTypeAaaa)) {
        return 0;
    }
    put16(out, 0xC000 | kHeaderBytes);  // the name: a pointer to the question's
    put16(out, type);
    put16(out, 1);  // class IN
    put16(out, ttl_seconds >> 16);
    put16(out, ttl_seconds & 0xFFFF);
    if (address.is_v4()) {
        put16(out, 4);
        for (const unsigned char byte : address.to_v4().to_bytes()) {
            out += static_cast<char>(byte);
        }
    } else {
        put16(out, 16);
        for (const unsigned char byte : address.to_v6().to_bytes()) {
            out += static_cast<char>(byte);
        }
    }
    return 1;
}

}  // namespace

std::string_view name_of(DnsAnswer answer) noexcept {
    constexpr std::array<std::string_view, 7> kNames{"addresses", "nxdomain", "servfail", "refused",
                                                     "timeout",   "nodata",   "truncated"};
    return kNames[static_cast<std::size_t>(answer)];
}

std::optional<DnsQuestion> parse_dns_query(std::string_view message) {
    if (message.size() < kHeaderBytes || (message[2] & 0x80) != 0 || read16(message, 4) == 0) {
        return std::nullopt;
    }
    DnsQuestion question;
    std::size_t at = kHeaderBytes;
    while (at < message.size() && message[at] != 0) {
        const std::size_t label_bytes = static_cast<unsigned char>(message[at]);
        if (label_bytes > 63 || at + 1 + label_bytes >= message.size()) {
            return std::nullopt;
        }
        if (!question.name.empty()) {
            question.name += '.';
        }
        for (const char c : message.substr(at + 1, label_bytes)) {
            question.name += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
        }
        at += 1 + label_bytes;
    }
    if (at + 5 > message.size()) {
        return std::nullopt;
    }
    question.type = read16(message, at + 1);
    question.raw = std::string(message.substr(0, at + 5));
    return question;
}

std::string make_dns_reply(const DnsQuestion& question, const DnsBehaviour& behaviour,
                           const std::string& default_address) {
    std::string records;
    std::size_t count = 0;
    if (behaviour.answer == DnsAnswer::addresses && (question.type == kDnsTypeA || question.type == kDnsTypeAaaa)) {
        if (behaviour.addresses.empty()) {
            count = append_address(records, default_address, question.type, behaviour.ttl_seconds);
        }
        for (const std::string& address : behaviour.addresses) {
            count += append_address(records, address, question.type, behaviour.ttl_seconds);
        }
    }
    std::string reply = question.raw;
    const int truncated = behaviour.answer == DnsAnswer::truncated ? 0x02 : 0;
    const int recursion_desired = reply[2] & 0x01;
    reply[2] = static_cast<char>(0x84 | truncated | recursion_desired);  // a response, authoritative
    reply[3] = static_cast<char>(0x80 | response_code_of(behaviour.answer));
    std::string counts;
    put16(counts, 1);
    put16(counts, count);
    put16(counts, 0);
    put16(counts, 0);
    reply.replace(4, counts.size(), counts);
    return reply + records;
}

}  // namespace grit::testweb
