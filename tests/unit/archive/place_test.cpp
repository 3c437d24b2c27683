#include "grit/archive/place.hpp"

#include "grit/archive/marker.hpp"

#include <gtest/gtest.h>

namespace grit::archive {
namespace {

void expect_place(std::string_view location, std::string_view volume, std::uint32_t shard, bool is_tar, std::string_view name) {
    const auto place = place_of(location);
    ASSERT_TRUE(place) << location;
    EXPECT_EQ(place->volume, volume);
    EXPECT_EQ(place->shard, shard);
    EXPECT_EQ(place->is_tar, is_tar);
    EXPECT_EQ(place->name, name);
}

TEST(Place, IsTakenFromALocation) {
    expect_place("00012/000120005.jpg", "", 12, false, "000120005.jpg");
    expect_place("00012.tar#000120005.jpg", "", 12, true, "000120005.jpg");
    expect_place("ssd-2/123456.tar#000120005-2.png", "ssd-2", 123'456, true, "000120005-2.png");
    expect_place("b/00000/000000000.2.gif", "b", 0, false, "000000000.2.gif");
}

TEST(Place, WhatNoLayoutMakesIsNone) {
    for (const char* location : {"", "b", "b/", "00012", "00012/", "00012.tar", "00012.tar#", "12/000120005.jpg", "000012/000120005.jpg",
                                 "00012.tar/000120005.jpg", "00012#000120005.jpg", "../00012/000120005.jpg", "00012/a/b.jpg",
                                 "00012.tar#a/b.jpg", "99999999999/1.jpg", "-0012/000120005.jpg", "b/c/00012/000120005.jpg"}) {
        EXPECT_FALSE(place_of(location)) << location;
    }
}

TEST(Place, OrdinalsAreInNames) {
    for (const char* name : {"000120005.jpg", "000120005.json", "000120005-2.jpg", "000120005.2.jpg"}) {
        EXPECT_EQ(ordinal_in(name), Ordinal{120'005}) << name;
    }
    EXPECT_EQ(ordinal_in("1234567890.jpg"), Ordinal{1'234'567'890});
    for (const char* name : {"", "120005.jpg", "0000120005.jpg", "x.jpg", "00012000x.jpg", "+00120005.jpg"}) {
        EXPECT_FALSE(ordinal_in(name)) << name;
    }
}

TEST(Marker, IsReadAsItIsWritten) {
    for (const Marker& marker : {Marker{"abc", ""}, Marker{"abc", "ssd-2"}}) {
        const std::string text = text_of(marker);
        EXPECT_EQ(parse_marker(text), marker);
        EXPECT_EQ(parse_marker(text.substr(0, text.size() - 1)), marker);
    }
    EXPECT_EQ(text_of({"abc", "b"}), "abc\nvolume b\n");
    EXPECT_EQ(parse_marker(""), Marker());
    EXPECT_EQ(parse_marker("abc\nsomething"), (Marker{"abc", ""}));
}

TEST(Place, ShardsHaveNumbers) {
    EXPECT_EQ(shard_file_name(12), "00012.tar");
    EXPECT_EQ(folder_name(123'456), "123456");
    EXPECT_EQ(number_of_tar("00012.tar"), 12U);
    EXPECT_EQ(number_of_folder("00012"), 12U);
    EXPECT_FALSE(number_of_tar("00012"));
    EXPECT_FALSE(number_of_tar("00012.idx"));
    EXPECT_FALSE(number_of_folder("outcomes"));
}

}  // namespace
}  // namespace grit::archive
