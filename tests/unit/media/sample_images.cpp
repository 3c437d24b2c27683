#include "sample_images.hpp"

#include <cstdio>
// jpeglib.h wants FILE to be declared.
#include <jpeglib.h>
#include <spng.h>
#include <webp/encode.h>
#include <zlib.h>

#include <algorithm>
#include <cstdlib>
#include <stdexcept>

namespace grit::media {
namespace {

using namespace std::string_literals;

std::vector<unsigned char> pixels(std::size_t width, std::size_t height, std::size_t channels) {
    std::vector<unsigned char> all(width * height * channels);
    for (std::size_t i = 0; i < all.size(); ++i) {
        all[i] = static_cast<unsigned char>(i * i / 7 + i);
    }
    return all;
}

}  // namespace

std::string jpeg_of(unsigned width, unsigned height, bool progressive) {
    jpeg_compress_struct compress{};
    jpeg_error_mgr errors{};
    compress.err = jpeg_std_error(&errors);
    jpeg_create_compress(&compress);
    unsigned char* out = nullptr;
    unsigned long size = 0;
    jpeg_mem_dest(&compress, &out, &size);
    compress.image_width = width;
    compress.image_height = height;
    compress.input_components = 3;
    compress.in_color_space = JCS_RGB;
    jpeg_set_defaults(&compress);
    jpeg_set_quality(&compress, 90, TRUE);
    if (progressive) {
        jpeg_simple_progression(&compress);
    }
    compress.restart_interval = 2;
    jpeg_start_compress(&compress, TRUE);
    // A thumbnail's end mark within APP1 is not the image's.
    const std::string thumbnail = "Exif\xff\xd8\xff\xd9";
    jpeg_write_marker(&compress, JPEG_APP0 + 1, reinterpret_cast<const JOCTET*>(thumbnail.data()),
                      static_cast<unsigned>(thumbnail.size()));
    std::vector<unsigned char> rgb = pixels(width, height, 3);
    while (compress.next_scanline < height) {
        JSAMPROW row = rgb.data() + std::size_t{compress.next_scanline} * width * 3;
        jpeg_write_scanlines(&compress, &row, 1);
    }
    jpeg_finish_compress(&compress);
    jpeg_destroy_compress(&compress);
    std::string bytes(reinterpret_cast<char*>(out), size);
    std::free(out);
    return bytes;
}

std::string png_of(unsigned width, unsigned height) {
    spng_ctx* context = spng_ctx_new(SPNG_CTX_ENCODER);
    spng_set_option(context, SPNG_ENCODE_TO_BUFFER, 1);
    spng_ihdr header{};
    header.width = width;
    header.height = height;
    header.color_type = SPNG_COLOR_TYPE_TRUECOLOR;
    header.bit_depth = 8;
    spng_set_ihdr(context, &header);
    const auto rgb = pixels(width, height, 3);
    if (spng_encode_image(context, rgb.data(), rgb.size(), SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE) != 0) {
        throw std::runtime_error("libspng can not encode");
    }
    std::size_t size = 0;
    int error = 0;
    void* out = spng_get_png_buffer(context, &size, &error);
    std::string bytes(static_cast<char*>(out), size);
    std::free(out);
    spng_ctx_free(context);
    return bytes;
}

std::string webp_of(int width, int height, bool lossless) {
    const auto rgb = pixels(static_cast<std::size_t>(width), static_cast<std::size_t>(height), 3);
    std::uint8_t* out = nullptr;
    const std::size_t size = lossless ? WebPEncodeLosslessRGB(rgb.data(), width, height, width * 3, &out)
                                      : WebPEncodeRGB(rgb.data(), width, height, width * 3, 80, &out);
    std::string bytes(reinterpret_cast<char*>(out), size);
    WebPFree(out);
    return bytes;
}

std::string png_chunk(std::string_view name, std::string_view data) {
    std::string named = std::string(name) + std::string(data);
    const auto sum = crc32_z(0, reinterpret_cast<const Bytef*>(named.data()), named.size());
    return be32_of(static_cast<std::uint32_t>(data.size())) + named + be32_of(static_cast<std::uint32_t>(sum));
}

std::string gif_of(unsigned width, unsigned height, bool animated) {
    const std::string size = le16_of(width) + le16_of(height);
    const std::string frame = "\x2c\0\0\0\0"s + size + "\x80\x01\x02\x03\x04\x05\x06"s + "\x02\x02\x4c\x01\x00"s;
    std::string bytes = "GIF89a" + size + "\x91\0\0"s + std::string(12, '\x21');
    if (!animated) {
        return bytes + frame + ";";
    }
    bytes += "\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0"s;
    for (int i = 0; i < 3; ++i) {
        bytes += "\x21\xf9\x04\0\x0a\0\0\0"s + frame;
    }
    return bytes + "\x21\xfe\x03;;;\0;"s;
}

std::string webp_extended(unsigned width, unsigned height) {
    const auto le24 = [](unsigned n) { return le32_of(n).substr(0, 3); };
    const auto chunk = [](const std::string& name, const std::string& data) {
        return name + le32_of(static_cast<std::uint32_t>(data.size())) + data + (data.size() % 2 == 0 ? "" : "\0"s);
    };
    const std::string inner = webp_of(8, 8, true).substr(12);
    const std::string frame = le24(0) + le24(0) + le24(7) + le24(7) + le24(100) + "\0"s + inner;
    const std::string body = chunk("VP8X", "\x02\0\0\0"s + le24(width - 1) + le24(height - 1)) +
                             chunk("ANIM", std::string(6, '\0')) + chunk("ANMF", frame) + chunk("ANMF", frame) +
                             chunk("EXIF", "odd");
    return "RIFF" + le32_of(static_cast<std::uint32_t>(body.size() + 4)) + "WEBP" + body;
}

std::string bmp_of(unsigned width, int height) {
    const unsigned row = (width * 24 + 31) / 32 * 4;
    const unsigned data = row * static_cast<unsigned>(std::abs(height));
    return "BM" + le32_of(54 + data) + le32_of(0) + le32_of(54) + le32_of(40) + le32_of(width) +
           le32_of(static_cast<std::uint32_t>(height)) + le16_of(1) + le16_of(24) + le32_of(0) + le32_of(0) +
           std::string(16, '\0') + std::string(data, 'p');
}

std::string ico_of() {
    const auto entry = [](char side, unsigned size, unsigned offset) {
        return std::string{side, side, 0, 0} + le16_of(1) + le16_of(32) + le32_of(size) + le32_of(offset);
    };
    return "\0\0\1\0"s + le16_of(2) + entry(16, 30, 38) + entry(48, 50, 68) + std::string(80, 'p');
}

std::string tiff_of(bool big_endian, bool directory_first) {
    const auto n16 = big_endian ? be16_of : le16_of;
    const auto n32 = big_endian ? be32_of : le32_of;
    const auto entry = [&](unsigned tag, unsigned type, unsigned count, unsigned value) {
        const bool is_short = type == 3 && count == 1;
        return n16(tag) + n16(type) + n32(count) + (is_short ? n16(value) + n16(0) : n32(value));
    };
    // Two strips of 20 bytes; the lists of their offsets and sizes lie behind the directory.
    const unsigned strips = directory_first ? 8 + 66 + 8 : 8;
    const unsigned directory = directory_first ? 8 : 48;
    const unsigned lists = directory + 66;
    const std::string pixels(40, 'p');
    const std::string ifd = n16(5) + entry(256, 3, 1, 10) + entry(257, 4, 1, 4) + entry(258, 3, 1, 8) +
                            entry(273, 4, 2, lists) + entry(279, 3, 2, 0).substr(0, 8) + n16(20) + n16(20) + n32(0) +
                            n32(strips) + n32(strips + 20);
    return (big_endian ? "MM\0*"s : "II*\0"s) + n32(directory) + (directory_first ? ifd + pixels : pixels + ifd);
}

std::string iso_box(std::string_view name, std::string_view payload) {
    return be32_of(static_cast<std::uint32_t>(payload.size() + 8)) + std::string(name) + std::string(payload);
}

std::string avif_of(std::string_view major_brand, bool meta_first) {
    const std::string ftyp = iso_box("ftyp", std::string(major_brand) + "\0\0\0\0mif1miaf"s);
    const auto ispe = [](unsigned width, unsigned height) {
        return iso_box("ispe", "\0\0\0\0"s + be32_of(width) + be32_of(height));
    };
    const auto meta = [&](unsigned data_at) {
        const auto item = [&](unsigned id, unsigned offset) {
            return be16_of(id) + be16_of(0) + be16_of(1) + be32_of(data_at + offset) + be32_of(30);
        };
        const std::string iloc = iso_box("iloc", "\0\0\0\0\x44\0"s + be16_of(2) + item(1, 0) + item(2, 30));
        return iso_box("meta",
                       "\0\0\0\0"s + iso_box("hdlr", std::string(24, 'h')) + iloc +
                           iso_box("iprp", iso_box("ipco", ispe(64, 64) + ispe(800, 600) + iso_box("pixi", "12345")) +
                                               iso_box("ipma", "abc")));
    };
    const std::string mdat = iso_box("mdat", std::string(60, 'm'));
    const unsigned front = static_cast<unsigned>(ftyp.size());
    const unsigned meta_bytes = static_cast<unsigned>(meta(0).size());
    return meta_first ? ftyp + meta(front + meta_bytes + 8) + mdat : ftyp + mdat + meta(front + 8);
}

std::string svg_of() {
    return "\xEF\xBB\xBF<?xml version=\"1.0\"?>\n<!-- made <svg></svg> by hand -->\n"
           "<!DOCTYPE svg PUBLIC \"-//W3C//DTD SVG 1.1//EN\" \"x>y\" [ <!ENTITY a \"</svg>\"> ]>\n"
           "<svg xmlns='http://www.w3.org/2000/svg' desc='a > b </svg>'><svg/><g><svg x=\"1\"><svga></svga></svg></g>"
           "<style><![CDATA[ </svg> ]]></style><?php </svg> ?><!-- </svg> --></svg>";
}

std::vector<Sample> all_samples() {
    return {{"jpeg", ImageType::jpeg, jpeg_of(17, 9)},
            {"progressive jpeg", ImageType::jpeg, jpeg_of(33, 20, true)},
            {"png", ImageType::png, png_of(13, 7)},
            {"gif", ImageType::gif, gif_of(5, 3)},
            {"animated gif", ImageType::gif, gif_of(5, 3, true)},
            {"lossy webp", ImageType::webp, webp_of(24, 10, false)},
            {"lossless webp", ImageType::webp, webp_of(24, 10, true)},
            {"animated webp", ImageType::webp, webp_extended(24, 10)},
            {"avif", ImageType::avif, avif_of()},
            {"avif, data first", ImageType::avif, avif_of("avif", false)},
            {"heic", ImageType::heif, avif_of("heic")},
            {"bmp", ImageType::bmp, bmp_of(5, 4)},
            {"tiff", ImageType::tiff, tiff_of(false, true)},
            {"big-endian tiff", ImageType::tiff, tiff_of(true, true)},
            {"tiff, data first", ImageType::tiff, tiff_of(false, false)},
            {"svg", ImageType::svg, svg_of()},
            {"ico", ImageType::ico, ico_of()}};
}

Answer inspect(std::string_view body, std::size_t piece_bytes) {
    Inspector inspector;
    for (std::size_t at = 0; at < body.size(); at += std::min(piece_bytes, body.size() - at)) {
        inspector.feed(bytes_of(body.substr(at, piece_bytes)));
    }
    const Verdict verdict = inspector.finish();
    return {verdict, inspector.type(), inspector.dimensions()};
}

}  // namespace grit::media
