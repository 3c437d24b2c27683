// Which images are wanted: bounds on bytes and pixels, and digests of known placeholders.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "grit/media/inspector.hpp"

namespace grit::media {

/// Says of an image why it is not wanted, in a few words; nothing if it is. A bound of 0 is none.
/// Threads: reading from any at once.
struct Filter {
    std::uint64_t min_bytes = 0;
    Dimensions least{0, 0};  ///< Pixels.
    Dimensions most{0, 0};
    std::uint64_t min_area = 0;  ///< Width times height.
    std::uint64_t max_area = 0;
    double max_aspect = 0;                           ///< The longer side by the shorter one.
    std::set<std::array<std::byte, 32>> placeholders;  ///< SHA-256 of what hosts send in place of a missing image.

    [[nodiscard]] std::optional<std::string> refuses_bytes(std::uint64_t bytes) const;
    /// An image of unknown size (SVG) is never refused by it.
    [[nodiscard]] std::optional<std::string> refuses_dimensions(const Dimensions& dimensions) const;
    [[nodiscard]] std::optional<std::string> refuses_digest(const std::array<std::byte, 32>& sha256) const;
};

}  // namespace grit::media
