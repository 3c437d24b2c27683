// What ROOT/.gritd/dataset says: whose root it is. Two lines, "DATASET" and, of a volume with a name, "volume NAME".
#pragma once

#include <string>
#include <string_view>

namespace grit::archive {

struct Marker {
    std::string dataset;  ///< Its identity; empty: there is no marker.
    std::string volume;   ///< Empty: the first one.
    bool operator==(const Marker&) const = default;
};

/// Where it is below a root.
inline constexpr std::string_view kMarkerFile = ".gritd/dataset";

[[nodiscard]] std::string text_of(const Marker& marker);
/// Any text; a line end that is missing at its end is no matter.
[[nodiscard]] Marker parse_marker(std::string_view text);

}  // namespace grit::archive
