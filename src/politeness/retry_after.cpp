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

struct DateForm {
    const char* format;  // of strptime
    bool two_digit_year;
};

// RFC 9110 section 5.6.7: IMF-fixdate, and the obsolete RFC 850 and asctime forms.
constexpr std::array<DateForm, 3> kDateForms{{{"%a, %d %b %Y %H:%M:%S GMT", false},
                                              {"%A, %d-%b-%y %H:%M:%S GMT", true},
                                              {"%a %b %e %H:%M:%S %Y", false}}};

// RFC 9110 section 5.6.7: a year of two digits that seems to lie more than 50 years ahead is the last one that ended so.
int whole_year(int two_digits, std::time_t now) {
    std::tm utc{};
    gmtime_r(&now, &utc);
    const int this_year = utc.tm_year + 1900;
    const int year = this_year - this_year % 100 + two_digits;
    if (year > this_year + 50) {
        return year - 100;
    }
    return year <= this_year - 50 ? year + 100 : year;
}

// timegm would take 31 June for 1 July.
bool has_that_day(const std::tm& date) {
    std::tm midnight{};
    midnight.tm_year = date.tm_year;
    midnight.tm_mon = date.tm_mon;
    midnight.tm_mday = date.tm_mday;
    timegm(&midnight);
    return midnight.tm_mday == date.tm_mday;
}

// @param now  seconds since 1970, for the century.
std::optional<std::int64_t> http_date_seconds(std::string_view text, std::int64_t now) {
    constexpr std::size_t kLongestDate = 40;
    if (text.empty() || text.size() > kLongestDate) {
        return std::nullopt;
    }
    const std::string copy(text);
    for (const DateForm& form : kDateForms) {
        std::tm utc{};
        const char* end = strptime(copy.c_str(), form.format, &utc);
        if (end != copy.c_str() + copy.size()) {
            continue;
        }
        if (form.two_digit_year) {
            utc.tm_year = whole_year((utc.tm_year + 1900) % 100, static_cast<std::time_t>(now)) - 1900;
        }
        return has_that_day(utc) ? std::optional<std::int64_t>(timegm(&utc)) : std::nullopt;
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
    const std::int64_t ours = std::chrono::duration_cast<std::chrono::seconds>(wall_now.time_since_epoch()).count();
    const auto until = http_date_seconds(text, ours);
    if (!until) {
        return std::nullopt;
    }
    return bounded(*until - http_date_seconds(trimmed(date), ours).value_or(ours));
}

}  // namespace grit::politeness
