// Which hosts belong together: limits that hosts share, shards, and partitions of a dataset go by this.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace grit::url {

/// How many partitions a dataset has. Stored in datasets: never change it.
inline constexpr std::uint16_t kPartitionCount = 4096;

/// The public suffix of a host and one label more: "example.co.uk" of "img3.example.co.uk".
///
/// Suffixes of the list's private part count: sites under "github.io" are strangers to each other. A host that has no
/// such domain is its own: an address, a single label, a public suffix.
/// @param host as in `CanonicalUrl::host`.
/// Threads: any.  Source: publicsuffix.org, the list built into libpsl.
[[nodiscard]] std::string registrable_domain(std::string_view host);

/// The partition of a registrable domain: XXH3-64 modulo `kPartitionCount`. Stored in datasets: never changes.
[[nodiscard]] std::uint16_t partition_of(std::string_view registrable_domain) noexcept;

}  // namespace grit::url
