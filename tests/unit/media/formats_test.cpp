// What is particular to one type.
#include <gtest/gtest.h>

#include "grit/media/inspector.hpp"
#include "sample_images.hpp"

namespace grit::media {
namespace {

using namespace std::string_literals;

Verdict verdict_on(const std::string& body) {
    return inspect(body).verdict;
}

std::string with(std::string body, std::size_t at, std::string_view bytes) {
    EXPECT_NE(at, std::string::npos);
    return body.replace(at, bytes.size(), bytes);
}

TEST(Jpeg, AnEndWithoutAPictureIsBroken) {
    EXPECT_EQ(verdict_on("\xff\xd8\xff\xd9"s), Verdict::broken);
    EXPECT_EQ(verdict_on("\xff\xd8\xff\xfe\0\2\xff\xd9"s), Verdict::broken);
    const std::string body = jpeg_of(17, 9);
    const std::size_t frame = body.find("\xff\xc0");
    EXPECT_EQ(verdict_on(body.substr(0, frame) + body.substr(frame + 19)), Verdict::broken) << "no frame header";
    const std::size_t scan = body.find("\xff\xda");
    EXPECT_EQ(verdict_on(body.substr(0, scan) + "\xff\xd9"), Verdict::broken) << "no scan";
}

TEST(Jpeg, ImpossibleHeadersAreBroken) {
    const std::string body = jpeg_of(17, 9);
    const std::size_t frame = body.find("\xff\xc0");
    EXPECT_EQ(verdict_on(with(body, frame + 5, "\0\0"s)), Verdict::broken) << "height 0";
    EXPECT_EQ(verdict_on(with(body, frame + 7, "\0\0"s)), Verdict::broken) << "width 0";
    EXPECT_EQ(verdict_on(with(body, frame + 2, "\0\7"s)), Verdict::broken) << "too short a frame header";
    EXPECT_EQ(verdict_on(with(body, 4, "\0\1"s)), Verdict::broken) << "a segment shorter than its length";
    EXPECT_EQ(verdict_on(with(body, body.find("\xff\xda"), "\xff\xd8"s)), Verdict::broken) << "a second beginning";
    const Answer hostile = inspect(with(body, frame + 5, "\xff\xff\xff\xff"));
    EXPECT_EQ(hostile.verdict, Verdict::whole);
    EXPECT_EQ(hostile.dimensions, (Dimensions{65535, 65535}));
}

TEST(Jpeg, StrayAndFillBytesBetweenSegmentsArePassedOver) {
    const std::string body = jpeg_of(17, 9);
    EXPECT_EQ(verdict_on(body.substr(0, 2) + "\xff\xff\xff"s + body.substr(2)), Verdict::whole);
    const std::size_t tables = body.find("\xff\xdb");
    EXPECT_EQ(verdict_on(body.substr(0, tables) + "stray" + body.substr(tables)), Verdict::whole);
}

TEST(Png, DamagedCriticalChunksAreBroken) {
    const std::string body = png_of(13, 7);
    const auto flipped = [&](std::size_t at) {
        return with(body, at, std::string(1, static_cast<char>(body[at] ^ 1)));
    };
    EXPECT_EQ(verdict_on(flipped(body.find("IHDR") + 4 + 13)), Verdict::broken) << "IHDR's checksum";
    EXPECT_EQ(verdict_on(flipped(body.find("IHDR") + 7)), Verdict::broken) << "the width";
    EXPECT_EQ(verdict_on(flipped(body.find("IDAT") + 9)), Verdict::broken) << "pixels";
    EXPECT_EQ(verdict_on(flipped(body.size() - 1)), Verdict::broken) << "IEND's checksum";
    EXPECT_EQ(verdict_on(with(body, body.size() - 12, "\0\0\0\1"s)), Verdict::broken) << "IEND with data";
}

TEST(Png, DamageInAncillaryChunksIsNoMatter) {
    const std::string body = png_of(13, 7);
    std::string text = png_chunk("tEXt", "some text");
    text.back() = static_cast<char>(text.back() ^ 1);
    EXPECT_EQ(verdict_on(body.substr(0, 33) + text + body.substr(33)), Verdict::whole);
}

TEST(Png, ImpossibleStructureIsBroken) {
    const std::string body = png_of(13, 7);
    const std::string signature = body.substr(0, 8);
    const std::string header = body.substr(8, 25);
    const std::string rest = body.substr(33);
    const std::string end = png_chunk("IEND", "");
    EXPECT_EQ(verdict_on(signature + header + end), Verdict::broken) << "no pixels";
    EXPECT_EQ(verdict_on(signature + rest), Verdict::broken) << "no header";
    EXPECT_EQ(verdict_on(signature + header + header + rest), Verdict::broken) << "two headers";
    EXPECT_EQ(verdict_on(signature + header + png_chunk("CrIt", "") + rest), Verdict::broken)
        << "unknown critical chunk";
    EXPECT_EQ(verdict_on(signature + header + "\x80\0\0\0IDAT"s + rest), Verdict::broken) << "impossible length";
    EXPECT_EQ(verdict_on(signature + header + "\0\0\0\0<htm"s + rest), Verdict::broken) << "no chunk name";
    const auto headed = [&](std::uint32_t width, std::uint32_t height, std::string_view tail) {
        return inspect(signature + png_chunk("IHDR", be32_of(width) + be32_of(height) + std::string(tail)) + rest);
    };
    EXPECT_EQ(headed(0, 1, "\x08\x02\0\0\0"s).verdict, Verdict::broken);
    EXPECT_EQ(headed(1, 0x80000000, "\x08\x02\0\0\0"s).verdict, Verdict::broken);
    EXPECT_EQ(headed(1, 1, "\x04\x02\0\0\0"s).verdict, Verdict::broken) << "depth 4 of true colour";
    EXPECT_EQ(headed(1, 1, "\x08\x05\0\0\0"s).verdict, Verdict::broken) << "colour type 5";
    EXPECT_EQ(headed(1, 1, "\x08\x02\1\0\0"s).verdict, Verdict::broken) << "compression 1";
    EXPECT_EQ(headed(1, 1, "\x08\x02\0\0\2"s).verdict, Verdict::broken) << "interlace 2";
    // As large as PNG allows: reported, nothing allocated.
    EXPECT_EQ(headed(0x7FFFFFFF, 0x7FFFFFFF, "\x08\x02\0\0\0"s),
              (Answer{Verdict::whole, ImageType::png, Dimensions{0x7FFFFFFF, 0x7FFFFFFF}}));
}

TEST(Gif, AnEndWithoutAPictureIsBroken) {
    EXPECT_EQ(verdict_on("GIF89a\5\0\3\0\0\0\0;"s), Verdict::broken);
    EXPECT_EQ(verdict_on("GIF89a\5\0\3\0\0\0\0x"s), Verdict::broken);
}

TEST(Gif, StrayBytesBehindAPictureArePassedOver) {
    const std::string body = gif_of(5, 3);
    EXPECT_EQ(verdict_on(body.substr(0, body.size() - 1) + "\0\0x;"s), Verdict::whole);
}

TEST(Gif, AnEmptyScreenTakesTheSizeOfTheFirstPicture) {
    EXPECT_EQ(inspect(with(gif_of(5, 3), 6, "\0\0\0\0"s)).dimensions, (Dimensions{5, 3}));
    EXPECT_EQ(verdict_on(gif_of(0, 0)), Verdict::broken);
}

TEST(Webp, ImpossibleStructureIsBroken) {
    const std::string lossy = webp_of(24, 10, false);
    const std::string lossless = webp_of(24, 10, true);
    EXPECT_EQ(verdict_on(with(lossy, 4, "\4\0\0\0"s)), Verdict::broken) << "no room for a chunk";
    EXPECT_EQ(verdict_on(with(lossy, 16, "\xff\xff\xff\xff"s)), Verdict::broken) << "a chunk beyond the file's end";
    EXPECT_EQ(verdict_on(with(lossy, 20, "\xff"s)), Verdict::broken) << "no key frame";
    EXPECT_EQ(verdict_on(with(lossy, 23, "xxx")), Verdict::broken) << "no start code";
    EXPECT_EQ(verdict_on(with(lossy, 26, "\0\0\0\0"s)), Verdict::broken) << "no pixels";
    EXPECT_EQ(verdict_on(with(lossless, 20, "x")), Verdict::broken) << "no signature";
    const std::string header = webp_extended(24, 10).substr(12, 18);
    EXPECT_EQ(verdict_on("RIFF" + le32_of(22) + "WEBP" + header), Verdict::broken) << "no picture";
}

TEST(Webp, TheLastPaddingByteMayBeMissing) {
    const std::string body = webp_extended(24, 10);
    EXPECT_EQ(
        verdict_on(with(body.substr(0, body.size() - 1), 4, le32_of(static_cast<std::uint32_t>(body.size() - 9)))),
        Verdict::whole);
}

TEST(Bmp, ItsLengthFollowsFromThePixels) {
    const std::string body = bmp_of(5, 4);
    EXPECT_EQ(verdict_on(with(body, 2, "\0\0\0\0"s)), Verdict::whole) << "size fields are often wrong";
    EXPECT_EQ(verdict_on(with(body, 2, "\xff\xff\xff\xff"s)), Verdict::whole);
    EXPECT_EQ(verdict_on(bmp_of(5, -4)), Verdict::whole);
    // Run-length coded: only the size fields tell.
    const std::string packed = with(with(body, 30, "\1\0\0\0"s), 34, le32_of(20));
    EXPECT_EQ(verdict_on(packed.substr(0, 74)), Verdict::whole);
    EXPECT_EQ(verdict_on(packed.substr(0, 73)), Verdict::truncated);
    EXPECT_EQ(inspect("BM" + std::string(8, '\0') + le32_of(26) + le32_of(12) + le16_of(2) + le16_of(1) + le16_of(1) +
                      le16_of(24) + std::string(8, 'p')),
              (Answer{Verdict::whole, ImageType::bmp, Dimensions{2, 1}}))
        << "OS/2";
}

TEST(Bmp, HostileHeadersAllocateNothing) {
    const std::string body = bmp_of(5, 4);
    EXPECT_EQ(inspect(with(body, 18, "\xff\xff\xff\x7f\0\0\0\x80"s)),
              (Answer{Verdict::truncated, ImageType::bmp, Dimensions{0x7FFFFFFF, 0x80000000}}));
    EXPECT_EQ(verdict_on(with(body, 18, "\0\0\0\0"s)), Verdict::broken);
    EXPECT_EQ(verdict_on(with(body, 18, "\xff\xff\xff\xff"s)), Verdict::broken) << "a negative width";
    EXPECT_EQ(verdict_on(with(body, 22, "\0\0\0\0"s)), Verdict::broken);
    EXPECT_EQ(verdict_on(with(body, 10, "\1\0\0\0"s)), Verdict::broken) << "pixels within the header";
}

TEST(Ico, ImpossibleDirectoriesAreBroken) {
    const std::string body = ico_of();
    EXPECT_EQ(verdict_on(with(body, 4, "\0\0"s)), Verdict::broken);
    EXPECT_EQ(verdict_on(with(body, 14, "\0\0\0\0"s)), Verdict::broken) << "an empty picture";
    EXPECT_EQ(verdict_on(with(body, 18, "\1\0\0\0"s)), Verdict::broken) << "a picture within the directory";
    EXPECT_EQ(verdict_on(with(body, 14, "\xff\xff\xff\xff"s)), Verdict::truncated);
    EXPECT_EQ(inspect(with(body, 6, "\0\0"s)).dimensions, (Dimensions{256, 256}));
}

TEST(Tiff, ImpossibleDirectoriesAreBroken) {
    const std::string body = tiff_of(false, true);
    EXPECT_EQ(verdict_on(with(body, 4, "\1\0\0\0"s)), Verdict::broken) << "a directory within the header";
    EXPECT_EQ(verdict_on(with(body, 8, "\0\0"s)), Verdict::broken) << "an empty directory";
    EXPECT_EQ(verdict_on(with(body, 18, "\0\0"s)), Verdict::broken) << "no width";
    EXPECT_EQ(verdict_on(with(body, 4, "\xff\xff\xff\xff"s)), Verdict::truncated);
    // A list of 2^32-1 strips.
    EXPECT_EQ(verdict_on(with(body, 50, "\xff\xff\xff\xff"s)), Verdict::truncated);
}

TEST(Isobmff, WithoutPlacesOfItemsAllBoxesHaveToBeThere) {
    const std::string ftyp = iso_box("ftyp", "avis\0\0\0\0msf1"s);
    const std::string sequence = ftyp + iso_box("moov", std::string(50, 'v')) + iso_box("mdat", std::string(50, 'm'));
    EXPECT_EQ(verdict_on(sequence), Verdict::whole);
    for (std::size_t cut = 1; cut < sequence.size(); ++cut) {
        EXPECT_EQ(verdict_on(sequence.substr(0, cut)), Verdict::truncated) << cut;
    }
    EXPECT_EQ(verdict_on(ftyp + iso_box("mdat", "x")), Verdict::truncated) << "nothing describes the data";
}

TEST(Isobmff, SizesOf64BitsAndUpToTheEndAreRead) {
    const std::string body = avif_of();
    const std::size_t data = body.find("mdat") - 4;
    EXPECT_EQ(verdict_on(with(body, data, be32_of(0))), Verdict::whole);
    EXPECT_EQ(verdict_on(with(body, data, be32_of(0)).substr(0, body.size() - 1)), Verdict::truncated);
    const std::string large =
        body.substr(0, data) + be32_of(1) + "mdat" + be32_of(0) + be32_of(76) + std::string(60, 'm');
    EXPECT_EQ(verdict_on(large), Verdict::whole);
    EXPECT_EQ(verdict_on(body.substr(0, data) + be32_of(1) + "mdat" + be32_of(0xFFFFFFFF) + be32_of(0)),
              Verdict::broken);
}

TEST(Isobmff, ImpossibleBoxesAreBroken) {
    const std::string body = avif_of();
    EXPECT_EQ(verdict_on(with(body, body.find("hdlr") - 4, be32_of(7))), Verdict::broken)
        << "a box smaller than its head";
    EXPECT_EQ(verdict_on(with(body, body.find("iloc") + 8, "\x33")), Verdict::broken) << "numbers of three bytes";
    EXPECT_EQ(verdict_on(with(body, body.find("iloc") - 4, be32_of(20))), Verdict::broken)
        << "more items than the box has";
}

TEST(Svg, TheRootsEndIsTheEnd) {
    EXPECT_EQ(verdict_on("<svg/>"), Verdict::whole);
    EXPECT_EQ(verdict_on("<svg></svg>"), Verdict::whole);
    EXPECT_EQ(verdict_on("<svg></svg >\n<!-- generated -->"), Verdict::whole);
    EXPECT_EQ(verdict_on("<svg><svg></svg>"), Verdict::truncated) << "the inner one's end";
    EXPECT_EQ(verdict_on("<svg a='</svg>'>"), Verdict::truncated);
    EXPECT_EQ(verdict_on("<svg><!-- </svg> "), Verdict::truncated);
    EXPECT_EQ(verdict_on("<svg></svgs>"), Verdict::truncated);
    EXPECT_EQ(verdict_on("<!DOCTYPE svg></svg>"), Verdict::broken);
}

}  // namespace
}  // namespace grit::media
