// A list of path patterns, each with a verdict: what robots.txt and tdmrep.json have in common.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace grit::robots {

struct Pattern;

/// Patterns in the order in which they are tried, `*` and `$` as in RFC 9309 section 2.2.3. The first that matches
/// decides. Threads: may be read by any.
class PathRules {
  public:
    enum class Match : std::uint8_t {
        none,
        yes,         ///< the first pattern that matches has the verdict true
        no,          ///< it has the verdict false
        too_costly,  ///< the patterns with "*" would have looked at more than 32 MiB (50,000 such, a target of 700 bytes)
    };

    /// Appends a pattern. One that can match no path ("", "$", no "/" at its begin) is left out.
    void add(const Pattern& pattern, bool verdict);
    /// The longest patterns first, and the verdict true before false where two are equally long (RFC 9309 section 2.2.2).
    void sort_by_length();
    void shrink_to_fit();

    /// Octets are compared with their percent-encoding undone, as far as they are unreserved or reserved.
    /// @param target path and query, beginning with "/", as in `CanonicalUrl::target`.
    /// Time: linear in the rules times the target, and bounded.
    [[nodiscard]] Match match(std::string_view target) const;
    /// The pattern that decides about the target, for people, with its "*" and "$"; percent-encoding is in the form of
    /// comparison. Nothing if none matches.
    [[nodiscard]] std::optional<std::string> deciding_pattern(std::string_view target) const;

    [[nodiscard]] bool empty() const noexcept { return rules_.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return rules_.size(); }
    /// Beyond the object itself.
    [[nodiscard]] std::size_t memory_bytes() const noexcept;

    /// Appends the list as text, a line per pattern, for the state: "+" or "-", "$" if it is anchored, the octets.
    void append_text(std::string& out) const;
    /// Appends a pattern of such a line, without its line end. @return false if it is none.
    [[nodiscard]] bool add_line(std::string_view line);

  private:
    // A pattern is `patterns_` from `begin`, `size` bytes: normalised, without the "$" that `anchored` stands for.
    struct Rule {
        std::uint32_t begin;
        std::uint32_t size;
        bool verdict;
        bool anchored;
        bool wildcard;  // the pattern has a "*"
    };

    [[nodiscard]] std::string_view octets_of(const Rule& rule) const;
    [[nodiscard]] const Rule* find(std::string_view target, Match& match) const;
    [[nodiscard]] std::optional<bool> matches(const Rule& rule, std::string_view octets, std::size_t& budget) const;

    std::vector<Rule> rules_;
    std::string patterns_;
};

}  // namespace grit::robots
