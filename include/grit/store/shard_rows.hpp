// How far the shards of images are filled, in layouts that put many images into one file; and which layout it is.
//
// A shard's row is written in the transaction that records its images: what lies behind it in the file is of no record.
// Errors: as in tables.hpp.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "grit/store/txn.hpp"

namespace grit::store {

struct ShardRow {
    std::uint64_t bytes = 0;    ///< Of its file, as far as records name what is in it.
    std::uint32_t samples = 0;  ///< Images ever put into it.
    bool sealed = false;
    std::string volume = {};  ///< Of which it is a shard; part of the key. Empty: the first one.
    bool operator==(const ShardRow&) const = default;
};

/// Errors besides: not_found.
[[nodiscard]] Result<ShardRow> get_shard(const Txn& txn, std::uint32_t shard, std::string_view volume = {});
[[nodiscard]] Result<void> put_shard(WriteTxn& txn, std::uint32_t shard, const ShardRow& row);
/// Volume by volume, the first one first; in the order of their numbers.
[[nodiscard]] Result<void> for_each_shard(const Txn& txn, const std::function<bool(std::uint32_t, const ShardRow&)>& visit);

/// The layout of the dataset (`meta/layout`), as the config names it. Errors besides: not_found, none was written yet.
[[nodiscard]] Result<std::string> get_layout(const Txn& txn);
[[nodiscard]] Result<void> put_layout(WriteTxn& txn, std::string_view name);

}  // namespace grit::store
