// `gritctl export ...`: datasets as files, with the daemon or without it.
#pragma once

#include <string>

#include "control_commands.hpp"
#include "grit/dataset/export_source.hpp"

namespace grit::ctl {

struct ExportRequest {
    std::string file;             ///< "-": standard output.
    std::string config;           ///< Empty: see the commands.
    std::string instance_config;  ///< What --instance implies; empty if it was not given.
    dataset::Format format = dataset::Format::jsonl;
    std::string id_field = "key";
};

/// From the state named by `config`; if that is empty from the running daemon; if none runs and --instance was given,
/// from that instance's state.
[[nodiscard]] Ended export_url_to_path(const Client& client, const Output& output, const ExportRequest& request);

/// From the inputs named by `config`, or by the instance's config, or by the config that the running daemon names.
[[nodiscard]] Ended export_url_list(const Client& client, const Output& output, const ExportRequest& request);

}  // namespace grit::ctl
