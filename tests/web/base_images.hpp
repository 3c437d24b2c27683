// The few real images that every served image is made from: encoding is slow, so it is done once at start-up.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace grit::testweb {

/// The types the test web serves. What a URL gets is decided by its path's extension.
enum class ImageKind : std::uint8_t { jpeg, png, webp, gif };
inline constexpr int kImageKinds = 4;

/// "image/jpeg" and so on.
[[nodiscard]] std::string_view media_type_of(ImageKind kind) noexcept;

/// One encoded picture.
struct BaseImage {
    std::uint32_t width = 0;   ///< pixels
    std::uint32_t height = 0;  ///< pixels
    std::string bytes;
};

/// Encodes a picture of each of a few sizes, smallest file first. Throws std::runtime_error if an encoder fails.
[[nodiscard]] std::vector<BaseImage> encode_base_images(ImageKind kind);

}  // namespace grit::testweb
