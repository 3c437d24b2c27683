// LMDB's return codes as ours.
#pragma once

#include "grit/store/error.hpp"

namespace grit::store {

/// @param code MDB_* or errno, as LMDB's functions return.
[[nodiscard]] Errc errc_of_lmdb(int code) noexcept;

}  // namespace grit::store
