// What every export is to those who write it somewhere: a source of text that is pulled piece by piece.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "grit/base/result.hpp"

namespace grit::dataset {

/// How an export is spelled.
enum class Format : std::uint8_t { json, csv, jsonl };

/// "json", "csv" or "jsonl". Static storage.
[[nodiscard]] std::string_view name_of(Format format) noexcept;
/// The format with that name; nothing if there is none.
[[nodiscard]] std::optional<Format> format_named(std::string_view name) noexcept;
/// The media type of an export in that format, e.g. "text/csv; charset=utf-8; header=present". Static storage.
[[nodiscard]] std::string_view media_type_of(Format format) noexcept;

/// A text that is made as it is asked for, so that a dataset of any size takes the same small memory.
///
/// Between two calls nothing is held that could hinder the daemon: no read transaction of the store above all, since
/// one that stays open keeps LMDB from reusing pages.
/// Threads: one at a time; not always the same one.
class ExportSource {
  public:
    virtual ~ExportSource() = default;

    /// Replaces `chunk` by the next piece: never empty, some hundred KiB at most.
    /// @return true if there was one; false at the end (`chunk` is empty then). After a Problem the text is not whole
    /// and must not be used; do not call again.
    [[nodiscard]] virtual Checked<bool> next(std::string& chunk) = 0;
};

}  // namespace grit::dataset
