// Classes of bytes in URLs, as one table look-up each.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace grit::url::chars {

enum Class : std::uint8_t {
    kUnreserved = 1,  ///< RFC 3986 section 2.3: never needs %XX.
    kTarget = 2,      ///< Stands in a canonical path or query as it is.
    kLabel = 4,  ///< Stands in a canonical host label: letters, digits, hyphen, and the underscore real hosts have.
    kDigit = 8,
    kHex = 16,
};

inline constexpr std::array<std::uint8_t, 256> kClasses = [] {
    std::array<std::uint8_t, 256> classes{};
    const auto add = [&](std::string_view members, int bits) {
        for (const char c : members) {
            auto& entry = classes[static_cast<unsigned char>(c)];
            entry = static_cast<std::uint8_t>(entry | bits);
        }
    };
    add("abcdefghijklmnopqrstuvwxyz", kUnreserved | kTarget | kLabel);
    add("ABCDEFGHIJKLMNOPQRSTUVWXYZ", kUnreserved | kTarget);
    add("0123456789", kUnreserved | kTarget | kLabel | kDigit | kHex);
    add("abcdefABCDEF", kHex);
    add("-_", kUnreserved | kTarget | kLabel);
    add(".~", kUnreserved | kTarget);
    add("!$&'()*+,;=:@/?[]", kTarget);
    return classes;
}();

constexpr bool is(char c, Class wanted) {
    return (kClasses[static_cast<unsigned char>(c)] & wanted) != 0;
}
constexpr bool is_control(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == '\x7f';
}
constexpr bool is_ascii(char c) {
    return static_cast<unsigned char>(c) < 0x80;
}
constexpr bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
constexpr char to_lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// The value of a hexadecimal digit.
constexpr unsigned hex_value(char c) {
    return static_cast<unsigned>(is(c, kDigit) ? c - '0' : to_lower(c) - 'a' + 10);
}

/// True if `text` has %XX at `position`.
constexpr bool is_escape(std::string_view text, std::size_t position) {
    return position + 2 < text.size() && text[position] == '%' && is(text[position + 1], kHex) &&
           is(text[position + 2], kHex);
}

/// The byte that the %XX at `position` stands for.
constexpr char escaped_byte(std::string_view text, std::size_t position) {
    return static_cast<char>((hex_value(text[position + 1]) << 4) | hex_value(text[position + 2]));
}

}  // namespace grit::url::chars
