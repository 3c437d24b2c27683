#include "grit/base/quantity.hpp"

#include <gtest/gtest.h>

namespace grit {
namespace {

using std::chrono::milliseconds;

TEST(ByteSize, ReadsBinaryAndDecimalUnits) {
    EXPECT_EQ(parse_byte_size("512"), 512u);
    EXPECT_EQ(parse_byte_size("20GiB"), 20ull << 30);
    EXPECT_EQ(parse_byte_size("1.5KiB"), 1536u);
    EXPECT_EQ(parse_byte_size("2MB"), 2'000'000u);
    EXPECT_EQ(parse_byte_size("0"), 0u);
}

TEST(ByteSize, RefusesWhatIsNoSize) {
    for (const char* text : {"", "GiB", "-1", "1 GiB", "1gib", "1e3", "inf", "nan", "1.2.3", "99999999999TiB"}) {
        EXPECT_FALSE(parse_byte_size(text)) << text;
    }
}

TEST(Duration, ReadsEveryUnit) {
    EXPECT_EQ(parse_duration("250ms"), milliseconds(250));
    EXPECT_EQ(parse_duration("1.5m"), milliseconds(90'000));
    EXPECT_EQ(parse_duration("24h"), milliseconds(86'400'000));
    EXPECT_EQ(parse_duration("1d"), milliseconds(86'400'000));
    EXPECT_EQ(parse_duration("0"), milliseconds(0));
}

TEST(Duration, RefusesBareNumbersAndNonsense) {
    for (const char* text : {"", "5", "-1s", "s", "1 s", "1w", "1e9d", "99999999d"}) {
        EXPECT_FALSE(parse_duration(text)) << text;
    }
}

TEST(Quantity, FormatsForPeople) {
    EXPECT_EQ(format_byte_size(17), "17 B");
    EXPECT_EQ(format_byte_size(416'611'827'712), "388.0 GiB");
    EXPECT_EQ(format_duration(milliseconds(250)), "250ms");
    EXPECT_EQ(format_duration(milliseconds(42'000)), "42s");
    EXPECT_EQ(format_duration(milliseconds(20'160'000)), "5h36m");
    EXPECT_EQ(format_duration(milliseconds(93'600'000)), "1d2h");
    EXPECT_EQ(format_utc(1'700'000'000'123), "2023-11-14T22:13:20.123Z");
    EXPECT_EQ(format_utc(-1), "1969-12-31T23:59:59.999Z");
}

}  // namespace
}  // namespace grit
