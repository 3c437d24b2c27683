#include "text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/object.hpp>
#include <chrono>
#include <ctime>

#include "grit/base/quantity.hpp"
#include "grit/base/result.hpp"

namespace grit::ctl {
namespace json = boost::json;

std::string printable(std::string_view text, Lines lines) {
    std::string shown;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto c = static_cast<unsigned char>(text[i]);
        const bool is_c1 = c == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
        if (is_c1) {
            shown += fmt::format("\\x{:02x}", static_cast<unsigned>(static_cast<unsigned char>(text[++i])));
        } else if ((c < 0x20 && !(c == '\n' && lines == Lines::keep)) || c == 0x7f) {
            shown += fmt::format("\\x{:02x}", static_cast<unsigned>(c));
        } else {
            shown.push_back(text[i]);
        }
    }
    return shown;
}

std::string grouped(std::uint64_t number) {
    std::string digits = std::to_string(number);
    for (std::size_t at = digits.size(); at > 3;) {
        at -= 3;
        digits.insert(at, 1, ' ');
    }
    return digits;
}

std::string percent(std::uint64_t part, std::uint64_t whole) {
    const double share = whole == 0 ? 0.0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
    return fmt::format("{:.1f}%", share);
}

std::string rate(double per_second) {
    return per_second >= 10 ? grouped(static_cast<std::uint64_t>(per_second + 0.5)) : fmt::format("{:.1f}", per_second);
}

std::string local_time(std::int64_t unix_seconds) {
    const std::time_t time = unix_seconds;
    std::tm parts{};
    ::localtime_r(&time, &parts);
    std::string text(32, '\0');
    text.resize(std::strftime(text.data(), text.size(), "%F %T", &parts));
    return text;
}

std::string duration(std::uint64_t seconds) {
    constexpr std::uint64_t kMax = std::uint64_t{100} * 365 * 86'400;  // Beyond that it is no estimate.
    return format_duration(std::chrono::seconds(std::min(seconds, kMax)));
}

std::uint64_t count_of(const json::value* value) {
    if (value == nullptr || !value->is_number()) {
        return 0;
    }
    if (value->is_double()) {
        return value->get_double() > 0 ? static_cast<std::uint64_t>(value->get_double()) : 0;
    }
    ErrorCode ignored;
    const auto number = value->to_number<std::uint64_t>(ignored);
    return ignored ? 0 : number;
}

double real_of(const json::value* value) {
    ErrorCode ignored;
    return value != nullptr && value->is_number() ? value->to_number<double>(ignored) : 0.0;
}

std::string text_of(const json::value* value) {
    return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

const json::value* member(const json::object& object, std::string_view name) {
    return object.if_contains(name);
}

const json::value* member(const json::object& object, std::string_view table, std::string_view name) {
    const json::value* inner = object.if_contains(table);
    return inner != nullptr && inner->is_object() ? inner->get_object().if_contains(name) : nullptr;
}

namespace {

// In columns, not bytes: continuation bytes of UTF-8 take no place.
std::size_t width_of(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(
        text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

bool looks_numeric(std::string_view text) {
    return text == "-" || (!text.empty() && text[0] >= '0' && text[0] <= '9');
}

}  // namespace

std::string table(const std::vector<std::vector<std::string>>& rows, std::string_view indent) {
    std::vector<std::size_t> widths;
    std::vector<bool> right;
    for (std::size_t r = 0; r < rows.size(); ++r) {
        widths.resize(std::max(widths.size(), rows[r].size()));
        right.resize(widths.size(), true);
        for (std::size_t c = 0; c < rows[r].size(); ++c) {
            widths[c] = std::max(widths[c], width_of(rows[r][c]));
            right[c] = right[c] && c > 0 && (r == 0 || looks_numeric(rows[r][c]));
        }
    }
    std::string text;
    for (const auto& row : rows) {
        std::string line(indent);
        for (std::size_t c = 0; c < row.size(); ++c) {
            const std::string padding(widths[c] - width_of(row[c]), ' ');
            line += (c == 0 ? "" : "  ") + (right[c] ? padding + row[c] : row[c] + padding);
        }
        line.erase(line.find_last_not_of(' ') + 1);
        text += line + "\n";
    }
    return text;
}

}  // namespace grit::ctl
