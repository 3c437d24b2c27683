#include "rules_builder.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "text.hpp"

namespace grit::robots {
namespace {

constexpr double kMaxCrawlDelaySeconds = 86'400;

enum class Record { other, user_agent, allow, disallow, crawl_delay };

struct RecordName {
    std::string_view name;
    Record record;
};

// The names of the standard, and misspellings that are common enough for google/robotstxt to know them.
constexpr std::array<RecordName, 11> kRecordNames{{
    {"user-agent", Record::user_agent},
    {"useragent", Record::user_agent},
    {"user agent", Record::user_agent},
    {"allow", Record::allow},
    {"disallow", Record::disallow},
    {"dissallow", Record::disallow},
    {"dissalow", Record::disallow},
    {"disalow", Record::disallow},
    {"diasllow", Record::disallow},
    {"disallaw", Record::disallow},
    {"crawl-delay", Record::crawl_delay},
}};

Record record_named(std::string_view name) {
    const auto found = std::find_if(kRecordNames.begin(), kRecordNames.end(),
                                    [&](const RecordName& r) { return equal_ignoring_case(r.name, name); });
    return found == kRecordNames.end() ? Record::other : found->record;
}

struct KeyAndValue {
    std::string_view key;
    std::string_view value;
};

// "disallow: /x # why" gives "disallow" and "/x". Without a colon, "disallow /x" does too.
KeyAndValue split_line(std::string_view line) {
    const std::string_view content = trimmed(line.substr(0, line.find('#')));
    const std::size_t colon = content.find(':');
    const std::size_t end = colon != std::string_view::npos ? colon : content.find_first_of(" \t");
    if (end == std::string_view::npos) {
        return {content, {}};
    }
    const std::string_view value = trimmed(content.substr(end + 1));
    const bool prose = colon == std::string_view::npos && value.find_first_of(" \t") != std::string_view::npos;
    return prose ? KeyAndValue{} : KeyAndValue{trimmed(content.substr(0, end)), value};
}

bool is_everybody(std::string_view value) {
    return value.starts_with('*') && (value.size() == 1 || is_blank(value[1]));
}

}  // namespace

void RulesBuilder::add_line(std::string_view line) {
    const auto [key, value] = split_line(line);
    switch (record_named(key)) {
        case Record::user_agent:
            add_user_agent(value);
            break;
        case Record::allow:
            add_rule(true, value);
            break;
        case Record::disallow:
            add_rule(false, value);
            break;
        case Record::crawl_delay:
            add_crawl_delay(value);
            break;
        case Record::other:
            break;
    }
}

void RulesBuilder::add_user_agent(std::string_view value) {
    if (group_has_rules_) {
        group_has_rules_ = false;
        ours_.in_group = false;
        everybody_.in_group = false;
    }
    if (is_everybody(value)) {
        everybody_.named = everybody_.in_group = true;
    } else if (!token_.empty() && equal_ignoring_case(leading_token(value), token_)) {
        ours_.named = ours_.in_group = true;
    }
}

void RulesBuilder::add_rule(bool allow, std::string_view path) {
    group_has_rules_ = true;
    if (!ours_.in_group && !everybody_.in_group) {
        return;
    }
    const Pattern pattern = pattern_octets(path);
    if (ours_.in_group) {
        ours_.paths.add(pattern, allow);
    }
    if (everybody_.in_group) {
        everybody_.paths.add(pattern, allow);
    }
}

void RulesBuilder::add_crawl_delay(std::string_view value) {
    double seconds = 0;
    const bool decimal =
        value.find_first_not_of("0123456789.") == std::string_view::npos;  // from_chars reads "inf" too
    const auto [end, error] =
        std::from_chars(value.data(), value.data() + value.size(), seconds, std::chars_format::fixed);
    if (!decimal || error != std::errc() || end != value.data() + value.size()) {
        return;
    }
    const Milliseconds delay(std::llround(std::min(seconds, kMaxCrawlDelaySeconds) * 1000));
    for (Binding* binding : {&ours_, &everybody_}) {
        if (binding->in_group) {
            binding->crawl_delay = std::max(binding->crawl_delay.value_or(delay), delay);
        }
    }
}

Rules RulesBuilder::build() {
    Binding& binding = ours_.named ? ours_ : everybody_;
    Rules rules;
    rules.paths_ = std::move(binding.paths);
    rules.crawl_delay_ = binding.crawl_delay;
    rules.paths_.sort_by_length();
    rules.paths_.shrink_to_fit();
    return rules;
}

Rules RulesBuilder::disallow_everything() {
    RulesBuilder builder("");
    builder.everybody_.in_group = true;
    builder.add_rule(false, "/");
    return builder.build();
}

}  // namespace grit::robots
