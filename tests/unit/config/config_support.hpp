// Texts in, errors out.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "grit/config/load.hpp"

namespace grit::config::test {

/// The least file that is valid: five lines, so that what a test appends begins at line 6.
inline constexpr std::string_view kLeast = R"(
input.annotations = ["a.jsonl"]
storage.root = "/srv/images"
state.dir = "/var/lib/state"

)";

inline std::string with_least(std::string_view text) {
    return std::string(kLeast) + std::string(text);
}

inline Config config_of(const std::string& text) {
    LoadResult result = parse_config(text, "t.toml");
    if (const auto* errors = std::get_if<1>(&result)) {
        ADD_FAILURE() << errors->front().text();
        return {};
    }
    return std::get<0>(std::move(result));
}

inline std::vector<std::string> errors_of(const std::string& text) {
    const LoadResult result = parse_config(text, "t.toml");
    std::vector<std::string> out;
    if (const auto* errors = std::get_if<1>(&result)) {
        for (const ConfigError& error : *errors) {
            out.push_back(error.text());
        }
    }
    return out;
}

}  // namespace grit::config::test
