#include "grit/robots/rules.hpp"

#include <cstring>

#include "octets.hpp"
#include "rules_builder.hpp"
#include "text.hpp"

namespace grit::robots {
namespace {

// What the rules with "*" may look at for one target, in bytes: some 20 ms. See Rules::allows.
constexpr std::size_t kWildcardBudget = std::size_t{32} * 1024 * 1024;

// Where `piece` first occurs in `text`. memmem is linear in both (two-way search), which string_view::find is not.
std::size_t find_linear(std::string_view text, std::string_view piece) {
    const void* const found = memmem(text.data(), text.size(), piece.data(), piece.size());
    return found == nullptr ? std::string_view::npos
                            : static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
}

// Matches a pattern with at least one kAnyOctets: the part before the first must begin the target, each further part
// is taken where it first occurs, and an anchored last part must end it. One pass, nothing is tried twice.
bool matches_wildcard(std::string_view pattern, bool anchored, std::string_view target) {
    const std::size_t first = pattern.find(kAnyOctets);
    if (!target.starts_with(pattern.substr(0, first))) {
        return false;
    }
    target.remove_prefix(first);
    pattern.remove_prefix(first + 1);
    for (std::size_t end = 0; (end = pattern.find(kAnyOctets)) != std::string_view::npos;) {
        const std::size_t found = find_linear(target, pattern.substr(0, end));
        if (found == std::string_view::npos) {
            return false;
        }
        target.remove_prefix(found + end);
        pattern.remove_prefix(end + 1);
    }
    return anchored ? target.ends_with(pattern) : find_linear(target, pattern) != std::string_view::npos;
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

std::string_view Rules::pattern_of(const Rule& rule) const {
    return std::string_view(patterns_).substr(rule.begin, rule.size);
}

Rules::Verdict Rules::matches(const Rule& rule, std::string_view target, std::size_t& budget) const {
    const std::string_view pattern = pattern_of(rule);
    bool matched = false;
    if (rule.wildcard) {
        const std::size_t cost = pattern.size() + target.size();
        if (cost > budget) {
            return Verdict::too_costly;
        }
        budget -= cost;
        matched = matches_wildcard(pattern, rule.anchored, target);
    } else {
        matched = rule.anchored ? target == pattern : target.starts_with(pattern);
    }
    return matched ? Verdict::yes : Verdict::no;
}

bool Rules::allows(std::string_view target) const {
    if (rules_.empty() || target == "/robots.txt") {
        return true;
    }
    std::string octets;
    append_octets(octets, target);
    std::size_t budget = kWildcardBudget;
    for (const Rule& rule : rules_) {
        switch (matches(rule, octets, budget)) {
            case Verdict::yes:
                return rule.allow;
            case Verdict::too_costly:
                return false;
            case Verdict::no:
                break;
        }
    }
    return true;
}

std::size_t Rules::memory_bytes() const noexcept {
    return sizeof(*this) + rules_.capacity() * sizeof(Rule) + patterns_.capacity();
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
