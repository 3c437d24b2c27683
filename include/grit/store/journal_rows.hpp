// How far the outcome journal counts (journal/journal.hpp), kept in the transactions that its lines belong to.
//
// Errors: as in tables.hpp.
#pragma once

#include <cstdint>

#include "grit/store/txn.hpp"

namespace grit::store {

/// What lies in the journal behind it was never committed.
struct JournalMark {
    std::uint64_t file = 0;      ///< Number of the file that was written last; 0: none yet.
    std::uint64_t bytes = 0;     ///< Of that file, as it is before it is sealed.
    std::uint64_t next_seq = 1;  ///< Number of the next line.
    bool operator==(const JournalMark&) const = default;
};

/// As it is made, if there is none.
[[nodiscard]] Result<JournalMark> get_journal_mark(const Txn& txn);
[[nodiscard]] Result<void> put_journal_mark(WriteTxn& txn, const JournalMark& mark);

/// When a backup was made, ms since 1970, in the state that it holds; until a gritd has run on that. Errors: not_found: it is none.
[[nodiscard]] Result<std::int64_t> get_backup_time(const Txn& txn);
[[nodiscard]] Result<void> put_backup_time(WriteTxn& txn, std::int64_t time_ms);
[[nodiscard]] Result<void> erase_backup_time(WriteTxn& txn);

}  // namespace grit::store
