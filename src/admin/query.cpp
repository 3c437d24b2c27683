#include "query.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

namespace grit::admin {
namespace urls = boost::urls;

std::optional<std::string_view> Target::param(std::string_view name) const {
    for (const auto& [key, value] : params) {
        if (key == name) {
            return value;
        }
    }
    return std::nullopt;
}

std::optional<Reply> Target::unknown_param(std::initializer_list<std::string_view> known) const {
    for (const auto& [key, value] : params) {
        if (std::find(known.begin(), known.end(), key) == known.end()) {
            return problem(400, fmt::format("unknown query parameter \"{}\"", key),
                           known.size() == 0 ? std::string("this request takes none") : "it takes: " + joined(known));
        }
    }
    return std::nullopt;
}

std::optional<Target> parse_target(std::string_view text) {
    const auto parsed = urls::parse_origin_form(text);
    if (!parsed) {
        return std::nullopt;
    }
    Target target;
    for (const auto& segment : parsed->segments()) {
        if (!segment.empty()) {
            target.segments.emplace_back(segment);
        }
    }
    // URLs are what is asked about here, and a "+" in a URL means itself: the rule of HTML forms does not apply.
    urls::encoding_opts keep_plus;
    keep_plus.space_as_plus = false;
    for (const auto& param : parsed->params(keep_plus)) {
        target.params.emplace_back(std::string(param.key), std::string(param.value));
    }
    return target;
}

std::string joined(std::initializer_list<std::string_view> names) {
    std::string text;
    for (const std::string_view name : names) {
        text.append(text.empty() ? "" : ", ").append(name);
    }
    return text;
}

}  // namespace grit::admin
