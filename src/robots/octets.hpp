// The form in which rules and targets are compared, octet by octet (RFC 9309 section 2.2.2).
//
// The standard asks for reserved characters to be encoded on both sides before comparison, so "/" and "%2F" are equal
// in it. Here both are undone instead, which compares equal in the same cases and keeps plain targets as they are.
// All other octets, and "%" itself, stay or become %XX in upper case.
#pragma once

#include <string>
#include <string_view>

namespace grit::robots {

/// Appends a target in the form of comparison.
void append_octets(std::string& out, std::string_view target);

/// A path pattern in the form of comparison.
struct Pattern {
    std::string octets;     ///< `kAnyOctets` where the pattern has a "*"; a "%2A" is a plain "*".
    bool anchored = false;  ///< It ended in "$".
};

/// Stands for "any octets" in a pattern. No octet of comparison is a control character.
inline constexpr char kAnyOctets = '\x01';

/// @param text a path pattern as written, without spaces around.
[[nodiscard]] Pattern pattern_octets(std::string_view text);

}  // namespace grit::robots
