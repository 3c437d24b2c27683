// One thing that an operator has said is not to be asked: a host, a domain, addresses, or URLs of a pattern.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "grit/base/result.hpp"

namespace grit::politeness {

enum class BlockKind : std::uint8_t {
    host,     ///< That host and no other.
    domain,   ///< A name and every host below it.
    cidr,     ///< Addresses, where they are dialled, whatever name led to them.
    pattern,  ///< URLs, by their canonical form.
};

/// "host", "domain", "cidr", "pattern". Static storage. Stored: never changes.
[[nodiscard]] std::string_view name_of(BlockKind kind) noexcept;
[[nodiscard]] std::optional<BlockKind> block_kind_named(std::string_view name) noexcept;

/// Bytes of a value, and of a reason.
inline constexpr std::size_t kMaxBlockValue = 400;
inline constexpr std::size_t kMaxBlockReason = 200;

/// Only `parse_block` makes a new one.
struct Block {
    BlockKind kind = BlockKind::host;
    std::string value;          ///< Canonical: equal blocks have equal values.
    std::string reason;         ///< For people; may be empty.
    std::int64_t since_ms = 0;  ///< Wall time, ms since 1970.
    std::uint32_t by_uid = 0;   ///< Who asked for it.

    /// "domain example.org".
    [[nodiscard]] std::string name() const;
    bool operator==(const Block&) const = default;
};

/// Reads what an operator wrote and brings it into canonical form.
///
/// - host, domain: any spelling of a name (IDNA, case, trailing dot, percent-encoding); for a domain "*." or "." may
///   stand before it. An address can be a host; no domain.
/// - cidr: "203.0.113.0/24", "2001:db8::/32", or one address. Bits below the prefix are cleared.
/// - pattern: "https://example.org/ads/", "example.org/*.gif$", "*/wp-content/*": `*` is any characters, `$` the end,
///   and what ends in neither is a beginning, as in robots.txt (RFC 9309 section 2.2.3). Without a scheme both are meant.
/// @param kind  nothing: by the look of it. Names are domains then, addresses CIDRs, and what has a path, a scheme or a
///              "*" inside is a pattern. A public suffix ("co.uk") is refused, since a slip would block half the web.
/// Errors, in words: what the value can not be.
[[nodiscard]] Checked<Block> parse_block(std::optional<BlockKind> kind, std::string_view value);

/// What a record says of its end: "blocked: domain example.org (asked by mail)".
[[nodiscard]] std::string blocked_detail(const Block& block);
/// Whether that text, of a record, names this block, whatever its reason.
[[nodiscard]] bool is_detail_of(const Block& block, std::string_view detail);

}  // namespace grit::politeness
