#include "grit/robots/path_rules.hpp"

#include <algorithm>
#include <cstring>

#include "octets.hpp"

namespace grit::robots {
namespace {

// What the rules with "*" may look at for one target, in bytes: some 20 ms. See PathRules::Match.
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

// As `append_octets` and `pattern_octets` leave them: kAnyOctets, and printable ASCII without a space.
bool is_octet(char c) {
    return c == kAnyOctets || (c > ' ' && c < '\x7f');
}

}  // namespace

void PathRules::add(const Pattern& pattern, bool verdict) {
    const bool can_match = pattern.octets.starts_with('/') || pattern.octets.starts_with(kAnyOctets);
    if (!can_match) {
        return;
    }
    rules_.push_back({static_cast<std::uint32_t>(patterns_.size()), static_cast<std::uint32_t>(pattern.octets.size()),
                      verdict, pattern.anchored, pattern.octets.find(kAnyOctets) != std::string::npos});
    patterns_.append(pattern.octets);
}

void PathRules::sort_by_length() {
    const auto octets = [](const Rule& rule) { return rule.size + (rule.anchored ? 1u : 0u); };
    std::sort(rules_.begin(), rules_.end(), [&](const Rule& a, const Rule& b) {
        return octets(a) != octets(b) ? octets(a) > octets(b) : a.verdict > b.verdict;
    });
}

void PathRules::shrink_to_fit() {
    patterns_.shrink_to_fit();
    rules_.shrink_to_fit();
}

std::string_view PathRules::octets_of(const Rule& rule) const {
    return std::string_view(patterns_).substr(rule.begin, rule.size);
}

// Nothing if it would cost more than is left of the budget.
std::optional<bool> PathRules::matches(const Rule& rule, std::string_view octets, std::size_t& budget) const {
    const std::string_view pattern = octets_of(rule);
    if (!rule.wildcard) {
        return rule.anchored ? octets == pattern : octets.starts_with(pattern);
    }
    const std::size_t cost = pattern.size() + octets.size();
    if (cost > budget) {
        return std::nullopt;
    }
    budget -= cost;
    return matches_wildcard(pattern, rule.anchored, octets);
}

// The first rule that matches, or that would cost too much to know.
const PathRules::Rule* PathRules::find(std::string_view target, Match& match) const {
    match = Match::none;
    if (rules_.empty()) {
        return nullptr;
    }
    std::string octets;
    append_octets(octets, target);
    std::size_t budget = kWildcardBudget;
    for (const Rule& rule : rules_) {
        const auto matched = matches(rule, octets, budget);
        if (!matched || *matched) {
            match = !matched ? Match::too_costly : rule.verdict ? Match::yes : Match::no;
            return &rule;
        }
    }
    return nullptr;
}

PathRules::Match PathRules::match(std::string_view target) const {
    Match match = Match::none;
    static_cast<void>(find(target, match));
    return match;
}

std::optional<std::string> PathRules::deciding_pattern(std::string_view target) const {
    Match match = Match::none;
    const Rule* rule = find(target, match);
    if (rule == nullptr) {
        return std::nullopt;
    }
    if (match == Match::too_costly) {
        return "more patterns with \"*\" than can be tried";
    }
    std::string text(octets_of(*rule));
    std::replace(text.begin(), text.end(), kAnyOctets, '*');
    return rule->anchored ? text + "$" : text;
}

std::size_t PathRules::memory_bytes() const noexcept {
    return rules_.capacity() * sizeof(Rule) + patterns_.capacity();
}

void PathRules::append_text(std::string& out) const {
    for (const Rule& rule : rules_) {
        out.push_back(rule.verdict ? '+' : '-');
        if (rule.anchored) {
            out.push_back('$');
        }
        out.append(octets_of(rule));
        out.push_back('\n');
    }
}

bool PathRules::add_line(std::string_view line) {
    if (line.empty() || (line[0] != '+' && line[0] != '-')) {
        return false;
    }
    const bool verdict = line[0] == '+';
    line.remove_prefix(1);
    Pattern pattern;
    pattern.anchored = line.starts_with('$');
    pattern.octets = line.substr(pattern.anchored ? 1 : 0);
    const std::size_t before = rules_.size();
    if (std::all_of(pattern.octets.begin(), pattern.octets.end(), is_octet)) {
        add(pattern, verdict);
    }
    return rules_.size() > before;
}

}  // namespace grit::robots
