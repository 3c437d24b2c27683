// What lies beside an image, in layouts that want something there. Private to the committer.
#pragma once

#include "grit/archive/layout.hpp"
#include "grit/base/clock.hpp"
#include "grit/crawl/settlement.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace grit::crawl {

/// @param line   the annotation, a whole JSON object as it was read; empty if the state has none.
/// @param image  a settlement with one.
/// @param now    becomes the time at which it was fetched.
[[nodiscard]] std::vector<archive::Companion> companions_of(archive::Sidecars form, std::string_view line,
                                                            const Settlement& image, WallTime now);

}  // namespace grit::crawl
