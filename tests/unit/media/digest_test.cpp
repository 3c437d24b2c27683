#include "grit/media/digest.hpp"

#include <gtest/gtest.h>

#include "sample_images.hpp"

namespace grit::media {
namespace {

// FIPS 180-4 examples.
TEST(Digest, IsSha256) {
    Digest digest;
    EXPECT_EQ(hex(digest.finish()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    digest.update(bytes_of("abc"));
    EXPECT_EQ(hex(digest.finish()), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Digest, PiecesDoNotMatterAndFinishStartsOver) {
    Digest digest;
    digest.update(bytes_of("a"));
    digest.update(bytes_of(""));
    digest.update(bytes_of("bc"));
    const Sha256 first = digest.finish();
    Digest moved = std::move(digest);
    moved.update(bytes_of("abc"));
    EXPECT_EQ(moved.finish(), first);
}

TEST(Digest, HexIsReadBackAndNothingElse) {
    Digest digest;
    digest.update(bytes_of("abc"));
    const Sha256 abc = digest.finish();
    EXPECT_EQ(parse_sha256(hex(abc)), abc);
    EXPECT_EQ(parse_sha256(hex(abc).substr(1)), std::nullopt);
    EXPECT_EQ(parse_sha256("G" + hex(abc).substr(1)), std::nullopt);
    EXPECT_EQ(parse_sha256(hex(abc).substr(1) + "A"), std::nullopt);
    EXPECT_EQ(parse_sha256(""), std::nullopt);
}

}  // namespace
}  // namespace grit::media
