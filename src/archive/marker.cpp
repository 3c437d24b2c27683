#include "grit/archive/marker.hpp"

#include <algorithm>

namespace grit::archive {
namespace {

constexpr std::string_view kVolume = "volume ";

std::string_view take_line(std::string_view& text) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    return line;
}

}  // namespace

std::string text_of(const Marker& marker) {
    return marker.dataset + "\n" + (marker.volume.empty() ? "" : std::string(kVolume) + marker.volume + "\n");
}

Marker parse_marker(std::string_view text) {
    Marker marker;
    marker.dataset = take_line(text);
    const std::string_view volume = take_line(text);
    if (volume.starts_with(kVolume)) {
        marker.volume = volume.substr(kVolume.size());
    }
    return marker;
}

}  // namespace grit::archive
