// From a TOML file to a checked Config, and what may change while the daemon runs.
//
// Threads: all functions are pure (load_config reads the file) and may be called from any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "grit/config/config.hpp"

namespace grit::config {

/// One thing that is wrong with a file. Line and column count from 1; both are 0 if it is about the whole file.
struct ConfigError {
    std::string file;
    std::uint32_t line = 0;
    std::uint32_t column = 0;
    std::string message;

    /// "gritd.toml:12:17: fetch.max_in_flight: 0 is out of range (1 to 100000)".
    [[nodiscard]] std::string text() const;
    bool operator==(const ConfigError&) const = default;
};

/// A Config that passed every check, or everything that is wrong with the file in the order of its lines (never empty).
using LoadResult = std::variant<Config, std::vector<ConfigError>>;

/// A longer file is refused unread: it is no config.
inline constexpr std::size_t kMaxConfigBytes = 1 << 20;

/// Reads and checks a file.
[[nodiscard]] LoadResult load_config(const std::string& path);

/// Checks a text.
///
/// Strict: an unknown table or key (with the nearest name), a wrong type, a value out of its range and a missing
/// required key (input.annotations, storage.root, state.dir) are errors. A syntax error hides all others, since
/// nothing after it can be trusted.
/// @param file_name  what errors call the file; it is not opened.
[[nodiscard]] LoadResult parse_config(std::string_view text, const std::string& file_name);

/// The config as TOML with every key, defaults too. parse_config of it gives an equal Config.
[[nodiscard]] std::string effective_toml(const Config& config);

/// Keys ("storage.root") that differ although they are read at start-up alone: a reload has to refuse them.
/// Every other key takes effect with the next fetch.
[[nodiscard]] std::vector<std::string> restart_only_changes(const Config& old_config, const Config& new_config);

/// Sentences about values that are legal but odd: politeness switched off, certificates unchecked, no true contact.
/// `check-config` prints them and a start writes them into the log.
[[nodiscard]] std::vector<std::string> warnings_about(const Config& config);

}  // namespace grit::config
