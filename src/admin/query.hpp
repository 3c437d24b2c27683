// A request target taken apart: path and query parameters, decoded.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "problem.hpp"

namespace grit::admin {

/// "/v1/hosts/a%2Fb?limit=5" as {"v1", "hosts", "a/b"} and {("limit", "5")}.
struct Target {
    std::vector<std::string> segments;                        ///< Decoded; no empty ones.
    std::vector<std::pair<std::string, std::string>> params;  ///< Decoded. "+" is a plus sign, not a space.

    /// The first parameter of that name.
    [[nodiscard]] std::optional<std::string_view> param(std::string_view name) const;

    /// A 400 that names the first parameter that is not in `known`; nothing if all are.
    [[nodiscard]] std::optional<Reply> unknown_param(std::initializer_list<std::string_view> known) const;
};

/// @return the target, or nothing if it is no origin-form of RFC 9112 section 3.2.1.
[[nodiscard]] std::optional<Target> parse_target(std::string_view text);

/// "a, b, c".
[[nodiscard]] std::string joined(std::initializer_list<std::string_view> names);

}  // namespace grit::admin
