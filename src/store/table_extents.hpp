// Where in the file a table lies. LMDB has no call for that, so this reads its pages as they are on the disk.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

struct MDB_env;
struct MDB_txn;

namespace grit::store {

/// A piece of the file, in bytes.
struct Extent {
    std::uint64_t offset = 0;
    std::uint64_t bytes = 0;
};

/// The pieces of the file that hold a table as the transaction sees it, ascending. Pieces that lie less than `gap_bytes`
/// apart are one: reading what is between them costs less than going there.
///
/// Reads the inner pages of the table's tree and, where it has values that are larger than a page, its leaves: a
/// hundredth of the table. A page that is not what it should be ends the search; what was found before is given.
[[nodiscard]] std::vector<Extent> extents_of(MDB_env* env, MDB_txn* txn, std::string_view table,
                                             std::uint64_t gap_bytes);

}  // namespace grit::store
