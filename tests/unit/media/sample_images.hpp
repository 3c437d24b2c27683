// Small images of every type: by the encoders where there are, by hand where there are none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "grit/media/inspector.hpp"

namespace grit::media {

inline std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text));
}

inline std::string be16_of(std::uint32_t n) {
    return {static_cast<char>(n >> 8), static_cast<char>(n)};
}
inline std::string be32_of(std::uint32_t n) {
    return be16_of(n >> 16) + be16_of(n & 0xFFFF);
}
inline std::string le16_of(std::uint32_t n) {
    return {static_cast<char>(n), static_cast<char>(n >> 8)};
}
inline std::string le32_of(std::uint32_t n) {
    return le16_of(n & 0xFFFF) + le16_of(n >> 16);
}

// By libjpeg, libspng, libwebp.
std::string jpeg_of(unsigned width, unsigned height, bool progressive = false);
std::string png_of(unsigned width, unsigned height);
std::string webp_of(int width, int height, bool lossless);

// By hand.
std::string png_chunk(std::string_view name, std::string_view data);
std::string gif_of(unsigned width, unsigned height, bool animated = false);
std::string webp_extended(unsigned width, unsigned height);
std::string bmp_of(unsigned width, int height);
std::string ico_of();
std::string tiff_of(bool big_endian, bool directory_first);
std::string iso_box(std::string_view name, std::string_view payload);
std::string avif_of(std::string_view major_brand = "avif", bool meta_first = true);
std::string svg_of();

/// One of each type, with a name for messages.
struct Sample {
    std::string name;
    ImageType type;
    std::string bytes;
};
std::vector<Sample> all_samples();

/// The verdict on a body given in pieces of that size.
struct Answer {
    Verdict verdict;
    ImageType type;
    std::optional<Dimensions> dimensions;
    bool operator==(const Answer&) const = default;
};
Answer inspect(std::string_view body, std::size_t piece_bytes = SIZE_MAX);

}  // namespace grit::media
