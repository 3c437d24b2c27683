// Is this body a whole image? Answered while it streams by, without decoding it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "grit/media/image_type.hpp"

namespace grit::media {

struct Dimensions {
    std::uint32_t width = 0;   ///< Pixels. Not trusted: up to 2^32-1, as the header says.
    std::uint32_t height = 0;  ///< Pixels.
    bool operator==(const Dimensions&) const = default;
};

/// The verdict on a body.
enum class Verdict : std::uint8_t {
    whole,         ///< An image with its end. Bytes behind the end do not matter.
    empty,         ///< Not one byte.
    not_an_image,  ///< None of the types of ImageType: an error page with status 200, a video, text.
    truncated,     ///< Begins like an image, and its end is missing.
    broken,  ///< Structure that no decoder takes: damaged checksums, impossible headers, an end without a picture.
};

/// Follows a body's structure from header to end mark, given piece by piece; pieces may be cut anywhere, the answer
/// is the same. What makes a body whole: JPEG's EOI, PNG's IEND with the checksums of all critical chunks, GIF's
/// trailer, the length in WebP's, BMP's, ICO's and TIFF's headers, the last extent of AVIF and HEIF, `</svg>`.
///
/// Cost: memory below 1 KiB, time linear in the bytes given, whatever they are. Pixels are never decoded, so damage
/// within them is found only where a checksum covers it (PNG).
/// Threads: one at a time.
class Inspector {
  public:
    Inspector();
    ~Inspector();
    Inspector(Inspector&&) noexcept;
    Inspector& operator=(Inspector&&) noexcept;

    void feed(std::span<const std::byte> piece);

    /// The verdict if the body ends here. May be asked at any time; settles what `type` says.
    [[nodiscard]] Verdict finish();

    /// Known after at most kSniffBytes, or `finish`; unknown before, and for what is no image.
    [[nodiscard]] ImageType type() const noexcept;

    /// Width and height, as soon as their header has been seen; the largest picture of an ICO or HEIF. Never for SVG.
    [[nodiscard]] std::optional<Dimensions> dimensions() const;

    /// True once the body can not become an image any more: the rest need not be fetched.
    [[nodiscard]] bool refused() const noexcept;

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace grit::media
