#include "nearest_name.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace grit::config {
namespace {

constexpr std::array<std::string_view, 4> kNames{"min_interval", "max_interval", "robots", "dir"};

TEST(NearestName, FindsSlips) {
    EXPECT_EQ(nearest_name("robot", kNames), "robots");
    EXPECT_EQ(nearest_name("robtos", kNames), "robots");  // Two neighbours swapped are one edit.
    EXPECT_EQ(nearest_name("Max-Interval", kNames), "max_interval");
    EXPECT_EQ(nearest_name("mni_interval", kNames), "min_interval");
    EXPECT_EQ(nearest_name("dri", kNames), "dir");
}

TEST(NearestName, LeavesStrangersAlone) {
    EXPECT_FALSE(nearest_name("frobnicate", kNames));
    EXPECT_FALSE(nearest_name("", kNames));
    EXPECT_FALSE(nearest_name("xyz", kNames));
    EXPECT_FALSE(nearest_name(std::string(100'000, 'x'), kNames));
}

}  // namespace
}  // namespace grit::config
