#include "grit/robots/rules.hpp"

#include <charconv>
#include <cstdint>

#include "rules_builder.hpp"
#include "text.hpp"

namespace grit::robots {
namespace {

constexpr std::string_view kDelayLine = "delay ";
constexpr Milliseconds kMaxCrawlDelay{std::chrono::hours(24)};

std::optional<Milliseconds> delay_of(std::string_view line) {
    std::int64_t ms = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), ms);
    const bool whole = error == std::errc() && end == line.data() + line.size();
    return whole && ms >= 0 && ms <= kMaxCrawlDelay.count() ? std::optional(Milliseconds(ms)) : std::nullopt;
}

}  // namespace

Rules Rules::parse(std::string_view body, std::string_view product_token) {
    constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
    const bool cut = body.size() > kMaxBodyBytes;
    body = body.substr(0, kMaxBodyBytes);
    if (cut) {  // half a line might say more than the whole: "Disallow: /" of "Disallow: /private"
        body = body.substr(0, body.find_last_of("\r\n") + 1);
    }
    if (body.starts_with(kByteOrderMark)) {
        body.remove_prefix(kByteOrderMark.size());
    }
    RulesBuilder builder(product_token);
    while (!body.empty()) {
        builder.add_line(take_until(body, "\r\n"));  // CRLF is a line and an empty line, which ends nothing
    }
    return builder.build();
}

Rules Rules::allow_all() {
    return {};
}

Rules Rules::disallow_all() {
    return RulesBuilder::disallow_everything();
}

bool Rules::allows(std::string_view target) const {
    if (target == "/robots.txt") {
        return true;
    }
    const PathRules::Match match = paths_.match(target);
    return match == PathRules::Match::yes || match == PathRules::Match::none;
}

std::optional<std::string> Rules::deciding_rule(std::string_view target) const {
    if (target == "/robots.txt") {
        return std::nullopt;
    }
    const std::optional<std::string> pattern = paths_.deciding_pattern(target);
    return pattern ? std::optional((allows(target) ? "Allow: " : "Disallow: ") + *pattern) : std::nullopt;
}

std::size_t Rules::memory_bytes() const noexcept {
    return sizeof(*this) + paths_.memory_bytes();
}

std::string Rules::text() const {
    std::string text;
    if (crawl_delay_) {
        text.append(kDelayLine).append(std::to_string(crawl_delay_->count())).push_back('\n');
    }
    paths_.append_text(text);
    return text;
}

std::optional<Rules> Rules::of_text(std::string_view text) {
    Rules rules;
    while (!text.empty()) {
        std::string_view line = take_until(text, "\n");
        if (line.starts_with(kDelayLine)) {
            line.remove_prefix(kDelayLine.size());
            rules.crawl_delay_ = delay_of(line);
            if (!rules.crawl_delay_) {
                return std::nullopt;
            }
        } else if (!rules.paths_.add_line(line)) {
            return std::nullopt;
        }
    }
    rules.paths_.sort_by_length();
    rules.paths_.shrink_to_fit();
    return rules;
}

std::string product_token_of(std::string_view user_agent) {
    const std::string_view text = trimmed(user_agent);
    const std::string_view token = leading_token(text);
    constexpr std::string_view kCompatible = "(compatible;";
    const std::size_t comment = text.find(kCompatible);
    if (!equal_ignoring_case(token, "Mozilla") || comment == std::string_view::npos) {
        return std::string(token);
    }
    return std::string(leading_token(trimmed(text.substr(comment + kCompatible.size()))));
}

}  // namespace grit::robots
