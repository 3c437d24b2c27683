#include "json_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>

namespace grit::journal {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

std::uint8_t byte_at(std::string_view text, std::size_t i) { return static_cast<std::uint8_t>(text[i]); }

// The second byte of a sequence that begins so: overlong forms, surrogates and what lies beyond U+10FFFF are none.
bool is_second(std::uint8_t first, std::uint8_t second) {
    switch (first) {
        case 0xE0: return second >= 0xA0 && second <= 0xBF;
        case 0xED: return second >= 0x80 && second <= 0x9F;
        case 0xF0: return second >= 0x90 && second <= 0xBF;
        case 0xF4: return second >= 0x80 && second <= 0x8F;
        default: return second >= 0x80 && second <= 0xBF;
    }
}

// Bytes of the well-formed character of two or more bytes at `at`; 0 if there is none (RFC 3629 section 4).
std::size_t length_at(std::string_view text, std::size_t at) {
    const std::uint8_t first = byte_at(text, at);
    const std::size_t length = first >= 0xC2 && first <= 0xDF ? 2 : first >= 0xE0 && first <= 0xEF ? 3 : first >= 0xF0 && first <= 0xF4 ? 4 : 0;
    if (length == 0 || text.size() - at < length || !is_second(first, byte_at(text, at + 1))) {
        return 0;
    }
    for (std::size_t i = 2; i < length; ++i) {
        if (byte_at(text, at + i) < 0x80 || byte_at(text, at + i) > 0xBF) {
            return 0;
        }
    }
    return length;
}

bool is_plain(char c) { return static_cast<std::uint8_t>(c) >= 0x20 && static_cast<std::uint8_t>(c) < 0x7F && c != '"' && c != '\\'; }

}  // namespace

void append_quoted(std::string& out, std::string_view text) {
    out += '"';
    for (std::size_t at = 0; at < text.size();) {
        const auto plain = std::find_if_not(text.begin() + static_cast<std::ptrdiff_t>(at), text.end(), is_plain);
        const auto end = static_cast<std::size_t>(plain - text.begin());
        out.append(text, at, end - at);
        at = end;
        if (at == text.size()) {
            break;
        }
        const std::uint8_t byte = byte_at(text, at);
        if (byte == '"' || byte == '\\') {
            out += '\\';
            out += text[at++];
        } else if (byte < 0x80) {
            fmt::format_to(std::back_inserter(out), "\\u{:04x}", byte);
            ++at;
        } else if (const std::size_t length = length_at(text, at); length > 0) {
            out.append(text, at, length);
            at += length;
        } else {
            out += kReplacement;
            ++at;
        }
    }
    out += '"';
}

void append_number(std::string& out, std::uint64_t number) {
    const fmt::format_int digits(number);
    out.append(digits.data(), digits.size());
}

}  // namespace grit::journal
