#include "grit/politeness/retry_after.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <ctime>
#include <string>

namespace grit::politeness {
namespace {

std::string_view trimmed(std::string_view text) {
    const std::size_t begin = text.find_first_not_of(" \t");
    if (begin == std::string_view::npos) {
        return {};
    }
    return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// RFC 9110 section 5.6.7: IMF-fixdate, and the obsolete RFC 850 and asctime forms.
std::optional<std::int64_t> http_date_seconds(std::string_view text) {
    constexpr std::size_t kLongestDate = 40;
    constexpr std::array<const char*, 3> kForms{"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT",
                                                "%a %b %e %H:%M:%S %Y"};
    if (text.empty() || text.size() > kLongestDate) {
        return std::nullopt;
    }
    const std::string copy(text);
    for (const char* form : kForms) {
        std::tm utc{};
        const char* end = strptime(copy.c_str(), form, &utc);
        if (end != nullptr && *end == '\0') {
            return timegm(&utc);
        }
    }
    return std::nullopt;
}

std::optional<Milliseconds> bounded(std::int64_t seconds) {
    if (seconds <= 0) {
        return std::nullopt;
    }
    return std::min(kMaxRetryAfter, Milliseconds(1000) * std::min<std::int64_t>(seconds, 1'000'000));
}

}  // namespace

std::optional<Milliseconds> retry_after(std::string_view value, std::string_view date, WallTime wall_now) {
    const std::string_view text = trimmed(value);
    if (!text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos) {
        std::int64_t seconds = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
        // Digits that overflow are a wait beyond any cap, not nonsense.
        return error == std::errc() ? bounded(seconds) : std::optional(kMaxRetryAfter);
    }
    const auto until = http_date_seconds(text);
    if (!until) {
        return std::nullopt;
    }
    const std::int64_t ours = std::chrono::duration_cast<std::chrono::seconds>(wall_now.time_since_epoch()).count();
    return bounded(*until - http_date_seconds(trimmed(date)).value_or(ours));
}

}  // namespace grit::politeness
