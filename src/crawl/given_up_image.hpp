// How an image leaves the dataset, in the transaction that changes its record. Private to the module.
#pragma once

#include "grit/store/opt_out_rows.hpp"
#include "grit/store/tables.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace grit::crawl {

/// The record names no image any more: the names leave `url_to_path`, and what the record was counted as is not counted. What
/// becomes of it then, and of its file, is the caller's to say.
/// @param host  of the record; null: its row can not be read.
[[nodiscard]] Result<void> clear_image(store::WriteTxn& txn, const store::RecordKey& key, store::Record& record, store::Totals& totals,
                                       store::HostRow* host);

/// The file at `location` is given up: its bytes are not counted any more, which they are once, whoever named it.
/// @param as  due, or broken.
[[nodiscard]] Result<void> give_up_file(store::WriteTxn& txn, const std::string& location, std::uint64_t size, store::Removal as,
                                        store::Totals& totals);

/// As get_removal, but that there is none is no error.
[[nodiscard]] Result<std::optional<store::Removal>> find_removal(const store::Txn& txn, const std::string& location);

}  // namespace grit::crawl
