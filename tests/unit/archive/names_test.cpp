#include "grit/archive/names.hpp"

#include <gtest/gtest.h>

namespace grit::archive {
namespace {

TEST(Names, FilesAreShardedByTenThousand) {
    EXPECT_EQ(path_for(120'005, "jpg"), "00012/000120005.jpg");
    EXPECT_EQ(path_for(0, "png"), "00000/000000000.png");
    EXPECT_EQ(path_for(9'999, "gif"), "00000/000009999.gif");
    EXPECT_EQ(path_for(10'000, "gif"), "00001/000010000.gif");
}

TEST(Names, WiderNumbersJustGrow) {
    EXPECT_EQ(path_for(1'234'567'890, "webp"), "123456/1234567890.webp");
    EXPECT_EQ(path_for(~Ordinal{0}, "jpg"), "1844674407370955/18446744073709551615.jpg");
}

TEST(Names, ALocationBeginsWithItsVolume) {
    EXPECT_EQ(volume_of("disk2/00012/000120005.jpg"), "disk2");
    EXPECT_EQ(volume_of("disk2/00012.tar#000120005.jpg"), "disk2");
    EXPECT_EQ(volume_of("00012/000120005.jpg"), "") << "the first one has no name";
    EXPECT_EQ(volume_of("00012.tar#000120005.jpg"), "");
    EXPECT_EQ(volume_of(""), "");
}

}  // namespace
}  // namespace grit::archive
