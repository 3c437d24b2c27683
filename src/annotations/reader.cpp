#include "grit/annotations/reader.hpp"

#include <fmt/format.h>
#include <openssl/sha.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "json_line.hpp"
#include "line_splitter.hpp"
#include "utf8.hpp"

namespace grit::annotations {
namespace {

constexpr std::size_t kExcerptBytes = 200;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

std::array<std::byte, 32> sha256_of(std::string_view bytes) {
    std::array<std::byte, 32> digest{};
    SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
           reinterpret_cast<unsigned char*>(digest.data()));
    return digest;
}

bool begins_with_block(std::string_view bytes, const FirstBlock& block) {
    return bytes.size() >= block.length && sha256_of(bytes.substr(0, block.length)) == block.sha256;
}

}  // namespace

class Reader::Impl {
  public:
    Impl(std::unique_ptr<ByteSource> source, Options options)
        : options_(std::move(options)),
          lines_(std::move(source), options_.max_line_bytes),
          json_(options_.url_field, options_.id_field),
          line_(options_.start_line) {}

    Checked<Event> next() {
        if (!started_) {
            started_ = true;
            const auto at_line = lines_.start_at(options_.start_offset);
            if (!at_line) {
                problem_ = at_line.error();
            } else {
                inside_line_ = !*at_line;
            }
        }
        while (!problem_) {
            const auto piece = lines_.next();
            if (!piece) {
                problem_ = piece.error();
            } else if (auto event = event_of(*piece)) {
                return std::move(*event);
            }
        }
        return *problem_;
    }

    [[nodiscard]] std::uint64_t offset() const noexcept { return started_ ? lines_.offset() : options_.start_offset; }
    [[nodiscard]] std::uint64_t line() const noexcept { return line_; }
    [[nodiscard]] const LineSplitter& lines() const noexcept { return lines_; }

  private:
    // Nothing where the piece is no event of its own.
    std::optional<Event> event_of(const Piece& piece) {
        if (piece.kind == Piece::Kind::end) {
            return End{};
        }
        const std::string_view text = without_marks(piece);
        const bool tail = piece.kind == Piece::Kind::tail;
        if (inside_line_) {
            return event_of_remainder(piece, text);
        }
        if (tail && text.empty() && !options_.accept_unfinished_tail) {
            return End{};
        }
        Event event = piece.too_long ? too_long(piece, text) : parsed(piece, text);
        if (tail) {
            if (std::holds_alternative<BadLine>(event) && !options_.accept_unfinished_tail) {
                return End{};
            }
            lines_.consume_tail();
            inside_line_ = true;
        }
        ++line_;
        return event;
    }

    // What follows an unfinished line that was taken: its newline, as a rule.
    std::optional<Event> event_of_remainder(const Piece& piece, std::string_view text) {
        const bool tail = piece.kind == Piece::Kind::tail;
        const bool only_line_end = !piece.too_long && is_blank(text);
        if (tail) {
            if (only_line_end || !options_.accept_unfinished_tail) {
                return End{};
            }
            lines_.consume_tail();
        }
        inside_line_ = tail;
        if (only_line_end) {
            return std::nullopt;
        }
        BadLine bad = bad_line(piece, text, "more of a line that was already taken without its end");
        bad.line -= bad.line > 0 ? 1 : 0;  // it belongs to the line before and is not counted again
        return bad;
    }

    Event parsed(const Piece& piece, std::string_view text) {
        const auto fields = json_.parse(text);
        if (!fields) {
            return bad_line(piece, text, fields.error().what);
        }
        return Line{fields->url, fields->id, line_, piece.offset, text};
    }

    Event too_long(const Piece& piece, std::string_view text) {
        return bad_line(piece, text, fmt::format("longer than {} bytes", options_.max_line_bytes));
    }

    [[nodiscard]] BadLine bad_line(const Piece& piece, std::string_view text, std::string reason) const {
        return {line_, piece.offset, std::move(reason), printable_excerpt(text, kExcerptBytes)};
    }

    static std::string_view without_marks(const Piece& piece) {
        std::string_view text = piece.text;
        if (piece.offset == 0 && text.starts_with(kByteOrderMark)) {
            text.remove_prefix(kByteOrderMark.size());
        }
        if (text.ends_with('\r') && piece.kind == Piece::Kind::line && !piece.too_long) {
            text.remove_suffix(1);
        }
        return text;
    }

    Options options_;
    LineSplitter lines_;
    JsonLine json_;
    std::uint64_t line_;
    bool started_ = false;
    bool inside_line_ = false;  // the next byte continues a line that was taken without its end
    std::optional<Problem> problem_;
};

Reader::Reader(std::unique_ptr<ByteSource> source, Options options)
    : impl_(std::make_unique<Impl>(std::move(source), std::move(options))) {}
Reader::~Reader() = default;
Reader::Reader(Reader&&) noexcept = default;
Reader& Reader::operator=(Reader&&) noexcept = default;

Checked<Event> Reader::next() {
    return impl_->next();
}
std::uint64_t Reader::offset() const noexcept {
    return impl_->offset();
}
std::uint64_t Reader::line() const noexcept {
    return impl_->line();
}

FirstBlock Reader::first_block() const {
    const std::string_view seen = impl_->lines().first_bytes();
    return {seen.size(), sha256_of(seen)};
}

bool Reader::begins_with(const FirstBlock& block) const {
    return begins_with_block(impl_->lines().first_bytes(), block);
}

Checked<bool> Reader::still_begins_with(ByteSource& fresh, const FirstBlock& block) {
    if (block.length > kFirstBlockBytes) {
        return false;
    }
    std::string bytes(static_cast<std::size_t>(block.length), '\0');
    for (std::size_t have = 0; have < bytes.size();) {
        const auto count = fresh.read(std::span(bytes).subspan(have));
        if (!count) {
            return count.error();
        }
        if (*count == 0) {
            return false;
        }
        have += *count;
    }
    return begins_with_block(bytes, block);
}

ByteSource::Progress Reader::progress() const {
    return impl_->lines().source().progress();
}

}  // namespace grit::annotations
