#include "spelling.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace grit::config {
namespace {

constexpr std::array<std::pair<std::uint64_t, const char*>, 4> kSizes{
    {{1ULL << 40, "TiB"}, {1ULL << 30, "GiB"}, {1ULL << 20, "MiB"}, {1ULL << 10, "KiB"}}};
// No days: "24h" is what the file and people say.
constexpr std::array<std::pair<std::int64_t, const char*>, 3> kDurations{
    {{3'600'000, "h"}, {60'000, "m"}, {1'000, "s"}}};

void append_printable(std::string& out, char c) {
    if (static_cast<unsigned char>(c) < 0x20 || c == '\x7f') {
        out += fmt::format("\\u{:04X}", static_cast<unsigned char>(c));
    } else {
        out.push_back(c);
    }
}

}  // namespace

std::string spell_size(std::uint64_t bytes) {
    for (const auto& [factor, unit] : kSizes) {
        if (bytes != 0 && bytes % factor == 0) {
            return fmt::format("{}{}", bytes / factor, unit);
        }
    }
    return fmt::format("{}B", bytes);
}

std::string spell_duration(milliseconds duration) {
    if (duration.count() == 0) {
        return "0s";
    }
    for (const auto& [factor, unit] : kDurations) {
        if (duration.count() % factor == 0) {
            return fmt::format("{}{}", duration.count() / factor, unit);
        }
    }
    return fmt::format("{}ms", duration.count());
}

std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            out.push_back('\\');
        }
        append_printable(out, c);
    }
    out.push_back('"');
    return out;
}

std::string printable(std::string_view text) {
    std::string out;
    for (const char c : text) {
        append_printable(out, c);
    }
    return out;
}

}  // namespace grit::config
