#include "grit/media/image_type.hpp"

#include <gtest/gtest.h>

#include "sample_images.hpp"

namespace grit::media {
namespace {

using namespace std::string_literals;

ImageType sniffed(std::string_view head) {
    return sniff(bytes_of(head));
}

TEST(ImageType, EveryTypeIsKnownByItsFirstBytes) {
    for (const Sample& sample : all_samples()) {
        EXPECT_EQ(sniffed(sample.bytes), sample.type) << sample.name;
    }
}

// Stored numbers are a promise to existing datasets.
TEST(ImageType, StoredNumbersNeverChange) {
    EXPECT_EQ(static_cast<int>(ImageType::jpeg), 1);
    EXPECT_EQ(static_cast<int>(ImageType::heif), 6);
    EXPECT_EQ(static_cast<int>(ImageType::ico), 10);
}

TEST(ImageType, HaveExtensionsAndMediaTypes) {
    EXPECT_EQ(extension_of(ImageType::jpeg), "jpg");
    EXPECT_EQ(media_type_of(ImageType::jpeg), "image/jpeg");
    EXPECT_EQ(extension_of(ImageType::svg), "svg");
    EXPECT_EQ(media_type_of(ImageType::svg), "image/svg+xml");
    EXPECT_EQ(extension_of(ImageType::ico), "ico");
    EXPECT_EQ(extension_of(ImageType::unknown), "bin");
    EXPECT_EQ(extension_of(static_cast<ImageType>(200)), "bin");
    EXPECT_EQ(media_type_of(static_cast<ImageType>(200)), "application/octet-stream");
}

TEST(ImageType, OtherBytesAreNone) {
    for (const std::string& body : {""s, "<!DOCTYPE html><html>"s, "<html><svg></svg></html>"s, "{\"error\": 1}"s,
                                    "BMW cars are listed on this page"s, "GIF88a"s, "\0\0\1\xba\x44\0\4\0\4\1"s,
                                    "\0\0\0\x18"
                                    "ftypmp42\0\0\0\0isommp42"s,
                                    "RIFF\x24\0\0\0WAVEfmt "s, "%PDF-1.4"s, "PK\3\4"s, "II*\1"s, "\xff\xd8\xfe"s,
                                    "\x89PNG\n\x1a\n"s, "<svgs>"s, "\n\xff\xd8\xff\xe0"s}) {
        EXPECT_EQ(sniffed(body), ImageType::unknown) << body;
    }
}

TEST(ImageType, SvgMayComeBehindAProlog) {
    for (const char* body : {"<svg>", "<svg xmlns='x'>", "<svg/>", " \r\n\t<svg\n>", "\xEF\xBB\xBF<svg >",
                             "<?xml version='1.0'?><svg >", "\xEF\xBB\xBF\n<?xml?>\n<!-- a > b -- -->\n<?pi?><svg>",
                             "<!DOCTYPE svg>", "<!doctype svg PUBLIC", "<?xml?><!DOCTYPE  svg ["}) {
        EXPECT_EQ(sniffed(body), ImageType::svg) << body;
    }
    for (const char* body :
         {"svg", "<svgx>", "<?xml?><rss><svg>", "<!-- <svg> --><p>", "x<svg>", "<!DOCTYPE html><svg>", "<?xml <svg>"}) {
        EXPECT_EQ(sniffed(body), ImageType::unknown) << body;
    }
    EXPECT_EQ(sniffed("<!--" + std::string(501, 'x') + "--><svg>"), ImageType::unknown) << "beyond the first 512 bytes";
}

// A file may have a general major brand and say what it is in the compatible ones.
TEST(ImageType, BrandsTellAvifFromHeif) {
    const auto ftyp = [](std::string_view brands) { return sniffed(iso_box("ftyp", brands)); };
    EXPECT_EQ(ftyp("avif\0\0\0\0mif1"s), ImageType::avif);
    EXPECT_EQ(ftyp("mif1\0\0\0\0mif1avif"s), ImageType::avif);
    EXPECT_EQ(ftyp("mif1\0\0\0\0heic"s), ImageType::heif);
    EXPECT_EQ(ftyp("avis\0\0\0\0msf1"s), ImageType::avif);
    EXPECT_EQ(ftyp("isom\0\0\0\0avif"s), ImageType::avif);
    EXPECT_EQ(ftyp("qt  avifmp42"s), ImageType::unknown) << "the version is no brand";
    EXPECT_EQ(ftyp("avif"), ImageType::unknown) << "too short a box";
}

}  // namespace
}  // namespace grit::media
