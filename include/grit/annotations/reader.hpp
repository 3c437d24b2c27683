// Annotations as a stream of events, one per line, from any offset at which an earlier reader stood.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "grit/annotations/byte_source.hpp"
#include "grit/base/result.hpp"

namespace grit::annotations {

/// A line with a URL. The views are valid until the reader's next call.
struct Line {
    std::string_view raw_url;       ///< As the JSON string says, unescaped; nothing else was done to it. May be empty.
    std::string_view id;            ///< The id field's text, digits as written; empty if there is none.
    std::uint64_t line = 0;         ///< Counted from 0.
    std::uint64_t byte_offset = 0;  ///< Where the line begins, after decompression.
    std::string_view text;          ///< The whole line, without its line end.
};

/// A line that can not be used. It has been passed over: reading goes on behind it.
struct BadLine {
    std::uint64_t line = 0;         ///< Counted from 0.
    std::uint64_t byte_offset = 0;  ///< Where the line begins, after decompression.
    std::string reason;             ///< For people, e.g. `broken JSON: the object is not closed`.
    std::string excerpt;  ///< The line's beginning: at most 200 bytes, valid UTF-8 without control characters.
};

/// Nothing more for now. A plain file that grows gives more when asked again.
struct End {};

using Event = std::variant<Line, BadLine, End>;

/// Identifies an input by its beginning: the first bytes and their SHA-256.
struct FirstBlock {
    std::uint64_t length = 0;  ///< min(64 KiB, what there was), after decompression.
    std::array<std::byte, 32> sha256{};
    bool operator==(const FirstBlock&) const = default;
};

/// Reads JSON lines. Every line is one event and counts as one line, good or bad: line numbers are those of `wc -l` and
/// `sed -n`. CRLF line ends and a UTF-8 byte order mark at the beginning are taken as no part of a line.
///
/// A good line is one whole JSON object (RFC 8259; checked to its last byte, so damage behind the URL is found as well)
/// with a string in the URL field. If a name occurs twice the last one counts, as in Python's json. A bad line never
/// stops the reader.
///
/// An unfinished last line (no newline) is taken if it is a good one. Else it is a BadLine if `accept_unfinished_tail`
/// is set; if not, it is left alone: End, and `offset()` stays in front of it, as a writer may still be appending.
///
/// Memory: bounded by `max_line_bytes`, whatever the input; about 0.6 MiB while lines are short, and about 15 times the
/// longest line beyond that (simdjson's tape).
/// Threads: one at a time.
class Reader {
  public:
    struct Options {
        std::string url_field = "url";
        std::string id_field = "id";
        std::size_t max_line_bytes = std::size_t{4}
                                     << 20;  ///< A longer line is a BadLine, passed over as it streams by.
        std::uint64_t start_offset = 0;      ///< `offset()` of an earlier reader of the same input.
        std::uint64_t start_line = 0;        ///< `line()` of the same reader at the same moment.
        bool accept_unfinished_tail = false;
    };

    /// Reads nothing yet.
    Reader(std::unique_ptr<ByteSource> source, Options options);
    ~Reader();
    Reader(Reader&&) noexcept;
    Reader& operator=(Reader&&) noexcept;

    /// The next line. After a Problem every further call gives the same Problem.
    /// Errors: those of ByteSource; the input ends before `start_offset`.
    [[nodiscard]] Checked<Event> next();

    /// Where the next line begins, and its number: a reader made with these goes on exactly here.
    [[nodiscard]] std::uint64_t offset() const noexcept;
    [[nodiscard]] std::uint64_t line() const noexcept;

    /// The input's beginning as far as it has been seen: from the first `next()` on, also if that started behind it.
    [[nodiscard]] FirstBlock first_block() const;
    /// True if the input begins with that block: to be asked after the first `next()` of a reader that goes on, before
    /// its lines are believed. Works for pipes, where `still_begins_with` cannot.
    [[nodiscard]] bool begins_with(const FirstBlock& block) const;

    /// True if a fresh source begins with that block: an input that was replaced since does not. Consumes the source.
    /// Errors: those of ByteSource::read.
    [[nodiscard]] static Checked<bool> still_begins_with(ByteSource& fresh, const FirstBlock& block);

    /// The source's progress, for metrics.
    [[nodiscard]] ByteSource::Progress progress() const;

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace grit::annotations
