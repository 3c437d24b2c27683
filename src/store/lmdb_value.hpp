// Views as LMDB's, and back.
#pragma once

#include <lmdb.h>

#include <string_view>

namespace grit::store {

[[nodiscard]] inline MDB_val to_lmdb(std::string_view bytes) noexcept {
    return {bytes.size(), const_cast<char*>(bytes.data())};  // NOLINT: LMDB reads through it, its API has no const
}

[[nodiscard]] inline std::string_view from_lmdb(const MDB_val& value) noexcept {
    return {static_cast<const char*>(value.mv_data), value.mv_size};
}

}  // namespace grit::store
