// A location, taken apart: the other way round from the layouts, which make them.
//
//   [VOLUME/]00012/000120005.jpg          layouts files and img2dataset
//   [VOLUME/]00012.tar#000120005.jpg      layout webdataset
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "grit/archive/names.hpp"
#include "grit/base/ids.hpp"

namespace grit::archive {

struct Place {
    std::string_view volume;  ///< Empty: the first one.
    std::uint32_t shard = 0;  ///< A folder's number, or a tar file's.
    bool is_tar = false;
    std::string_view name;    ///< Of the file in its folder, or of the member.
};

/// Views into `location`. Nothing: no layout makes such a one.
[[nodiscard]] std::optional<Place> place_of(std::string_view location);

/// "00012" is a folder of images: its number.
[[nodiscard]] std::optional<std::uint32_t> number_of_folder(std::string_view name);
/// So is "00012.tar" a shard.
[[nodiscard]] std::optional<std::uint32_t> number_of_tar(std::string_view name);
/// "00012".
[[nodiscard]] std::string folder_name(std::uint32_t shard);
/// "00012.tar".
[[nodiscard]] std::string shard_file_name(std::uint32_t shard);

/// The annotation that a name in a shard stands for: "000120005.jpg", "000120005-2.jpg" and "000120005.2.jpg" are of 120005.
[[nodiscard]] std::optional<Ordinal> ordinal_in(std::string_view name);

}  // namespace grit::archive
