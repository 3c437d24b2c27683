#include "host.hpp"

#include <arpa/inet.h>
#include <idn2.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <optional>

#include "chars.hpp"

namespace grit::url {
namespace {

// RFC 1035 section 2.3.4, without the length bytes.
constexpr std::size_t kMaxHostBytes = 253;
constexpr std::size_t kMaxLabelBytes = 63;
// What is given to IDNA: room for 253 characters of four bytes.
constexpr std::size_t kMaxUnicodeHostBytes = 1024;

std::string percent_decoded(std::string_view raw) {
    std::string decoded;
    decoded.reserve(raw.size());
    for (std::size_t i = 0; i < raw.size(); ++i) {
        if (chars::is_escape(raw, i)) {
            decoded.push_back(chars::escaped_byte(raw, i));
            i += 2;
        } else {
            decoded.push_back(raw[i]);
        }
    }
    return decoded;
}

// UTS 46 ToASCII. `host` must not hold NUL: the library reads C strings.
std::optional<std::string> to_ascii(const std::string& host) {
    std::uint8_t* found = nullptr;
    const int status = idn2_lookup_u8(reinterpret_cast<const std::uint8_t*>(host.c_str()), &found,
                                      IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
    const std::unique_ptr<std::uint8_t, void (*)(void*)> owner(found, idn2_free);
    if (status != IDN2_OK) {
        return std::nullopt;
    }
    return std::string(reinterpret_cast<const char*>(found));
}

// One part of an IPv4 address: decimal, 0octal or 0xhexadecimal. WHATWG "IPv4 number parser".
std::optional<std::uint64_t> ipv4_number(std::string_view part) {
    int base = 10;
    if (part.starts_with("0x")) {
        part.remove_prefix(2);
        base = 16;
    } else if (part.size() > 1 && part.front() == '0') {
        part.remove_prefix(1);
        base = 8;
    } else if (part.empty()) {
        return std::nullopt;
    }
    if (part.empty()) {
        return 0;
    }
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value, base);
    if (error != std::errc() || end != part.data() + part.size()) {
        return std::nullopt;
    }
    return value;
}

// WHATWG "IPv4 parser" and serializer: "0x7f.1" gives "127.0.0.1".
std::optional<std::string> dotted_ipv4(std::string_view host) {
    std::array<std::uint64_t, 4> numbers{};
    std::size_t count = 0;
    for (std::size_t begin = 0; begin <= host.size(); ++count) {
        const std::size_t end = std::min(host.find('.', begin), host.size());
        const auto number = ipv4_number(host.substr(begin, end - begin));
        if (!number || count == numbers.size()) {
            return std::nullopt;
        }
        numbers[count] = *number;
        begin = end + 1;
    }
    const std::size_t last = count - 1;
    if (numbers[last] >= std::uint64_t{1} << (8 * (4 - last))) {
        return std::nullopt;
    }
    std::uint64_t address = numbers[last];
    for (std::size_t i = 0; i < last; ++i) {
        if (numbers[i] > 255) {
            return std::nullopt;
        }
        address |= numbers[i] << (8 * (3 - i));
    }
    const in_addr wire{htonl(static_cast<std::uint32_t>(address))};
    std::array<char, INET_ADDRSTRLEN> text{};
    return std::string(inet_ntop(AF_INET, &wire, text.data(), text.size()));
}

std::optional<std::string> canonical_ipv6(std::string_view raw) {
    in6_addr wire{};
    std::array<char, INET6_ADDRSTRLEN> text{};
    const bool read =
        raw.find('\0') == std::string_view::npos && inet_pton(AF_INET6, std::string(raw).c_str(), &wire) == 1;
    if (!read) {
        return std::nullopt;
    }
    return std::string(inet_ntop(AF_INET6, &wire, text.data(), text.size()));
}

bool is_host_name(std::string_view host) {
    if (host.size() > kMaxHostBytes) {
        return false;
    }
    for (std::size_t begin = 0; begin <= host.size();) {
        const std::size_t end = std::min(host.find('.', begin), host.size());
        const std::string_view label = host.substr(begin, end - begin);
        const bool plain = std::all_of(label.begin(), label.end(), [](char c) { return chars::is(c, chars::kLabel); });
        if (label.empty() || label.size() > kMaxLabelBytes || !plain) {
            return false;
        }
        begin = end + 1;
    }
    return true;
}

// What is left to tell apart once a host is lower-case ASCII.
Result<Authority> name_or_ipv4(std::string host) {
    if (host.ends_with('.')) {
        host.pop_back();
    }
    if (host.empty()) {
        return Errc::no_host;
    }
    if (ends_in_number(host)) {
        auto address = dotted_ipv4(host);
        return address ? Result<Authority>(Authority{std::move(*address), 0, true}) : Errc::bad_host;
    }
    return is_host_name(host) ? Result<Authority>(Authority{std::move(host), 0, false}) : Errc::bad_host;
}

Result<Authority> parse_host(std::string_view raw) {
    std::string host = percent_decoded(raw);
    if (std::any_of(host.begin(), host.end(), chars::is_control) || host.size() > kMaxUnicodeHostBytes) {
        return Errc::bad_host;
    }
    if (!std::all_of(host.begin(), host.end(), chars::is_ascii)) {
        auto ascii = to_ascii(host);
        if (!ascii) {
            return Errc::bad_host;
        }
        host = std::move(*ascii);
    }
    std::transform(host.begin(), host.end(), host.begin(), chars::to_lower);
    return name_or_ipv4(std::move(host));
}

// @param text ":8080", ":" or nothing.
Result<std::uint16_t> parse_port(std::string_view text, Scheme scheme) {
    if (text.size() <= 1) {
        return text.empty() || text.front() == ':' ? Result<std::uint16_t>(default_port_of(scheme)) : Errc::bad_host;
    }
    std::uint16_t port = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data() + 1, end, port);
    if (text.front() != ':' || error != std::errc() || stop != end || port == 0) {
        return Errc::bad_port;
    }
    return port;
}

}  // namespace

bool ends_in_number(std::string_view host) noexcept {
    const std::string_view last = host.substr(host.rfind('.') + 1);  // npos + 1 is 0
    if (last.empty() || !chars::is(last.front(), chars::kDigit)) {
        return false;
    }
    const bool hex = last.starts_with("0x");
    const std::string_view digits = hex ? last.substr(2) : last;
    return std::all_of(digits.begin(), digits.end(),
                       [hex](char c) { return chars::is(c, hex ? chars::kHex : chars::kDigit); });
}

Result<Authority> parse_authority(std::string_view raw, Scheme scheme) {
    raw.remove_prefix(raw.rfind('@') + 1);  // npos + 1 is 0
    const bool bracketed = raw.starts_with('[');
    const std::size_t host_end = bracketed ? raw.find(']') : std::min(raw.find(':'), raw.size());
    if (host_end == std::string_view::npos) {
        return Errc::bad_host;
    }
    Result<Authority> authority = Errc::bad_host;
    if (!bracketed) {
        authority = parse_host(raw.substr(0, host_end));
    } else if (auto address = canonical_ipv6(raw.substr(1, host_end - 1))) {
        authority = Authority{std::move(*address), 0, true};
    }
    if (!authority) {
        return authority;
    }
    const auto port = parse_port(raw.substr(host_end + (bracketed ? 1 : 0)), scheme);
    if (!port) {
        return port.error();
    }
    authority->port = *port;
    return authority;
}

}  // namespace grit::url
