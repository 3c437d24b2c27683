#include "grit/media/filter.hpp"

#include <gtest/gtest.h>

#include <string>

namespace grit::media {
namespace {

std::string refusal(const Filter& filter, Dimensions dimensions) {
    return filter.refuses_dimensions(dimensions).value_or("");
}

TEST(MediaFilter, WithoutBoundsAllIsWanted) {
    const Filter filter;
    EXPECT_EQ(filter.refuses_bytes(0), std::nullopt);
    EXPECT_EQ(refusal(filter, {0, 0}), "");
    EXPECT_EQ(refusal(filter, {0xFFFF'FFFF, 1}), "");
    EXPECT_EQ(filter.refuses_digest({}), std::nullopt);
}

TEST(MediaFilter, BoundsThemselvesAreWanted) {
    Filter filter;
    filter.min_bytes = 100;
    filter.least = {10, 20};
    filter.most = {30, 40};
    EXPECT_EQ(filter.refuses_bytes(100), std::nullopt);
    EXPECT_EQ(filter.refuses_bytes(99), "99 bytes, less than filter.min_bytes");
    EXPECT_EQ(refusal(filter, {10, 20}), "");
    EXPECT_EQ(refusal(filter, {30, 40}), "");
    EXPECT_EQ(refusal(filter, {9, 20}), "9 x 20 pixels: beyond filter.min_width");
    EXPECT_EQ(refusal(filter, {31, 20}), "31 x 20 pixels: beyond filter.max_width");
    EXPECT_EQ(refusal(filter, {10, 19}), "10 x 19 pixels: beyond filter.min_height");
    EXPECT_EQ(refusal(filter, {10, 41}), "10 x 41 pixels: beyond filter.max_height");
}

// 2^32-1 squared does not fit into 64 bits by much: no bound may be passed by wrapping around.
TEST(MediaFilter, AreaIsCountedInFull) {
    Filter filter;
    filter.min_area = 100;
    filter.max_area = 0xFFFF'FFFF;
    EXPECT_EQ(refusal(filter, {10, 10}), "");
    EXPECT_EQ(refusal(filter, {11, 9}), "11 x 9 pixels: beyond filter.min_area");
    EXPECT_EQ(refusal(filter, {0x10000, 0x10000}), "65536 x 65536 pixels: beyond filter.max_area");
    EXPECT_EQ(refusal(filter, {0xFFFF'FFFF, 0xFFFF'FFFF}), "4294967295 x 4294967295 pixels: beyond filter.max_area");
}

TEST(MediaFilter, AspectIsOfTheLongerSideWhicheverItIs) {
    Filter filter;
    filter.max_aspect = 2.5;
    EXPECT_EQ(refusal(filter, {25, 10}), "");
    EXPECT_EQ(refusal(filter, {10, 25}), "");
    EXPECT_EQ(refusal(filter, {26, 10}), "26 x 10 pixels: beyond filter.max_aspect");
    EXPECT_EQ(refusal(filter, {10, 26}), "10 x 26 pixels: beyond filter.max_aspect");
    EXPECT_EQ(refusal(filter, {1, 0}), "1 x 0 pixels: beyond filter.max_aspect");
}

TEST(MediaFilter, PlaceholdersAreKnownByTheirDigest) {
    Filter filter;
    std::array<std::byte, 32> digest{};
    digest[31] = std::byte{7};
    filter.placeholders.insert(digest);
    EXPECT_NE(filter.refuses_digest(digest), std::nullopt);
    digest[0] = std::byte{1};
    EXPECT_EQ(filter.refuses_digest(digest), std::nullopt);
}

}  // namespace
}  // namespace grit::media
