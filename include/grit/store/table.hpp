// The tables of the state. Their LMDB database names are a contract with readers outside (`url_to_path`).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace grit::store {

enum class Table : std::uint8_t {
    meta,
    inputs,
    runs,
    hosts,
    queue,
    progress,
    records,
    retries,
    url_to_path,
    content,
    spellings,
    sites,
    blocks,
    removals,
    shards,
    annotations,
    adoptions,
};

inline constexpr std::size_t kTableCount = 17;

/// In the order of `Table`: the LMDB database names.
inline constexpr std::array<std::string_view, kTableCount> kTableNames{
    "meta",    "inputs",  "runs",        "hosts",   "queue",     "progress",
    "records", "retries", "url_to_path", "content", "spellings", "sites",
    "blocks",  "removals", "shards",     "annotations",
    "adoptions",
};

[[nodiscard]] constexpr std::string_view name_of(Table table) noexcept {
    return kTableNames[static_cast<std::size_t>(table)];
}

}  // namespace grit::store
