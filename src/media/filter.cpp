#include "grit/media/filter.hpp"

#include <algorithm>

namespace grit::media {
namespace {

bool is_beyond(std::uint64_t value, std::uint64_t least, std::uint64_t most) {
    return value < least || (most > 0 && value > most);
}

}  // namespace

std::optional<std::string> Filter::refuses_bytes(std::uint64_t bytes) const {
    if (bytes >= min_bytes) {
        return std::nullopt;
    }
    return std::to_string(bytes) + " bytes, less than filter.min_bytes";
}

std::optional<std::string> Filter::refuses_dimensions(const Dimensions& dimensions) const {
    const auto refused_by = [&](const char* bound) {
        return std::to_string(dimensions.width) + " x " + std::to_string(dimensions.height) + " pixels: beyond filter." + bound;
    };
    const std::uint64_t area = std::uint64_t{dimensions.width} * dimensions.height;
    if (is_beyond(dimensions.width, least.width, most.width)) {
        return refused_by(dimensions.width < least.width ? "min_width" : "max_width");
    }
    if (is_beyond(dimensions.height, least.height, most.height)) {
        return refused_by(dimensions.height < least.height ? "min_height" : "max_height");
    }
    if (is_beyond(area, min_area, max_area)) {
        return refused_by(area < min_area ? "min_area" : "max_area");
    }
    const auto [shorter, longer] = std::minmax(dimensions.width, dimensions.height);
    if (max_aspect > 0 && static_cast<double>(longer) > max_aspect * static_cast<double>(shorter)) {
        return refused_by("max_aspect");
    }
    return std::nullopt;
}

std::optional<std::string> Filter::refuses_digest(const std::array<std::byte, 32>& sha256) const {
    return placeholders.contains(sha256) ? std::optional<std::string>("a placeholder of filter.placeholders")
                                         : std::nullopt;
}

}  // namespace grit::media
