// All rows of the table `adoptions`, whatever URL they are for, some at a time.
//
// Errors: as in tables.hpp.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "grit/store/adoption_rows.hpp"

namespace grit::store {

using OnAdoptionRow = std::function<void(const Adoption&)>;

/// Visits rows in the order of their keys, and passes over those that are damaged.
/// @param after  where the last call ended; empty: the beginning. Is where this one ended then.
/// @return whether there may be more.
[[nodiscard]] Result<bool> visit_adoptions(const Txn& txn, std::string& after, std::size_t most, const OnAdoptionRow& visit);

/// Deletes the first `most` rows. @return how many there were to delete.
[[nodiscard]] Result<std::size_t> delete_first_adoptions(WriteTxn& txn, std::size_t most);

}  // namespace grit::store
