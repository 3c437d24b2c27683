// config/cdn_classes.toml as it is compiled in, and its reader.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "grit/config/load.hpp"

namespace grit::config {

/// The file's text. Static storage.
[[nodiscard]] std::string_view shipped_classes_text() noexcept;

/// A text that holds [[politeness.class]] tables and nothing else, read as a config's are.
[[nodiscard]] std::variant<std::vector<HostClass>, std::vector<ConfigError>> parse_classes(
    std::string_view text, const std::string& file_name);

}  // namespace grit::config
