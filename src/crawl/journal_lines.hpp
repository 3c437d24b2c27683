// The lines that the crawl's jobs write into the outcome journal. Private to the module.
#pragma once

#include "grit/journal/journal.hpp"
#include "grit/journal/line.hpp"
#include "grit/store/opt_out_rows.hpp"
#include "grit/store/tables.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace grit::crawl {

/// @param kind  one that has a record.
[[nodiscard]] std::string record_line(journal::Kind kind, std::string_view host, const store::Record& record, std::int64_t time_ms);
[[nodiscard]] std::string duplicate_line(std::string_view host, std::string_view url, Ordinal ordinal, std::int64_t time_ms);
[[nodiscard]] std::string host_line(const store::HostRow& row, std::int64_t time_ms);
[[nodiscard]] std::string data_line(journal::Kind kind, boost::json::object data, std::int64_t time_ms);

/// Nothing is done where there is no journal. Errors: those of Journal::write.
[[nodiscard]] inline Result<void> write_lines(journal::Journal* journal, store::WriteTxn& txn, std::span<const std::string> lines) {
    return journal != nullptr ? journal->write(txn, lines) : Result<void>();
}

}  // namespace grit::crawl
