#include "local_dataset.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include "grit/annotations/inputs.hpp"
#include "grit/config/load.hpp"

namespace grit::ctl {
namespace {

Fallible<config::Config> load(const std::string& file) {
    if (::access(file.c_str(), R_OK) != 0) {
        const ExitCode code = errno == EACCES ? ExitCode::not_permitted : ExitCode::failed;
        return Failure{code,
                       fmt::format("can not read the config {}: {}", file, std::generic_category().message(errno)),
                       "name the config of the dataset with --config FILE"};
    }
    auto loaded = config::load_config(file);
    if (auto* errors = std::get_if<std::vector<config::ConfigError>>(&loaded)) {
        std::string text;
        for (const auto& error : *errors) {
            text += (text.empty() ? "" : "\n") + error.text();
        }
        return Failure{ExitCode::failed, text, "correct it; gritd check-config finds the same"};
    }
    return std::get<config::Config>(std::move(loaded));
}

// Why the state can not be opened, as far as the exit code needs to know: readers write into the lock file (LMDB).
bool is_forbidden(const std::string& dir) {
    return (::access(dir.c_str(), X_OK) != 0 && errno == EACCES) ||
           (::access((dir + "/data.mdb").c_str(), R_OK) != 0 && errno == EACCES) ||
           (::access((dir + "/lock.mdb").c_str(), R_OK | W_OK) != 0 && errno == EACCES);
}

Fallible<LocalState> open(const std::string& dir) {
    if (is_forbidden(dir)) {
        return Failure{ExitCode::not_permitted, fmt::format("not permitted to read the state in {}", dir),
                       "run as gritd's user, or leave --config out to ask the running daemon"};
    }
    LocalState state;
    state.guard = std::make_unique<store::DamageGuard>(dir, store::DamageGuard::Options{"gritctl", static_cast<int>(ExitCode::failed), false});
    store::EnvOptions options;
    options.read_only = true;
    options.on_impossible = store::DamageGuard::on_impossible;
    auto env = store::Env::open(dir, options);
    if (!env) {
        return Failure{ExitCode::failed, env.error().what, {}};
    }
    state.env = std::move(*env);
    state.guard->watch(*state.env);
    return state;
}

}  // namespace

Fallible<LocalState> open_state(const std::string& config_file) {
    auto config = load(config_file);
    return config ? open(config->state.dir) : Fallible<LocalState>(config.error());
}

Fallible<config::Config> load_dataset_config(const std::string& config_file) { return load(config_file); }

Fallible<std::string> state_folder(const std::string& config_file) {
    auto config = load(config_file);
    return config ? Fallible<std::string>(config->state.dir) : Fallible<std::string>(config.error());
}

Fallible<LocalUrlToPath> open_url_to_path(const std::string& config_file, dataset::Format format) {
    auto config = load(config_file);
    if (!config) {
        return config.error();
    }
    auto state = open(config->state.dir);
    if (!state) {
        return state.error();
    }
    auto source = std::make_unique<dataset::UrlToPathExport>(*state->env, format, config->storage.root);
    return LocalUrlToPath{std::move(*state), std::move(source)};
}

Fallible<std::unique_ptr<dataset::UrlListExport>> open_url_list(const std::string& config_file,
                                                                const std::string& id_field) {
    auto config = load(config_file);
    if (!config) {
        return config.error();
    }
    auto inputs = annotations::expand_inputs(config->input.annotations);
    if (!inputs) {
        return Failure{ExitCode::failed, inputs.error().what, {}};
    }
    auto opened = dataset::UrlListExport::open(std::move(*inputs), {config->input.url_field, id_field});
    if (!opened) {
        return Failure{ExitCode::failed, opened.error().what, {}};
    }
    return std::move(*opened);
}

}  // namespace grit::ctl
