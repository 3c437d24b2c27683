// Refusals that come with the image itself: the X-Robots-Tag and tdm-reservation headers.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace grit::robots {

/// The directive of X-Robots-Tag headers that refuses an image, in lower case; nothing if none does.
///
/// A value is a list of directives, separated by "," (or ";", which sites write too). "agent: directive" scopes that
/// directive and all that follow it in the same value to the agent, up to the next "agent:"; "*", "robots" and
/// our own token are ours, others are not. "none" is "noindex" and "nofollow" in one. Names of directives that carry a value
/// ("max-snippet: 20", "unavailable_after: ...") are no agents.
/// @param x_robots_tag_values each header of that name, as received.
/// @param product_token compared without regard to case, like all names here.
/// @param disallowed the directives that refuse, e.g. "noai"; empty: nothing refuses.
/// Threads: any.  Source: Google's robots meta tag specification, and the practice of "noai".
[[nodiscard]] std::optional<std::string> refusing_directive(std::span<const std::string_view> x_robots_tag_values,
                                                            std::string_view product_token,
                                                            std::span<const std::string> disallowed);

/// True if a tdm-reservation header reserves text and data mining rights: "1", also as one of several values.
/// Source: TDM Reservation Protocol, W3C community group final report 2024-05-10, section 6.
[[nodiscard]] bool tdm_reserved(std::string_view tdm_reservation_value) noexcept;

}  // namespace grit::robots
