#include "grit/archive/names.hpp"

#include <fmt/format.h>

#include <charconv>

namespace grit::archive {

std::string path_for(Ordinal ordinal, std::string_view extension) {
    return fmt::format("{:05}/{:09}.{}", ordinal / kShardSize, ordinal, extension);
}

std::optional<Ordinal> ordinal_of(std::string_view path) {
    const std::size_t slash = path.find('/');
    const std::size_t dot = path.find('.');
    if (slash == std::string_view::npos || dot == std::string_view::npos || dot < slash) {
        return std::nullopt;
    }
    const std::string_view digits = path.substr(slash + 1, dot - slash - 1);
    Ordinal ordinal = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), ordinal);
    if (error != std::errc() || path != path_for(ordinal, path.substr(dot + 1))) {
        return std::nullopt;
    }
    return ordinal;
}

std::string_view volume_of(std::string_view location) noexcept {
    const bool is_named = !location.empty() && location.front() >= 'a' && location.front() <= 'z';
    return is_named ? location.substr(0, location.find('/')) : std::string_view();
}

}  // namespace grit::archive
