#include "grit/archive/place.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace grit::archive {
namespace {

constexpr std::string_view kTar = ".tar";

// Digits alone, filled up to `width` with zeros and no more of those than that needs.
template <class Number>
std::optional<Number> number_of(std::string_view digits, std::size_t width) {
    Number number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    const bool is_whole = error == std::errc() && end == digits.data() + digits.size();
    return is_whole && digits == fmt::format("{:0{}}", number, width) ? std::optional(number) : std::nullopt;
}

}  // namespace

std::optional<std::uint32_t> number_of_folder(std::string_view name) {
    return number_of<std::uint32_t>(name, 5);
}

std::optional<std::uint32_t> number_of_tar(std::string_view name) {
    return name.ends_with(kTar) ? number_of_folder(name.substr(0, name.size() - kTar.size())) : std::nullopt;
}

std::string folder_name(std::uint32_t shard) {
    return fmt::format("{:05}", shard);
}

std::string shard_file_name(std::uint32_t shard) {
    return folder_name(shard).append(kTar);
}

std::optional<Place> place_of(std::string_view location) {
    Place place;
    place.volume = volume_of(location);
    if (!place.volume.empty()) {
        location.remove_prefix(std::min(place.volume.size() + 1, location.size()));
    }
    const std::size_t mark = location.find_first_of("/#");
    if (mark == std::string_view::npos) {
        return std::nullopt;
    }
    place.is_tar = location[mark] == '#';
    place.name = location.substr(mark + 1);
    const std::string_view shard = location.substr(0, mark);
    const auto number = place.is_tar ? number_of_tar(shard) : number_of_folder(shard);
    if (!number || place.name.empty() || place.name.find('/') != std::string_view::npos) {
        return std::nullopt;
    }
    place.shard = *number;
    return place;
}

std::optional<Ordinal> ordinal_in(std::string_view name) {
    return number_of<Ordinal>(name.substr(0, name.find_first_of(".-")), 9);
}

}  // namespace grit::archive
