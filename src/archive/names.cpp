#include "grit/archive/names.hpp"

#include <fmt/format.h>

namespace grit::archive {

std::string path_for(Ordinal ordinal, std::string_view extension) {
    return fmt::format("{:05}/{:09}.{}", ordinal / kShardSize, ordinal, extension);
}

std::string_view volume_of(std::string_view location) noexcept {
    const bool is_named = !location.empty() && location.front() >= 'a' && location.front() <= 'z';
    return is_named ? location.substr(0, location.find('/')) : std::string_view();
}

}  // namespace grit::archive
