// What a site's robots.txt says to us: RFC 9309 read to the letter, from hostile bytes, in bounded time.
//
// Only the text is judged here. Which file counts (redirects, 4xx, 5xx, age) is the business of the robots cache.
//
// Where the standard leaves room or real files break it, this reader leans towards the site: a missing colon and the
// common misspellings of "disallow" are read as meant. Tests of such choices are named Policy_.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "grit/base/clock.hpp"
#include "grit/robots/path_rules.hpp"

namespace grit::robots {

/// Bytes of a robots.txt that are read; a line that is cut by this limit is dropped. RFC 9309 section 2.5.
inline constexpr std::size_t kMaxBodyBytes = std::size_t{500} * 1024;

/// The rules of one robots.txt that bind one product token. Immutable. Threads: may be shared by any.
class Rules {
  public:
    /// Reads a robots.txt.
    ///
    /// All groups that name the token bind together; if there is none, all groups of "*" do; else nothing does.
    /// @param body any bytes: UTF-8 with or without byte order mark; lines end in LF, CR or CRLF.
    /// @param product_token compared without regard to case; empty: only the groups of "*" can bind.
    [[nodiscard]] static Rules parse(std::string_view body, std::string_view product_token);
    /// What an unavailable robots.txt (4xx) means. RFC 9309 section 2.3.1.3.
    [[nodiscard]] static Rules allow_all();
    /// What an unreachable robots.txt (5xx, network) means. RFC 9309 section 2.3.1.4. "/robots.txt" itself is allowed.
    [[nodiscard]] static Rules disallow_all();

    /// True if the target may be asked for: the longest rule that matches decides, "allow" where two are equally long.
    ///
    /// Octets are compared with their percent-encoding undone, as far as they are unreserved or reserved.
    /// @param target path and query, beginning with "/", as in `CanonicalUrl::target`.
    /// Time: linear in the rules times the target. Rules with "*" may look at 32 MiB in all; a file that needs more
    /// to be understood (50,000 such rules against a target of 700 bytes) disallows.
    [[nodiscard]] bool allows(std::string_view target) const;

    /// The rule that decides about the target, for people: "Disallow: /private/", with its "*" and "$". Percent-encoding is
    /// in the form of comparison.
    /// @return nothing if no rule matches (it is allowed then).
    [[nodiscard]] std::optional<std::string> deciding_rule(std::string_view target) const;

    /// The longest Crawl-delay of the groups that bind us (no part of RFC 9309). The caller caps it.
    /// @return at most 24 h; nothing if there is none that is a number of seconds.
    [[nodiscard]] std::optional<Milliseconds> crawl_delay() const noexcept { return crawl_delay_; }

    /// What the rules take in memory, for the bound of a cache: at most some 3 MiB, for hostile files.
    [[nodiscard]] std::size_t memory_bytes() const noexcept;

    /// The rules as text, for the state: small where the file was long but said little to us.
    [[nodiscard]] std::string text() const;
    /// The rules that `text` came from. @param text any bytes. @return nothing if it is damaged.
    [[nodiscard]] static std::optional<Rules> of_text(std::string_view text);

  private:
    friend class RulesBuilder;

    PathRules paths_;  // the most specific first; the verdict is "allow"
    std::optional<Milliseconds> crawl_delay_;
};

/// The product token of a User-Agent header: "gritd" of "gritd/1.0 (+https://example.org/bot)"; "ExampleBot" of
/// "Mozilla/5.0 (compatible; ExampleBot/0.1; ...)". RFC 9309 section 2.2.1; digits are kept, as real bots have them.
/// @return empty if there is none.
[[nodiscard]] std::string product_token_of(std::string_view user_agent);

}  // namespace grit::robots
