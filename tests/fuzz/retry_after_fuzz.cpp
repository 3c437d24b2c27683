// Any bytes as a Retry-After field and, on the next line, a Date; the clock is part of them, too.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "grit/politeness/retry_after.hpp"

namespace {

using grit::politeness::kMaxRetryAfter;
using grit::politeness::retry_after;

void require(bool good) {
    if (!good) {
        std::abort();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view text(reinterpret_cast<const char*>(data), size);
    const std::string_view value = text.substr(0, text.find('\n'));
    text.remove_prefix(value.size() + (value.size() < text.size() ? 1 : 0));
    const std::string_view date = text.substr(0, text.find('\n'));
    text.remove_prefix(date.size() + (date.size() < text.size() ? 1 : 0));
    std::uint32_t clock = 1'700'000'000;
    std::memcpy(&clock, text.data(), text.size() < sizeof(clock) ? 0 : sizeof(clock));
    const grit::WallTime now{std::chrono::seconds(clock)};

    const auto wait = retry_after(value, date, now);
    require(!wait || (wait->count() > 0 && *wait <= kMaxRetryAfter));
    // White space around is not part of either field.
    require(retry_after(" \t" + std::string(value) + " ", "\t" + std::string(date) + " \t", now) == wait);
    if (!value.empty() && value.find_first_not_of("0123456789") == std::string_view::npos) {
        require(wait.has_value() == (value.find_first_not_of('0') != std::string_view::npos));
        require(retry_after(value, {}, now + std::chrono::hours(100'000)) == wait);
    }
    // A date is nothing of its own: by a clock that says just that time it is past.
    if (!date.empty() && value == date && value.find_first_not_of("0123456789 \t") != std::string_view::npos) {
        require(!wait);
    }
    return 0;
}
