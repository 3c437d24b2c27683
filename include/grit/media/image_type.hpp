// Which kind of image some bytes are, by the bytes alone: servers' media types and URLs' extensions are often wrong.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace grit::media {

/// The numbers are stored on disk: append only, never renumber.
enum class ImageType : std::uint8_t {
    unknown = 0,
    jpeg = 1,
    png = 2,
    gif = 3,
    webp = 4,
    avif = 5,
    heif = 6,
    bmp = 7,
    tiff = 8,
    svg = 9,
    ico = 10,
};

/// No type needs more of a body than this to be recognised.
inline constexpr std::size_t kSniffBytes = 512;

/// The type of a body that begins with `head`. Give kSniffBytes or all there is; only the first kSniffBytes count.
/// SVG is `<svg` behind nothing but a byte order mark, white space, an XML declaration, comments and a DOCTYPE.
/// Source: signatures as in the WHATWG MIME Sniffing Standard section 6.1, and the formats' own specifications.
[[nodiscard]] ImageType sniff(std::span<const std::byte> head);

/// "jpg", "png", "gif", "webp", "avif", "heic", "bmp", "tiff", "svg", "ico"; "bin" for unknown. Static storage.
[[nodiscard]] std::string_view extension_of(ImageType type) noexcept;

/// "image/jpeg" and the like; "application/octet-stream" for unknown. Static storage.
[[nodiscard]] std::string_view media_type_of(ImageType type) noexcept;

}  // namespace grit::media
