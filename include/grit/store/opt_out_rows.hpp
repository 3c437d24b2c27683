// What the state keeps of an opt-out that deletes: how far it is, and which paths are spoken for. With it a deletion
// that was cut at any moment is finished at the next start.
//
// Errors: as in tables.hpp.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "grit/store/txn.hpp"

namespace grit::store {

/// The opt-out under way (`meta/optout`). Counters are kept in the transactions that do what they count.
struct OptOutRow {
    std::string domain;
    std::string reason;
    std::uint32_t by_uid = 0;
    bool erase = false;
    std::int64_t began_ms = 0;      ///< Wall time, ms since 1970.
    std::string list;               ///< Name of its file of URLs.
    bool list_is_complete = false;  ///< The file is on the disk, whole.
    std::uint64_t listed = 0;
    std::uint64_t deleted = 0;        ///< Records.
    std::uint64_t files_removed = 0;  ///< Or about to be.
    std::uint64_t files_kept = 0;     ///< Because other records name them.
    std::uint64_t freed_bytes = 0;
    bool operator==(const OptOutRow&) const = default;
};

/// Errors besides: not_found if there is none under way.
[[nodiscard]] Result<OptOutRow> get_opt_out(const Txn& txn);
[[nodiscard]] Result<void> put_opt_out(WriteTxn& txn, const OptOutRow& row);
[[nodiscard]] Result<void> delete_opt_out(WriteTxn& txn);

/// Why no new image may be published at a path.
enum class Removal : std::uint8_t {
    due = 0,   ///< No record names the file: it is to be removed.
    kept = 1,  ///< Its first record is deleted, and others name the file.
    broken = 2,  ///< Given up by a repair. Others may name it: it stays until all records were looked at, and is due then.
};

/// Errors besides: not_found, the path is free.
[[nodiscard]] Result<Removal> get_removal(const Txn& txn, std::string_view path);
[[nodiscard]] Result<void> put_removal(WriteTxn& txn, std::string_view path, Removal removal);
[[nodiscard]] Result<void> delete_removal(WriteTxn& txn, std::string_view path);
/// In the order of the paths, from the first one at or after `from`. `visit` gives false to end the walk.
[[nodiscard]] Result<void> for_each_removal(const Txn& txn, const std::function<bool(std::string_view, Removal)>& visit,
                                            std::string_view from = {});

}  // namespace grit::store
