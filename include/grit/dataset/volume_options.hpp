// The image volumes that a config names, to be opened: by gritd, and by whatever looks after a dataset without it.
#pragma once

#include <string>

#include "grit/archive/volumes.hpp"
#include "grit/config/config.hpp"

namespace grit::dataset {

/// Places, layout and floor. What the state knows is for the caller: dataset_id, has_images, which are known or lost.
[[nodiscard]] archive::VolumesOptions volumes_of(const config::Storage& storage);

/// Absolute and normal, without a slash at its end.
[[nodiscard]] std::string absolute_folder(const std::string& path);

/// Where the outcome journal is.
[[nodiscard]] std::string journal_folder(const config::Config& config);

}  // namespace grit::dataset
