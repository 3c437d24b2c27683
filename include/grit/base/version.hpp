// Which build this is.
#pragma once

#include <string>
#include <string_view>

namespace grit {

/// "0.1.0".
[[nodiscard]] std::string_view version() noexcept;
/// The short git commit the build was made from, or "unknown".
[[nodiscard]] std::string_view commit() noexcept;
/// "clang 19.1.7" and the like.
[[nodiscard]] std::string_view compiler() noexcept;

}  // namespace grit
