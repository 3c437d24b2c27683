// One line of the outcome journal. Its form is a public promise: docs/journal.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "grit/base/result.hpp"
#include "grit/store/rows.hpp"

namespace grit::journal {

/// What a line tells of. The names are public: the list only grows.
enum class Kind : std::uint8_t {
    begin,          ///< The first line of each file: what it belongs to, and all that is small.
    result,         ///< A try has ended.
    retry,          ///< An operator has it asked again.
    broken,         ///< A verify found its image damaged and has it asked again.
    opt_out,        ///< Its image was deleted for an opt-out.
    refused,        ///< No URL that could be asked for: settled when the line was read.
    found,          ///< A rebuild took it over from an image that no line told of.
    duplicate,      ///< A line whose URL has a record, or is on its way to one.
    lost,           ///< A rebuild found its image missing: it is asked for again.
    quarantined,    ///< A line that no URL could be read from.
    input,          ///< How far an input is read.
    host,           ///< A host's manners or its end have changed.
    block,          ///< An operator blocks something.
    unblock,        ///< And takes it back.
    opt_out_begun,  ///< An opt-out is under way.
    opt_out_ended,  ///< It is done.
};

[[nodiscard]] std::string_view name_of(Kind kind) noexcept;
[[nodiscard]] std::optional<Kind> kind_named(std::string_view name) noexcept;
/// Whether `Line::record` is all that is known of its URL from then on.
[[nodiscard]] bool has_record(Kind kind) noexcept;

struct Line {
    std::uint64_t seq = 0;  ///< From 1, without a gap over all files. Given by the journal.
    Kind kind = Kind::result;
    std::int64_t time_ms = 0;  ///< Wall time, ms since 1970.
    std::string host;          ///< Canonical; empty if there is none.
    /// As far as the kind has it: all (`has_record`), ordinal and url, or nothing.
    store::Record record;
    std::optional<std::uint64_t> ordinal;  ///< Only read: whether there was one.
    boost::json::object data;              ///< What only this kind has; in the file one text.
};

/// The line but for its number and its check, which `whole_line` adds.
///
/// Each line of each kind has the same fields in the same order, null where there is nothing: readers that guess a
/// schema from the first lines guess well. Text that is no UTF-8 is repaired with U+FFFD.
[[nodiscard]] std::string text_of(const Line& line);

/// @param text  by `text_of`.
/// @return `{"seq":N,...,"check":"89abcdef"}` and a line feed; the check is XXH32, seed 0, of all that comes before `,"check"`.
[[nodiscard]] std::string whole_line(std::uint64_t seq, std::string_view text);

/// @param text  a whole line, with or without its end.
/// @return what it says, or why it can not be one: damaged, or by a newer gritd. Unknown fields are passed over.
[[nodiscard]] Checked<Line> parse_line(std::string_view text);

}  // namespace grit::journal
