// The bytes of every URL of the test web: a function of the URL and the seed, so that a checker knows them without
// asking the web.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base_images.hpp"

namespace grit::testweb {

/// What one URL serves.
struct ForgedImage {
    ImageKind kind = ImageKind::jpeg;
    std::string bytes;
};

/// Makes the image of a URL. A URL is named as it arrives at a server: `host/target` (host in lower case and without
/// port, target with its query); scheme and port do not matter.
///
/// An image is one of a few encoded pictures with a comment inside (JPEG COM, PNG tEXt, WebP XMP, GIF comment
/// extension) that carries the URL's 128-bit hash and fills it up to its size: distinct URLs have distinct bytes, and
/// each file decodes. Sizes are lognormal.
/// Threads: all functions may be called from any thread.
class ImageForge {
  public:
    /// @param mean_bytes  mean file size; files have at least some 400 bytes and at most max(100 KiB, 8 means).
    ImageForge(std::uint64_t seed, std::size_t mean_bytes);

    [[nodiscard]] ForgedImage make(std::string_view host_and_target) const;

    /// By the extension of the path, the query apart: .jpg .jpeg .png .webp .gif; JPEG for others.
    [[nodiscard]] static ImageKind kind_of(std::string_view host_and_target) noexcept;

  private:
    [[nodiscard]] std::size_t size_of(std::uint64_t random_a, std::uint64_t random_b) const;
    [[nodiscard]] const BaseImage& base_below(ImageKind kind, std::size_t bytes) const;
    [[nodiscard]] std::string comment(std::uint64_t high, std::uint64_t low, std::size_t bytes) const;

    std::uint64_t seed_;
    double mean_bytes_;
    std::string filler_;
    std::array<std::vector<BaseImage>, kImageKinds> bases_;
};

/// Lower-case hex SHA-256.
[[nodiscard]] std::string sha256_hex(std::string_view bytes);

}  // namespace grit::testweb
