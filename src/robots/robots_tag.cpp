#include "grit/robots/robots_tag.hpp"

#include <algorithm>
#include <array>

#include "text.hpp"

namespace grit::robots {
namespace {

// Directives whose colon is no agent's.
constexpr std::array<std::string_view, 4> kValuedDirectives{"unavailable_after", "max-snippet", "max-image-preview",
                                                            "max-video-preview"};

constexpr bool is_letter(char c) {
    return to_lower(c) >= 'a' && to_lower(c) <= 'z';
}

// What stands before the colon of "name: rest"; nothing if the item has none. Other text with a colon, as the time of
// day in a date, is no name.
std::optional<std::string_view> name_of(std::string_view item) {
    const std::size_t colon = item.find(':');
    if (colon == std::string_view::npos) {
        return std::nullopt;
    }
    const std::string_view name = trimmed(item.substr(0, colon));
    const bool one_word = !name.empty() && std::none_of(name.begin(), name.end(), is_blank);
    const bool of_agent = one_word && (is_letter(name.front()) || name == "*");
    return of_agent ? std::optional(name) : std::nullopt;
}

// "robots" is what the meta element of that meaning is called.
bool is_everybody(std::string_view name) {
    return name == "*" || equal_ignoring_case(name, "robots");
}

bool takes_value(std::string_view directive) {
    return std::any_of(kValuedDirectives.begin(), kValuedDirectives.end(),
                       [&](std::string_view valued) { return equal_ignoring_case(valued, directive); });
}

bool is_refused(std::string_view directive, std::span<const std::string> disallowed) {
    const bool none = equal_ignoring_case(directive, "none");
    return std::any_of(disallowed.begin(), disallowed.end(), [&](const std::string& d) {
        return equal_ignoring_case(d, directive) || (none && equal_ignoring_case(d, "noindex"));
    });
}

// The word of an item that refuses; empty if none does. An item is one word, but some sites forget the comma, or
// quote it.
std::string_view refusing_word(std::string_view item, std::span<const std::string> disallowed) {
    while (!item.empty()) {
        const std::string_view word = take_until(item, " \t\"'");
        if (!word.empty() && is_refused(word, disallowed)) {
            return word;
        }
    }
    return {};
}

std::optional<std::string> refusing_directive_of(std::string_view value, std::string_view product_token,
                                                 std::span<const std::string> disallowed) {
    bool ours = true;
    while (!value.empty()) {
        std::string_view item = trimmed(take_until(value, ",;"));
        // "a: b: noai" is how a proxy folds two scopes; the last one counts. "bot/2.0" is "bot".
        while (const auto name = name_of(item)) {
            if (takes_value(*name)) {
                item = {};
                break;
            }
            ours = is_everybody(*name) || equal_ignoring_case(leading_token(*name), product_token);
            item = trimmed(item.substr(item.find(':') + 1));
        }
        const std::string_view word = ours ? refusing_word(item, disallowed) : std::string_view();
        if (!word.empty()) {
            std::string directive(word);
            std::transform(directive.begin(), directive.end(), directive.begin(), to_lower);
            return directive;
        }
    }
    return std::nullopt;
}

}  // namespace

std::optional<std::string> refusing_directive(std::span<const std::string_view> x_robots_tag_values,
                                              std::string_view product_token, std::span<const std::string> disallowed) {
    for (const std::string_view value : x_robots_tag_values) {
        if (auto directive = refusing_directive_of(value, product_token, disallowed)) {
            return directive;
        }
    }
    return std::nullopt;
}

bool tdm_reserved(std::string_view tdm_reservation_value) noexcept {
    while (!tdm_reservation_value.empty()) {
        if (trimmed(take_until(tdm_reservation_value, ",")) == "1") {
            return true;
        }
    }
    return false;
}

}  // namespace grit::robots
