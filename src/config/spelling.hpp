// Values as the config file spells them: exact, so that reading them back gives the same value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "grit/config/config.hpp"

namespace grit::config {

/// "20GiB", "1500B": the largest unit that divides it.
[[nodiscard]] std::string spell_size(std::uint64_t bytes);
/// "24h", "1500ms", "0s": the largest unit that divides it.
[[nodiscard]] std::string spell_duration(milliseconds duration);
/// A TOML basic string with its quotes (TOML 1.0, "String"); also keeps control characters off a terminal.
[[nodiscard]] std::string quoted(std::string_view text);
/// The text with its control characters as escapes: what is shown can not write to a terminal.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace grit::config
