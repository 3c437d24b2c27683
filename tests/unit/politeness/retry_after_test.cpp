// Retry-After by the clauses of RFC 9110, as tables: what a host may send, and how long it is left alone.
#include "grit/politeness/retry_after.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace grit::politeness {
namespace {

using std::chrono::seconds;

// 2023-11-14T22:13:20Z, a Tuesday
constexpr WallTime kNow{seconds(1'700'000'000)};
constexpr std::optional<Milliseconds> kNothing;  // our own back-off counts

struct Case {
    std::string_view value;
    std::optional<Milliseconds> wait;
    std::string_view date;
    const char* why = "";
};

void expect_all(const std::vector<Case>& cases, WallTime now = kNow) {
    for (const Case& c : cases) {
        EXPECT_EQ(retry_after(c.value, c.date, now), c.wait) << "\"" << c.value << "\" at \"" << c.date << "\" " << c.why;
    }
}

// Section 10.2.3: Retry-After = HTTP-date / delay-seconds; delay-seconds = 1*DIGIT.
TEST(RetryAfter, Rfc9110_10_2_3_DelaySeconds) {
    expect_all({
        {"1", seconds(1), ""},
        {"120", seconds(120), ""},
        {"0000000000000000000000000000000005", seconds(5), "", "leading zeros are digits"},
        {"120", seconds(120), "Sat, 01 Jan 2000 00:00:00 GMT", "Date has no say in a delay"},
    });
}

// Section 5.5: white space around a field's value is not part of it.
TEST(RetryAfter, Rfc9110_5_5_WhiteSpaceAround) {
    expect_all({
        {" 5 ", seconds(5), ""},
        {"\t5\t ", seconds(5), ""},
        {" Tue, 14 Nov 2023 22:14:20 GMT ", seconds(60), ""},
        {"Sat, 01 Jan 2000 00:00:30 GMT", seconds(30), " Sat, 01 Jan 2000 00:00:00 GMT\t"},
    });
}

// Section 5.6.7: a recipient accepts all three forms of HTTP-date.
TEST(RetryAfter, Rfc9110_5_6_7_TheThreeFormsOfADate) {
    expect_all({
        {"Tue, 14 Nov 2023 22:14:20 GMT", seconds(60), "", "IMF-fixdate"},
        {"Tuesday, 14-Nov-23 22:14:20 GMT", seconds(60), "", "RFC 850"},
        {"Tue Nov 14 22:14:20 2023", seconds(60), "", "asctime"},
        {"Tue, 14 Nov 2023 23:59:60 GMT", seconds(6400), "", "a leap second"},
    });
    // asctime pads the day with a blank.
    expect_all({{"Sun Nov  5 00:01:00 2023", seconds(60), "Sun Nov  5 00:00:00 2023"}});
}

// Section 5.6.7: "more than 50 years in the future" is the past century.
TEST(RetryAfter, Rfc9110_5_6_7_AYearOfTwoDigits) {
    const WallTime in_2026{seconds(1'790'000'000)};  // 2026-09-21T14:13:20Z
    expect_all(
        {
            {"Monday, 21-Sep-26 14:14:20 GMT", seconds(60), ""},
            {"Monday, 21-Sep-70 14:14:20 GMT", kMaxRetryAfter, "", "2070, not 1970"},
            {"Monday, 21-Sep-77 14:14:20 GMT", kNothing, "", "1977"},
            {"Monday, 21-Sep-99 14:14:20 GMT", kNothing, "", "1999"},
        },
        in_2026);
    const WallTime end_of_2099{seconds(4'102'444'770)};  // 2099-12-31T23:59:30Z
    expect_all({{"Friday, 01-Jan-00 00:00:30 GMT", seconds(60), "", "2100, not 2000"}}, end_of_2099);
}

// Section 6.6.1 (Date) beside 10.2.3: neither clock has to be right.
TEST(RetryAfter, Rfc9110_6_6_1_TheResponsesOwnClockMeasures) {
    expect_all({
        {"Sat, 01 Jan 2000 00:00:30 GMT", seconds(30), "Sat, 01 Jan 2000 00:00:00 GMT", "its clock is late"},
        {"Mon, 01 Jan 2035 00:00:30 GMT", seconds(30), "Mon, 01 Jan 2035 00:00:00 GMT", "its clock is early"},
        {"Sat Jan  1 00:00:30 2000", seconds(30), "Saturday, 01-Jan-00 00:00:00 GMT", "in two forms"},
        {"Tue, 14 Nov 2023 22:14:20 GMT", seconds(60), "", "no Date: our clock"},
        {"Tue, 14 Nov 2023 22:14:20 GMT", seconds(60), "nonsense", "no Date that can be read: our clock"},
        {"Tue, 14 Nov 2023 22:14:20 GMT", seconds(60), "1700000000", "that is none, either"},
        {"Sat, 01 Jan 2000 00:00:00 GMT", kNothing, "Sat, 01 Jan 2000 00:00:00 GMT", "at once"},
        {"Sat, 01 Jan 2000 00:00:00 GMT", kNothing, "Sat, 01 Jan 2000 00:00:01 GMT", "before its own answer"},
    });
}

// Policy: no host can silence itself for longer; who means longer says it again.
TEST(RetryAfter, Policy_ItIsCappedAtADay) {
    expect_all({
        {"86400", seconds(86'400), ""},
        {"86401", kMaxRetryAfter, ""},
        {"31536000", kMaxRetryAfter, ""},
        {"9223372036854775807", kMaxRetryAfter, ""},
        {"9223372036854775808", kMaxRetryAfter, "", "beyond 63 bits"},
        {"99999999999999999999999999", kMaxRetryAfter, "", "beyond 64 bits"},
        {"Tue, 14 Nov 2033 22:14:20 GMT", kMaxRetryAfter, ""},
        {"Fri, 31 Dec 9999 23:59:59 GMT", kMaxRetryAfter, ""},
        {"Fri, 31 Dec 9999 23:59:59 GMT", kMaxRetryAfter, "Sat, 01 Jan 0001 00:00:00 GMT"},
    });
}

// Policy: "at once" after a refusal is no answer to go by.
TEST(RetryAfter, Policy_ZeroAndThePastAreNothing) {
    expect_all({
        {"0", kNothing, ""},
        {"000", kNothing, ""},
        {"Tue, 14 Nov 2023 22:13:20 GMT", kNothing, "", "now"},
        {"Tue, 14 Nov 2023 22:12:20 GMT", kNothing, ""},
        {"Thu, 01 Jan 1970 00:00:00 GMT", kNothing, ""},
    });
}

// Section 5.6.7 and 10.2.3: what the grammar does not have is as if it were not there.
TEST(RetryAfter, Rfc9110_MalformedIsNothing) {
    for (const char* value :
         {"", " ", "-5", "+5", "1.5", "1e3", "0x10", "soon", "5s", "5 s", "5, 10", "5;10", "\"5\"", "5\r\n6", "\xef\xbc\x95",
          "Tue, 99 Foo 2023", "Tue, 14 Nov 2023", "14 Nov 2023 22:14:20 GMT", "Tue, 14 Nov 2023 22:14:20 CET",
          "Tue, 14 Nov 2023 22:14:20", "Tue, 14 Nov 2023 25:14:20 GMT", "Tue, 14 Nov 2023 22:61:20 GMT",
          "Fri, 31 Nov 2023 22:14:20 GMT", "Thu, 29 Feb 2024 22:14:20 GMT x", "Wed, 29 Feb 2025 22:14:20 GMT",
          "Tue, 14 Nov 2023 22:14:20 GMT and more and more and more", "2023-11-14T22:14:20Z",
          "Tue, 14 Nov 12023 22:14:20 GMT", "Tue, 14 Nov -2023 22:14:20 GMT"}) {
        EXPECT_FALSE(retry_after(value, "", kNow)) << value;
    }
    EXPECT_FALSE(retry_after(std::string_view("Tue, 14 Nov 2023 22:14:20 GMT\0x", 31), "", kNow)) << "a NUL ends no text";
    EXPECT_FALSE(retry_after(std::string_view("5\0", 2), "", kNow));
    EXPECT_FALSE(retry_after(std::string(100'000, 'x'), "", kNow));
}

}  // namespace
}  // namespace grit::politeness
