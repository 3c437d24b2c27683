// Whether the pages of a state are pages: LMDB believes what it reads, and follows numbers that damage has made up.
#pragma once

#include <atomic>

#include "grit/store/env.hpp"

struct MDB_env;
struct MDB_txn;

namespace grit::store {

/// Walks the tree of one table as the transaction sees it, and adds what it finds to `report`.
void check_table(MDB_env* env, MDB_txn* txn, std::string_view table, const std::atomic<bool>& stop, PageReport& report);

/// The same for the table of tables and the list of free pages.
void check_roots(MDB_env* env, MDB_txn* txn, const std::atomic<bool>& stop, PageReport& report);

}  // namespace grit::store
