#include "grit/base/utc.hpp"

#include <gtest/gtest.h>

#include "grit/base/quantity.hpp"

namespace grit {
namespace {

TEST(Utc, IsReadAsItIsWritten) {
    for (const std::int64_t ms : {std::int64_t{0}, std::int64_t{1'700'000'000'123}, std::int64_t{-1}, std::int64_t{253'402'300'799'999}}) {
        EXPECT_EQ(parse_utc(format_utc(ms)), ms);
    }
}

TEST(Utc, AnythingElseIsNone) {
    for (const char* text : {"", "2023-11-14", "2023-13-14T22:13:20.123Z", "2023-02-30T22:13:20.123Z", "2023-11-14T22:13:20.12 Z"}) {
        EXPECT_FALSE(parse_utc(text)) << text;
    }
}

}  // namespace
}  // namespace grit
