// What an operator has said is not to be asked, in the state. The form of its texts is politeness::Block's.
//
// Errors: as in tables.hpp.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "grit/store/txn.hpp"

namespace grit::store {

struct BlockRow {
    std::string kind;   ///< Without a space.
    std::string value;  ///< Kind and value have at most 500 bytes.
    std::string reason;
    std::int64_t since_ms = 0;  ///< Wall time, ms since 1970.
    std::uint32_t by_uid = 0;
    bool operator==(const BlockRow&) const = default;
};

[[nodiscard]] Result<void> put_block_row(WriteTxn& txn, const BlockRow& row);
/// @return whether there was one.
[[nodiscard]] Result<bool> delete_block_row(WriteTxn& txn, std::string_view kind, std::string_view value);
/// All of them, by kind and value.
[[nodiscard]] Result<std::vector<BlockRow>> get_block_rows(const Txn& txn);

}  // namespace grit::store
