#include <gtest/gtest.h>
#include <spng.h>
#include <webp/decode.h>

#include <csetjmp>
#include <cstdio>
#include <set>

#include "image_forge.hpp"
// jpeglib.h needs size_t and FILE from <cstdio> above it.
#include <jpeglib.h>

namespace grit::testweb {
namespace {

// Throws where libjpeg would end the process; warnings (damaged data) count as failures too.
[[noreturn]] void fail_jpeg(j_common_ptr) {
    throw std::runtime_error("libjpeg");
}
void note_jpeg(j_common_ptr jpeg, int level) {
    jpeg->err->num_warnings += level < 0 ? 1 : 0;
}

bool decodes_as_jpeg(const std::string& bytes) {
    jpeg_decompress_struct jpeg{};
    jpeg_error_mgr errors{};
    jpeg.err = jpeg_std_error(&errors);
    errors.error_exit = &fail_jpeg;
    errors.emit_message = &note_jpeg;
    jpeg_create_decompress(&jpeg);
    bool ok = false;
    try {
        jpeg_mem_src(&jpeg, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
        jpeg_read_header(&jpeg, TRUE);
        jpeg_start_decompress(&jpeg);
        std::vector<unsigned char> row(std::size_t{jpeg.output_width} * 3);
        unsigned char* rows = row.data();
        while (jpeg.output_scanline < jpeg.output_height) {
            jpeg_read_scanlines(&jpeg, &rows, 1);
        }
        jpeg_finish_decompress(&jpeg);
        ok = errors.num_warnings == 0;
    } catch (const std::runtime_error&) {
        ok = false;
    }
    jpeg_destroy_decompress(&jpeg);
    return ok;
}

bool decodes_as_png(const std::string& bytes) {
    spng_ctx* png = spng_ctx_new(0);
    spng_set_crc_action(png, SPNG_CRC_ERROR, SPNG_CRC_ERROR);
    spng_set_png_buffer(png, bytes.data(), bytes.size());
    std::size_t size = 0;
    bool ok = spng_decoded_image_size(png, SPNG_FMT_RGB8, &size) == 0;
    std::vector<unsigned char> pixels(size);
    ok = ok && spng_decode_image(png, pixels.data(), size, SPNG_FMT_RGB8, 0) == 0 && spng_decode_chunks(png) == 0;
    spng_ctx_free(png);
    return ok;
}

bool decodes_as_webp(const std::string& bytes) {
    int width = 0;
    int height = 0;
    std::uint8_t* pixels =
        WebPDecodeRGB(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size(), &width, &height);
    WebPFree(pixels);
    // The RIFF length counts all behind itself.
    const auto riff =
        static_cast<std::size_t>(static_cast<unsigned char>(bytes[4]) | static_cast<unsigned char>(bytes[5]) << 8 |
                                 static_cast<unsigned char>(bytes[6]) << 16);
    return pixels != nullptr && width > 0 && height > 0 && riff + 8 == bytes.size();
}

bool looks_like_gif(const std::string& bytes) {
    return bytes.starts_with("GIF89a") && bytes.ends_with(std::string_view("\0;", 2));
}

bool decodes(const ForgedImage& image) {
    switch (image.kind) {
        case ImageKind::jpeg:
            return decodes_as_jpeg(image.bytes);
        case ImageKind::png:
            return decodes_as_png(image.bytes);
        case ImageKind::webp:
            return decodes_as_webp(image.bytes);
        case ImageKind::gif:
            return looks_like_gif(image.bytes);
    }
    return false;
}

TEST(ImageForge, EveryUrlHasBytesOfItsOwnThatDecode) {
    const ImageForge forge(1, 8192);
    std::set<std::string> seen;
    for (const char* extension : {".jpg", ".png", ".webp", ".gif"}) {
        for (int i = 0; i < 300; ++i) {
            const std::string url = "host.test/" + std::to_string(i) + extension;
            const ForgedImage image = forge.make(url);
            EXPECT_TRUE(decodes(image)) << url;
            EXPECT_TRUE(seen.insert(sha256_hex(image.bytes)).second) << url;
        }
    }
}

TEST(ImageForge, CutImagesDoNotDecode) {
    const ImageForge forge(1, 8192);
    for (const char* url : {"a.test/1.jpg", "a.test/1.png", "a.test/1.webp", "a.test/1.gif"}) {
        ForgedImage image = forge.make(url);
        image.bytes.resize(image.bytes.size() / 2);
        EXPECT_FALSE(decodes(image)) << url;
    }
}

TEST(ImageForge, BytesDependOnHostTargetAndSeedAlone) {
    const ImageForge forge(1, 8192);
    const ImageForge same(1, 8192);
    const ImageForge other(2, 8192);
    EXPECT_EQ(forge.make("a.test/1.jpg").bytes, same.make("a.test/1.jpg").bytes);
    EXPECT_NE(forge.make("a.test/1.jpg").bytes, other.make("a.test/1.jpg").bytes);
    EXPECT_NE(forge.make("a.test/1.jpg").bytes, forge.make("b.test/1.jpg").bytes);
    EXPECT_NE(forge.make("a.test/1.jpg").bytes, forge.make("a.test/1.jpg?v=2").bytes);
}

TEST(ImageForge, TypeFollowsThePathsExtension) {
    EXPECT_EQ(ImageForge::kind_of("a.test/x.png?y=.gif"), ImageKind::png);
    EXPECT_EQ(ImageForge::kind_of("a.test/x.webp"), ImageKind::webp);
    EXPECT_EQ(ImageForge::kind_of("a.test/x.gif"), ImageKind::gif);
    EXPECT_EQ(ImageForge::kind_of("a.test/x.jpeg"), ImageKind::jpeg);
    EXPECT_EQ(ImageForge::kind_of("a.test/x"), ImageKind::jpeg);
}

TEST(ImageForge, SizesAreSpreadAroundTheirMean) {
    const ImageForge forge(1, 8192);
    double sum = 0;
    std::size_t smallest = SIZE_MAX;
    std::size_t largest = 0;
    constexpr int kCount = 4000;
    for (int i = 0; i < kCount; ++i) {
        const std::size_t size = forge.make("a.test/" + std::to_string(i)).bytes.size();
        sum += static_cast<double>(size);
        smallest = std::min(smallest, size);
        largest = std::max(largest, size);
    }
    EXPECT_NEAR(sum / kCount, 8192, 800);
    EXPECT_LT(smallest, 1000U);
    EXPECT_GT(largest, 50'000U);
    EXPECT_LE(largest, 100U * 1024 + 2048);
}

}  // namespace
}  // namespace grit::testweb
