#include "base_images.hpp"

#include <spng.h>
#include <webp/encode.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
// jpeglib.h needs size_t and FILE from <cstdio> above it.
#include <jpeglib.h>

namespace grit::testweb {
namespace {

struct Pixels {
    std::uint32_t width;
    std::uint32_t height;
    std::vector<std::uint8_t> rgb;
};

// Soft gradients with a few blocks: compresses like a drawing, and looks like something when a person opens it.
Pixels paint(std::uint32_t width, std::uint32_t height) {
    Pixels pixels{width, height, std::vector<std::uint8_t>(std::size_t{width} * height * 3)};
    for (std::uint32_t y = 0; y < height; ++y) {
        for (std::uint32_t x = 0; x < width; ++x) {
            std::uint8_t* at = &pixels.rgb[(std::size_t{y} * width + x) * 3];
            const bool block = (x * 6 / width + y * 4 / height) % 3 == 0;
            at[0] = static_cast<std::uint8_t>(x * 255 / width);
            at[1] = static_cast<std::uint8_t>(y * 255 / height);
            at[2] = static_cast<std::uint8_t>(block ? 200 + (x * 31 + y * 17) % 24 : 40);
        }
    }
    return pixels;
}

std::string encode_jpeg(const Pixels& pixels) {
    jpeg_compress_struct jpeg{};
    jpeg_error_mgr errors{};
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    unsigned char* out = nullptr;
    unsigned long out_bytes = 0;
    jpeg_mem_dest(&jpeg, &out, &out_bytes);
    jpeg.image_width = pixels.width;
    jpeg.image_height = pixels.height;
    jpeg.input_components = 3;
    jpeg.in_color_space = JCS_RGB;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, 80, TRUE);
    jpeg.optimize_coding = TRUE;  // saves 300 bytes of Huffman tables, so that small files exist
    jpeg_start_compress(&jpeg, TRUE);
    while (jpeg.next_scanline < jpeg.image_height) {
        JSAMPROW row = const_cast<JSAMPROW>(&pixels.rgb[std::size_t{jpeg.next_scanline} * pixels.width * 3]);
        jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    std::string bytes(reinterpret_cast<const char*>(out), out_bytes);
    jpeg_destroy_compress(&jpeg);
    std::free(out);
    return bytes;
}

std::string encode_png(const Pixels& pixels) {
    spng_ctx* png = spng_ctx_new(SPNG_CTX_ENCODER);
    spng_set_option(png, SPNG_ENCODE_TO_BUFFER, 1);
    spng_ihdr header{};
    header.width = pixels.width;
    header.height = pixels.height;
    header.color_type = SPNG_COLOR_TYPE_TRUECOLOR;
    header.bit_depth = 8;
    spng_set_ihdr(png, &header);
    int error = spng_encode_image(png, pixels.rgb.data(), pixels.rgb.size(), SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE);
    std::size_t out_bytes = 0;
    void* out = error == 0 ? spng_get_png_buffer(png, &out_bytes, &error) : nullptr;
    spng_ctx_free(png);
    if (out == nullptr) {
        throw std::runtime_error(std::string("PNG encoder: ") + spng_strerror(error));
    }
    std::string bytes(static_cast<const char*>(out), out_bytes);
    std::free(out);
    return bytes;
}

std::string encode_webp(const Pixels& pixels) {
    std::uint8_t* out = nullptr;
    const std::size_t out_bytes =
        WebPEncodeRGB(pixels.rgb.data(), static_cast<int>(pixels.width), static_cast<int>(pixels.height),
                      static_cast<int>(pixels.width * 3), 75.0F, &out);
    if (out_bytes == 0) {
        throw std::runtime_error("WebP encoder failed");
    }
    std::string bytes(reinterpret_cast<const char*>(out), out_bytes);
    WebPFree(out);
    return bytes;
}

void append_sub_blocks(std::string& out, std::string_view data) {
    while (!data.empty()) {
        const std::size_t size = std::min<std::size_t>(data.size(), 255);
        out += static_cast<char>(size);
        out += data.substr(0, size);
        data.remove_prefix(size);
    }
    out += '\0';
}

// GIF89a with 128 grey-to-blue colours. The LZW codes are 8 bits wide as long as the table is cleared before it
// reaches 256 entries, so "compression" is one byte per pixel and a clear code every 120 pixels: valid, and no encoder.
std::string encode_gif(const Pixels& pixels) {
    constexpr char kClear = static_cast<char>(128);
    constexpr char kEnd = static_cast<char>(129);
    constexpr std::size_t kClearEvery = 120;  // below 256 - 130 free entries
    std::string out = "GIF89a";
    const auto put16 = [&out](std::uint32_t value) {
        out += static_cast<char>(value & 0xFF);
        out += static_cast<char>(value >> 8);
    };
    put16(pixels.width);
    put16(pixels.height);
    out += std::string_view("\xF6\0\0", 3);  // global table of 2^7 colours
    for (int colour = 0; colour < 128; ++colour) {
        out += static_cast<char>(colour * 2);
        out += static_cast<char>(colour);
        out += static_cast<char>(255 - colour);
    }
    out += ',';
    put16(0);
    put16(0);
    put16(pixels.width);
    put16(pixels.height);
    out += std::string_view("\0\7", 2);  // no local table; minimum code size 7
    std::string codes;
    for (std::size_t pixel = 0; pixel < pixels.rgb.size() / 3; ++pixel) {
        if (pixel % kClearEvery == 0) {
            codes += kClear;
        }
        codes += static_cast<char>(pixels.rgb[pixel * 3] / 2);
    }
    codes += kEnd;
    append_sub_blocks(out, codes);
    out += ';';
    return out;
}

}  // namespace

std::string_view media_type_of(ImageKind kind) noexcept {
    constexpr std::array<std::string_view, kImageKinds> kNames{"image/jpeg", "image/png", "image/webp", "image/gif"};
    return kNames[static_cast<std::size_t>(kind)];
}

std::vector<BaseImage> encode_base_images(ImageKind kind) {
    constexpr std::array<std::array<std::uint32_t, 2>, 5> kSizes{{{8, 6}, {48, 36}, {128, 96}, {224, 160}, {320, 240}}};
    std::vector<BaseImage> images;
    for (const auto& [width, height] : kSizes) {
        const Pixels pixels = paint(width, height);
        BaseImage image{width, height, {}};
        switch (kind) {
            case ImageKind::jpeg:
                image.bytes = encode_jpeg(pixels);
                break;
            case ImageKind::png:
                image.bytes = encode_png(pixels);
                break;
            case ImageKind::webp:
                image.bytes = encode_webp(pixels);
                break;
            case ImageKind::gif:
                image.bytes = encode_gif(pixels);
                break;
        }
        images.push_back(std::move(image));
    }
    std::sort(images.begin(), images.end(),
              [](const BaseImage& a, const BaseImage& b) { return a.bytes.size() < b.bytes.size(); });
    return images;
}

}  // namespace grit::testweb
