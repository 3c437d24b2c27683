// What a record has in `url_to_path`: a row for its URL, and one for each further way in which an annotation writes it.
// Errors: as in tables.hpp.
#pragma once

#include "grit/store/tables.hpp"

namespace grit::store {

/// All of them name the record's image. Repeatable.
[[nodiscard]] Result<void> map_urls(WriteTxn& txn, const RecordKey& key, const Record& record);
/// None is left. Repeatable.
[[nodiscard]] Result<void> unmap_urls(WriteTxn& txn, const RecordKey& key, const Record& record);

}  // namespace grit::store
