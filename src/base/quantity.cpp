#include "grit/base/quantity.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <ctime>
#include <utility>

namespace grit {
namespace {

struct Number {
    double value;
    std::string_view unit;
};

// Splits "1.5GiB" into 1.5 and "GiB". Only plain decimals: no sign, no exponent, no inf or nan.
std::optional<Number> split_number(std::string_view text) {
    const std::size_t digits = text.find_first_not_of("0123456789.");
    const std::string_view number = text.substr(0, digits);
    double value = 0;
    const auto [end, error] =
        std::from_chars(number.data(), number.data() + number.size(), value, std::chars_format::fixed);
    if (error != std::errc() || end != number.data() + number.size()) {
        return std::nullopt;
    }
    return Number{value, digits == std::string_view::npos ? std::string_view() : text.substr(digits)};
}

template <class Table>
std::optional<double> factor_of(const Table& table, std::string_view unit) {
    for (const auto& [name, factor] : table) {
        if (name == unit) {
            return factor;
        }
    }
    return std::nullopt;
}

constexpr std::array<std::pair<std::string_view, double>, 10> kByteUnits{{
    {"", 1.0},
    {"B", 1.0},
    {"KiB", 1024.0},
    {"MiB", 1048576.0},
    {"GiB", 1073741824.0},
    {"TiB", 1099511627776.0},
    {"KB", 1e3},
    {"MB", 1e6},
    {"GB", 1e9},
    {"TB", 1e12},
}};

constexpr std::array<std::pair<std::string_view, double>, 5> kMillisecondUnits{{
    {"ms", 1.0},
    {"s", 1e3},
    {"m", 60e3},
    {"h", 3600e3},
    {"d", 86400e3},
}};

constexpr double kMaxBytes = 9.2e18;
constexpr double kMaxMilliseconds = 100.0 * 366 * 86400e3;

}  // namespace

std::optional<std::uint64_t> parse_byte_size(std::string_view text) {
    const auto number = split_number(text);
    const auto factor = number ? factor_of(kByteUnits, number->unit) : std::nullopt;
    if (!factor || number->value * *factor > kMaxBytes) {
        return std::nullopt;
    }
    return static_cast<std::uint64_t>(std::llround(number->value * *factor));
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
    if (text == "0") {
        return std::chrono::milliseconds(0);
    }
    const auto number = split_number(text);
    const auto factor = number ? factor_of(kMillisecondUnits, number->unit) : std::nullopt;
    if (!factor || number->value * *factor > kMaxMilliseconds) {
        return std::nullopt;
    }
    return std::chrono::milliseconds(std::llround(number->value * *factor));
}

std::string format_byte_size(std::uint64_t bytes) {
    constexpr std::array<const char*, 5> kUnits{"KiB", "MiB", "GiB", "TiB", "PiB"};
    if (bytes < 1024) {
        return fmt::format("{} B", bytes);
    }
    double value = static_cast<double>(bytes) / 1024;
    std::size_t unit = 0;
    while (value >= 1024 && unit + 1 < kUnits.size()) {
        value /= 1024;
        ++unit;
    }
    return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string format_duration(std::chrono::milliseconds duration) {
    const std::int64_t ms = duration.count();
    if (ms < 1000) {
        return fmt::format("{}ms", ms);
    }
    const std::int64_t s = ms / 1000;
    if (s < 60) {
        return fmt::format("{}s", s);
    }
    if (s < 3600) {
        return s % 60 == 0 ? fmt::format("{}m", s / 60) : fmt::format("{}m{}s", s / 60, s % 60);
    }
    if (s < 86400) {
        return s % 3600 < 60 ? fmt::format("{}h", s / 3600) : fmt::format("{}h{}m", s / 3600, s % 3600 / 60);
    }
    return s % 86400 < 3600 ? fmt::format("{}d", s / 86400) : fmt::format("{}d{}h", s / 86400, s % 86400 / 3600);
}

std::string format_utc(std::int64_t unix_ms) {
    std::int64_t seconds = unix_ms / 1000;
    std::int64_t ms = unix_ms % 1000;
    if (ms < 0) {
        ms += 1000;
        --seconds;
    }
    const std::time_t time = seconds;
    std::tm utc{};
    gmtime_r(&time, &utc);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday,
                       utc.tm_hour, utc.tm_min, utc.tm_sec, ms);
}

}  // namespace grit
