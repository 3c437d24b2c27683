#include "grit/base/utc.hpp"

#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <utility>

namespace grit {

std::optional<std::int64_t> parse_utc(std::string_view text) {
    constexpr std::string_view kForm = "0000-00-00T00:00:00.000Z";
    if (text.size() != kForm.size()) {
        return std::nullopt;
    }
    std::array<int, 7> parts{};
    constexpr std::array<std::pair<std::size_t, std::size_t>, 7> kPlaces{
        {{0, 4}, {5, 2}, {8, 2}, {11, 2}, {14, 2}, {17, 2}, {20, 3}}};
    for (std::size_t i = 0; i < kPlaces.size(); ++i) {
        const char* from = text.data() + kPlaces[i].first;
        const char* to = from + kPlaces[i].second;
        if (std::from_chars(from, to, parts[i]).ptr != to) {
            return std::nullopt;
        }
    }
    const std::chrono::year_month_day day{std::chrono::year(parts[0]), std::chrono::month(static_cast<unsigned>(parts[1])),
                                          std::chrono::day(static_cast<unsigned>(parts[2]))};
    if (!day.ok()) {
        return std::nullopt;
    }
    const std::int64_t days = std::chrono::sys_days(day).time_since_epoch().count();
    return (((days * 24 + parts[3]) * 60 + parts[4]) * 60 + parts[5]) * 1000 + parts[6];
}

}  // namespace grit
