// The names that records go by.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace grit {

/// Position of an annotation over all input, in input order, counted from 0. Bad and blank lines have one too.
using Ordinal = std::uint64_t;

/// A host of this dataset: dense, given in order of first sight, never reused. 0 is `kNoHost`.
using HostId = std::uint32_t;

/// The host of URLs that name none (`bad_url`, `scheme_refused`): their records live under it.
inline constexpr HostId kNoHost = 0;

/// One batch of annotations in the frontier, counted from 1.
using RunId = std::uint32_t;

/// 128-bit XXH3 of the canonical URL. Not for security: nothing breaks but one fetch if two URLs ever collide.
struct UrlHash {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
    auto operator<=>(const UrlHash&) const = default;
};

}  // namespace grit

template <>
struct std::hash<grit::UrlHash> {
    std::size_t operator()(const grit::UrlHash& url) const noexcept { return url.low; }
};
