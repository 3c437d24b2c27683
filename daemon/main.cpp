// gritd: reads the command line and hands over to App.
#include "app.hpp"
#include "exit_code.hpp"

#include "grit/base/version.hpp"
#include "grit/config/classes.hpp"
#include "grit/config/load.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <malloc.h>

#include <cstdio>
#include <exception>
#include <string>
#include <variant>
#include <vector>

namespace {

using grit::daemon::ExitCode;

void print_errors(const std::vector<grit::config::ConfigError>& errors) {
    for (const auto& error : errors) {
        fmt::print(stderr, "{}\n", error.text());
    }
}

ExitCode check_config(const std::string& file, bool show_effective) {
    const auto loaded = grit::config::load_config(file);
    if (const auto* errors = std::get_if<std::vector<grit::config::ConfigError>>(&loaded)) {
        print_errors(*errors);
        fmt::print(stderr, "{}: {} error(s)\n", file, errors->size());
        return ExitCode::config;
    }
    for (const std::string& warning : grit::config::warnings_about(std::get<grit::config::Config>(loaded))) {
        fmt::print(stderr, "{}: warning: {}\n", file, warning);
    }
    if (show_effective) {
        const auto& config = std::get<grit::config::Config>(loaded);
        fmt::print("{}", grit::config::effective_toml(grit::config::with_classes_written_out(config)));
        return ExitCode::clean;
    }
    fmt::print("{}: ok\n", file);
    return ExitCode::clean;
}

ExitCode run(const std::string& file, const grit::daemon::RunOptions& options) {
    auto loaded = grit::config::load_config(file);
    if (const auto* errors = std::get_if<std::vector<grit::config::ConfigError>>(&loaded)) {
        print_errors(*errors);
        return ExitCode::config;
    }
    grit::daemon::App app(file, std::move(std::get<grit::config::Config>(loaded)), options);
    return app.run();
}

// Large buffers (runs, LMDB's dirty pages) come and go for days: they go back to the system at once instead of growing
// the heap, and threads share a few arenas.
void keep_memory_small() {
    constexpr int kMmapThresholdBytes = 1 << 20;
    constexpr int kArenas = 4;
    mallopt(M_MMAP_THRESHOLD, kMmapThresholdBytes);
    mallopt(M_ARENA_MAX, kArenas);
}

}  // namespace

int main(int argc, char** argv) {
    keep_memory_small();
    CLI::App cli("gritd: turns a list of image annotations into a local, verified image dataset");
    cli.set_version_flag("--version", fmt::format("gritd {} (commit {}, {})", grit::version(), grit::commit(), grit::compiler()));
    cli.require_subcommand(1);
    std::string file;
    grit::daemon::RunOptions options;
    CLI::App* run_command = cli.add_subcommand("run", "crawl: until stopped, or with --once until there is nothing more to do");
    run_command->add_option("--config", file, "the TOML file")->required();
    run_command->add_flag("--once", options.once, "end when nothing is in flight or due soon: 0 all settled, 7 some wait for a later retry");
    run_command->add_flag("--older-state", options.older_state,
                          "go on from a state that is older than its outcome journal (a backup): what came since is given up");
    CLI::App* check_command = cli.add_subcommand("check-config", "read the TOML file and say all that is wrong with it");
    check_command->add_option("--config", file, "the TOML file")->required();
    bool show_effective = false;
    check_command->add_flag("--effective", show_effective,
                            "print the config with every default and every class of hosts that holds");
    try {
        cli.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        const int code = cli.exit(error);
        return code == 0 ? 0 : static_cast<int>(ExitCode::usage);
    }
    try {
        return static_cast<int>(check_command->parsed() ? check_config(file, show_effective) : run(file, options));
    } catch (const std::exception& error) {
        fmt::print(stderr, "gritd: {}\n", error.what());
        return static_cast<int>(ExitCode::io);
    }
}
