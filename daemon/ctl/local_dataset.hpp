// A dataset seen without its daemon: by its config, its state folder and its inputs.
#pragma once

#include <memory>
#include <string>

#include "failure.hpp"
#include "grit/config/config.hpp"
#include "grit/dataset/export_source.hpp"
#include "grit/dataset/url_list_export.hpp"
#include "grit/dataset/url_to_path_export.hpp"
#include "grit/store/damage_guard.hpp"
#include "grit/store/env.hpp"

namespace grit::ctl {

/// A state that is read by gritctl itself. Where it proves to be damaged gritctl ends in words.
struct LocalState {
    std::unique_ptr<store::DamageGuard> guard;
    std::unique_ptr<store::Env> env;
};

/// An export with the state that it reads.
struct LocalUrlToPath {
    LocalState state;
    std::unique_ptr<dataset::UrlToPathExport> source;
};

/// The map of images, read from the state folder of that config. Works beside a running daemon.
/// Failures: not_permitted, failed.
[[nodiscard]] Fallible<LocalUrlToPath> open_url_to_path(const std::string& config_file, dataset::Format format);

/// The state of that config, to be read beside a running daemon, or without one.
/// Failures: not_permitted, failed.
[[nodiscard]] Fallible<LocalState> open_state(const std::string& config_file);

/// The state folder that a config names. Failures: not_permitted, failed.
[[nodiscard]] Fallible<std::string> state_folder(const std::string& config_file);

/// All of it. Failures: not_permitted, failed.
[[nodiscard]] Fallible<config::Config> load_dataset_config(const std::string& config_file);

/// The list of URLs of that config's inputs.
/// @param id_field  the field that holds the image id.
[[nodiscard]] Fallible<std::unique_ptr<dataset::UrlListExport>> open_url_list(const std::string& config_file,
                                                                              const std::string& id_field);

}  // namespace grit::ctl
