// What may go wrong in the store.
#pragma once

#include <string_view>
#include <type_traits>

#include "grit/base/outcome.hpp"
#include "grit/base/result.hpp"

namespace grit::store {

enum class Errc {
    success = 0,
    not_found,      ///< No row with that key. Expected in daily work.
    map_full,       ///< The map could not be grown any further (address space). `transact` hides the ordinary case.
    disk_full,      ///< The file system of the state folder has no space, or a quota or file size limit was met.
    io,             ///< The disk failed: nothing of the transaction is promised.
    corrupt,        ///< Bytes that this code can not have written: a torn or damaged row or page.
    newer_row,      ///< A row in the form of a newer gritd.
    too_long,       ///< A key that is empty or over 511 bytes, or a block over `kMaxBlockBytes`.
    out_of_order,   ///< `append` of a key that is not above the last one of its table.
    readers_full,   ///< All reader slots of the lock file are taken (`kMaxReaders`).
    out_of_memory,  ///< No memory or address space.
    closed,         ///< LMDB lets nobody in after the disk refused a header: a new process has to open it (`Env::closed`).
};

[[nodiscard]] const boost::system::error_category& store_category() noexcept;
[[nodiscard]] ErrorCode make_error_code(Errc error) noexcept;

/// `disk_full` for Errc::disk_full, `store_error` for everything else: always our own fault.
[[nodiscard]] Outcome outcome_of(const ErrorCode& error) noexcept;

/// What an operator is told of it.
[[nodiscard]] Problem unreadable(const ErrorCode& error);
[[nodiscard]] Problem unwritable(const ErrorCode& error);

}  // namespace grit::store

template <>
struct boost::system::is_error_code_enum<grit::store::Errc> : std::true_type {};
