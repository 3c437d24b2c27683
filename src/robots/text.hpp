// Small readings of ASCII text that this module's parsers share.
#pragma once

#include <algorithm>
#include <string_view>

namespace grit::robots {

constexpr char to_lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

constexpr bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

constexpr bool is_token_char(char c) {
    const char lower = to_lower(c);
    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

constexpr bool equal_ignoring_case(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return to_lower(x) == to_lower(y); });
}

/// Without the spaces and tabs around.
constexpr std::string_view trimmed(std::string_view text) {
    while (!text.empty() && is_blank(text.front())) {
        text.remove_prefix(1);
    }
    while (!text.empty() && is_blank(text.back())) {
        text.remove_suffix(1);
    }
    return text;
}

/// The letters, digits, "-" and "_" that a text begins with: "gritd" of "gritd/1.0".
constexpr std::string_view leading_token(std::string_view text) {
    const auto end = std::find_if_not(text.begin(), text.end(), is_token_char);
    return {text.begin(), end};
}

/// Cuts `rest` at the first of `separators`. Returns what was before.
constexpr std::string_view take_until(std::string_view& rest, std::string_view separators) {
    const std::size_t end = std::min(rest.find_first_of(separators), rest.size());
    const std::string_view taken = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return taken;
}

}  // namespace grit::robots
