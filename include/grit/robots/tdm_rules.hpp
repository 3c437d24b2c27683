// What a site's /.well-known/tdmrep.json reserves: the TDM Reservation Protocol (W3C community group final report,
// 2024-05-10), section 6.1, read from hostile bytes, in bounded time and memory.
//
// Only the text is judged here. What a file that can not be had means is the business of politeness.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "grit/robots/path_rules.hpp"

namespace grit::robots {

/// Where the file lies, on every origin.
inline constexpr std::string_view kTdmRepTarget = "/.well-known/tdmrep.json";

/// Bytes of a tdmrep.json that are read: as for robots.txt. What is longer is no declaration.
inline constexpr std::size_t kMaxTdmRepBytes = std::size_t{500} * 1024;

/// The rules of one tdmrep.json. Immutable. Threads: may be shared by any.
class TdmRules {
  public:
    /// Nothing is reserved.
    TdmRules() = default;

    /// Reads a tdmrep.json: an array of objects with `location` (a pattern as in robots.txt) and `tdm-reservation` (0 or
    /// 1). What breaks the protocol declares nothing: text that is no JSON array declares nothing at all, and of an array
    /// each entry without a usable location or with another value is as if it were absent (sections 5.1 and 6.1). A
    /// single object is read as an array of one, and "1", 1.0 and true are read as 1: the wish is plain.
    /// @param body any bytes.
    [[nodiscard]] static TdmRules parse(std::string_view body);

    /// True if text and data mining of that target is reserved: the first rule in the file's order whose location
    /// matches decides (section 6.1: "the most specific match is the first in sequence"). Case counts.
    /// @param target path and query, beginning with "/", as in `CanonicalUrl::target`.
    /// A file that can not be matched within the bounds of `PathRules` reserves.
    [[nodiscard]] bool reserves(std::string_view target) const;

    [[nodiscard]] bool empty() const noexcept { return paths_.empty(); }
    /// What the rules take in memory, for the bound of a cache.
    [[nodiscard]] std::size_t memory_bytes() const noexcept { return sizeof(*this) + paths_.memory_bytes(); }

    /// The rules as text, for the state.
    [[nodiscard]] std::string text() const;
    /// The rules that `text` came from. @param text any bytes. @return nothing if it is damaged.
    [[nodiscard]] static std::optional<TdmRules> of_text(std::string_view text);

  private:
    PathRules paths_;  // in the file's order; the verdict is "reserved"
};

}  // namespace grit::robots
