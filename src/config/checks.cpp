#include "checks.hpp"

#include <algorithm>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>
#include <string_view>

#include "grit/config/endpoint.hpp"

namespace grit::config {
namespace {

constexpr std::size_t kMaxSocketPathBytes = 107;
constexpr std::size_t kMaxVolumeNameBytes = 32;
constexpr std::size_t kMaxClassNameBytes = 64;
// RFC 1035 2.3.4, without the dot at the end.
constexpr std::size_t kMaxNameBytes = 253;
constexpr std::size_t kMaxLabelBytes = 63;

// RFC 9110 5.6.2.
bool is_token_character(char c) {
    const auto in = [c](char low, char high) { return c >= low && c <= high; };
    return in('a', 'z') || in('A', 'Z') || in('0', '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_token(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), is_token_character);
}

// What may stand in a header field's value without folding or quoting.
bool is_header_text(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_product_token_character(char c) {
    const auto in = [c](char low, char high) { return c >= low && c <= high; };
    return in('a', 'z') || in('A', 'Z') || c == '_' || c == '-';
}

bool is_label(std::string_view label) {
    return !label.empty() && label.size() <= kMaxLabelBytes &&
           std::all_of(label.begin(), label.end(), [](char c) { return is_product_token_character(c) || is_digit(c); });
}

Complaint complaint(std::string_view text) {
    return std::string(text);
}

}  // namespace

Complaint check_any_text(const std::string& value) {
    return value.find('\0') == std::string::npos ? std::nullopt : complaint("holds a NUL character");
}

Complaint check_not_empty(const std::string& value) {
    return value.empty() ? complaint("must not be empty") : check_any_text(value);
}

Complaint check_path(const std::string& value) {
    return check_not_empty(value);
}

Complaint check_input(const std::string& value) {
    return check_not_empty(value);
}

Complaint check_user_agent(const std::string& value) {
    const std::string_view name = std::string_view(value).substr(0, value.find_first_of("/ "));
    // RFC 9309 2.2.1: the product token that robots.txt names is letters, "_" and "-" only.
    if (name.empty() || !std::all_of(name.begin(), name.end(), is_product_token_character)) {
        return complaint(
            R"~(must begin with a product token of letters, "-" and "_", like "gritd/1.0 (+https://...)")~");
    }
    if (!is_header_text(value)) {
        return complaint("may hold printable ASCII characters alone");
    }
    if (value.find("+http://") == std::string::npos && value.find("+https://") == std::string::npos) {
        return complaint(R"~(must name a contact, like "gritd/1.0 (+https://example.org/contact)")~");
    }
    return std::nullopt;
}

Complaint check_directive(const std::string& value) {
    return is_token(value) ? std::nullopt : complaint(R"(is no X-Robots-Tag directive, like "noai")");
}

Complaint check_dns_server(const std::string& value) {
    const auto endpoint = parse_endpoint(value, 53);
    if (!endpoint) {
        return complaint(R"(is no address of a name server: write "192.0.2.1", "192.0.2.1:53" or "[2001:db8::1]:53")");
    }
    return endpoint->port == 0 ? complaint("has port 0 (1 to 65535)") : std::nullopt;
}

Complaint check_host(const std::string& value) {
    const auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || std::string_view("-._:").find(c) != std::string_view::npos;
    };
    return !value.empty() && std::all_of(value.begin(), value.end(), fits)
               ? std::nullopt
               : complaint(R"(is no host: write it in lower case, international names as "xn--...", like "img.example.org")");
}

Complaint check_sha256(const std::string& value) {
    const auto fits = [](char c) { return (c >= 'a' && c <= 'f') || (c >= '0' && c <= '9'); };
    return value.size() == 64 && std::all_of(value.begin(), value.end(), fits)
               ? std::nullopt
               : complaint("is no SHA-256 digest (64 digits of 0-9 and a-f)");
}

Complaint check_cidr(const std::string& value) {
    boost::system::error_code error4;
    boost::system::error_code error6;
    // Both read "" and a NUL as they come, so those are kept from them.
    if (!value.empty() && value.find('\0') == std::string::npos) {
        static_cast<void>(boost::asio::ip::make_network_v4(value, error4));
        static_cast<void>(boost::asio::ip::make_network_v6(value, error6));
        if (!error4 || !error6) {
            return std::nullopt;
        }
    }
    return complaint(R"(is no CIDR: write "10.0.0.0/8", "192.0.2.1/32" or "fd00::/8")");
}

Complaint check_listen(const std::string& value) {
    return value.empty() || parse_endpoint(value)
               ? std::nullopt
               : complaint(R"(is no address to listen on: write "127.0.0.1:9187", "[::1]:9187", or "" for none)");
}

Complaint check_volume_name(const std::string& value) {
    const auto is_letter = [](char c) { return c >= 'a' && c <= 'z'; };
    const bool fits = !value.empty() && value.size() <= kMaxVolumeNameBytes && is_letter(value.front()) &&
                      std::all_of(value.begin(), value.end(),
                                  [&](char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '_'; });
    if (!fits) {
        return complaint(R"(is no name of a volume: a letter, then up to 31 of a-z, 0-9, "-" and "_")");
    }
    return value == "root" ? complaint("is what the first volume is called") : std::nullopt;
}

Complaint check_class_name(const std::string& value) {
    const bool fits = !value.empty() && value.size() <= kMaxClassNameBytes;
    return fits && std::all_of(value.begin(), value.end(),
                               [](char c) { return is_product_token_character(c) || is_digit(c) || c == '.'; })
               ? std::nullopt
               : complaint(R"(is no name of a class: up to 64 letters, digits, "-", "_" and ".")");
}

Complaint check_suffix(const std::string& value) {
    std::string_view name = value;
    if (std::any_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; })) {
        return complaint(R"(is not ASCII: write the name as DNS has it, like "xn--bcher-kva.example")");
    }
    name.remove_suffix(name.ends_with('.') ? 1 : 0);
    std::string_view label;
    bool good = name.size() <= kMaxNameBytes;
    for (std::size_t begin = 0; good && begin <= name.size(); begin += label.size() + 1) {
        label = name.substr(begin, name.find('.', begin) - begin);
        good = is_label(label);
    }
    if (!good) {
        return complaint(R"(is no host name: write "example.org" for that host and all below it)");
    }
    return std::all_of(label.begin(), label.end(), is_digit) ? complaint("ends in a number: an address is in no class")
                                                             : std::nullopt;
}

Complaint check_socket_path(const std::string& value) {
    return value.size() > kMaxSocketPathBytes ? complaint("is too long for a socket (107 bytes at most)")
                                              : check_path(value);
}

}  // namespace grit::config
