#include "octets.hpp"

#include <array>
#include <cstdint>

namespace grit::robots {
namespace {

constexpr std::string_view kUpperHex = "0123456789ABCDEF";

// RFC 3986 section 2: unreserved and reserved.
constexpr std::array<bool, 256> kPlain = [] {
    std::array<bool, 256> plain{};
    for (const char c : std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
                                         ":/?#[]@!$&'()*+,;=")) {
        plain[static_cast<unsigned char>(c)] = true;
    }
    return plain;
}();

constexpr int hex_value(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    const char upper = c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c;
    return upper >= 'A' && upper <= 'F' ? upper - 'A' + 10 : -1;
}

void push_octet(std::string& out, unsigned char octet) {
    if (kPlain[octet]) {
        out.push_back(static_cast<char>(octet));
        return;
    }
    out.push_back('%');
    out.push_back(kUpperHex[octet >> 4]);
    out.push_back(kUpperHex[octet & 15]);
}

// Writes the character or escape at `position`; a "%" that begins no escape is a character. Returns the next position.
std::size_t push_at(std::string& out, std::string_view text, std::size_t position) {
    if (text[position] == '%' && position + 2 < text.size()) {
        const int high = hex_value(text[position + 1]);
        const int low = hex_value(text[position + 2]);
        if (high >= 0 && low >= 0) {
            push_octet(out, static_cast<unsigned char>(high * 16 + low));
            return position + 3;
        }
    }
    push_octet(out, static_cast<unsigned char>(text[position]));
    return position + 1;
}

}  // namespace

void append_octets(std::string& out, std::string_view target) {
    out.reserve(out.size() + target.size());
    for (std::size_t i = 0; i < target.size();) {
        i = push_at(out, target, i);
    }
}

Pattern pattern_octets(std::string_view text) {
    Pattern pattern;
    pattern.anchored = text.ends_with('$');
    if (pattern.anchored) {
        text.remove_suffix(1);
    }
    pattern.octets.reserve(text.size());
    for (std::size_t i = 0; i < text.size();) {
        if (text[i] == '*') {
            pattern.octets.push_back(kAnyOctets);
            ++i;
        } else {
            i = push_at(pattern.octets, text, i);
        }
    }
    return pattern;
}

}  // namespace grit::robots
