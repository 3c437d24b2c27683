#include "grit/politeness/retry_after.hpp"

#include <gtest/gtest.h>

namespace grit::politeness {
namespace {

// 2023-11-14T22:13:20Z
constexpr WallTime kNow{std::chrono::seconds(1'700'000'000)};

TEST(RetryAfter, ReadsSeconds) {
    EXPECT_EQ(retry_after("120", "", kNow), Milliseconds(120'000));
    EXPECT_EQ(retry_after(" 5 ", "", kNow), Milliseconds(5'000));
}

TEST(RetryAfter, ReadsTheThreeDateForms) {
    EXPECT_EQ(retry_after("Tue, 14 Nov 2023 22:14:20 GMT", "", kNow), Milliseconds(60'000));
    EXPECT_EQ(retry_after("Tuesday, 14-Nov-23 22:14:20 GMT", "", kNow), Milliseconds(60'000));
    EXPECT_EQ(retry_after("Tue Nov 14 22:14:20 2023", "", kNow), Milliseconds(60'000));
}

TEST(RetryAfter, MeasuresADateAgainstTheResponsesOwnClock) {
    EXPECT_EQ(retry_after("Sat, 01 Jan 2000 00:00:30 GMT", "Sat, 01 Jan 2000 00:00:00 GMT", kNow), Milliseconds(30'000));
    EXPECT_EQ(retry_after("Tue, 14 Nov 2023 22:14:20 GMT", "nonsense", kNow), Milliseconds(60'000));
}

TEST(RetryAfter, IsCappedAtADay) {
    EXPECT_EQ(retry_after("31536000", "", kNow), kMaxRetryAfter);
    EXPECT_EQ(retry_after("99999999999999999999999999", "", kNow), kMaxRetryAfter);
    EXPECT_EQ(retry_after("Tue, 14 Nov 2033 22:14:20 GMT", "", kNow), kMaxRetryAfter);
}

TEST(RetryAfter, NonsenseZeroNegativeAndPastAreNothing) {
    for (const char* value : {"", " ", "0", "-5", "1.5", "soon", "5s", "Tue, 14 Nov 2023 22:12:20 GMT",
                              "Tue, 14 Nov 2023 22:14:20 GMT and more and more and more", "Tue, 99 Foo 2023"}) {
        EXPECT_FALSE(retry_after(value, "", kNow)) << value;
    }
}

}  // namespace
}  // namespace grit::politeness
