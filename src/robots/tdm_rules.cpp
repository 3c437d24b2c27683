#include "grit/robots/tdm_rules.hpp"

#include <array>
#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parse.hpp>

#include "octets.hpp"
#include "text.hpp"

namespace grit::robots {
namespace {

namespace json = boost::json;

// Values nested deeper are no rule of the report: they may be in a file, but not so deep that reading them takes the stack.
constexpr std::size_t kMaxDepth = 16;

std::string_view view_of(const json::string& text) {
    return {text.data(), text.size()};
}

// 0 or 1; nothing for any other value: a protocol error, which is "unset".
std::optional<bool> reservation_of(const json::value& value) {
    if (const bool* flag = value.if_bool()) {
        return *flag;
    }
    if (const json::string* text = value.if_string()) {
        const std::string_view word = trimmed(view_of(*text));
        return word == "1" || word == "0" ? std::optional(word == "1") : std::nullopt;
    }
    if (!value.is_number()) {
        return std::nullopt;
    }
    const double number = value.to_number<double>();
    return number == 1 || number == 0 ? std::optional(number == 1) : std::nullopt;
}

// A location is a path. One that lacks its "/" is read as one that has it.
void add_rule(PathRules& paths, const json::object& rule) {
    const json::value* const location = rule.if_contains("location");
    const json::value* const value = rule.if_contains("tdm-reservation");
    const auto reserved = value == nullptr ? std::nullopt : reservation_of(*value);
    if (location == nullptr || !location->is_string() || !reserved) {
        return;
    }
    std::string pattern(trimmed(view_of(location->get_string())));
    if (pattern.empty()) {
        return;
    }
    if (pattern.front() != '/' && pattern.front() != '*') {
        pattern.insert(pattern.begin(), '/');
    }
    paths.add(pattern_octets(pattern), *reserved);
}

}  // namespace

TdmRules TdmRules::parse(std::string_view body) {
    constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
    TdmRules rules;
    if (body.size() > kMaxTdmRepBytes) {
        return rules;
    }
    if (body.starts_with(kByteOrderMark)) {
        body.remove_prefix(kByteOrderMark.size());
    }
    json::monotonic_resource memory;
    json::parse_options options;
    options.max_depth = kMaxDepth;
    json::error_code error;
    const json::value document = json::parse(json::string_view(body.data(), body.size()), error, &memory, options);
    if (error) {
        return rules;
    }
    if (const json::object* single = document.if_object()) {
        add_rule(rules.paths_, *single);
    } else if (const json::array* list = document.if_array()) {
        for (const json::value& rule : *list) {
            if (const json::object* object = rule.if_object()) {
                add_rule(rules.paths_, *object);
            }
        }
    }
    rules.paths_.shrink_to_fit();
    return rules;
}

bool TdmRules::reserves(std::string_view target) const {
    const PathRules::Match match = paths_.match(target);
    return match == PathRules::Match::yes || match == PathRules::Match::too_costly;
}

std::string TdmRules::text() const {
    std::string text;
    paths_.append_text(text);
    return text;
}

std::optional<TdmRules> TdmRules::of_text(std::string_view text) {
    TdmRules rules;
    while (!text.empty()) {
        if (!rules.paths_.add_line(take_until(text, "\n"))) {
            return std::nullopt;
        }
    }
    rules.paths_.shrink_to_fit();
    return rules;
}

}  // namespace grit::robots
