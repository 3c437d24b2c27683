// Cuts a byte source into lines within bounded memory. Knows nothing of JSON.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "grit/annotations/byte_source.hpp"

namespace grit::annotations {

/// This many bytes behind every piece may be read (they hold anything): what simdjson wants.
inline constexpr std::size_t kLinePadding = 64;
/// How much of an input identifies it.
inline constexpr std::size_t kFirstBlockBytes = std::size_t{64} << 10;
/// How much of an overlong line is kept to be shown.
inline constexpr std::size_t kKeptBytes = 256;

struct Piece {
    enum class Kind {
        line,  ///< Complete, without its newline. Has been consumed.
        tail,  ///< The end came first. Is consumed only by `consume_tail`.
        end,   ///< Nothing is left.
    };
    Kind kind = Kind::end;
    bool too_long = false;     ///< `text` is only the beginning.
    std::string_view text;     ///< Valid until the next call of `next`.
    std::uint64_t offset = 0;  ///< Of the piece's first byte.
};

class LineSplitter {
  public:
    LineSplitter(std::unique_ptr<ByteSource> source, std::size_t max_line_bytes);

    /// Goes to an offset; to be called once, before `next`. Sees the input's beginning on the way.
    /// @return true if a line begins there, false if the byte before is no newline.
    Checked<bool> start_at(std::uint64_t offset);

    /// The next piece. After `tail` and `end` it looks again whether the source has grown.
    Checked<Piece> next();
    void consume_tail();

    /// Where the next piece begins.
    [[nodiscard]] std::uint64_t offset() const noexcept { return offset_; }
    /// What has been seen of the first 64 KiB.
    [[nodiscard]] std::string_view first_bytes() const noexcept { return first_bytes_; }
    [[nodiscard]] const ByteSource& source() const noexcept { return *source_; }

  private:
    Checked<bool> fill();
    void make_room();
    void drop_overlong();
    Piece cut(const char* newline);
    [[nodiscard]] Piece rest() const;
    [[nodiscard]] std::size_t held() const noexcept { return end_ - begin_; }

    std::unique_ptr<ByteSource> source_;
    std::size_t max_line_bytes_;
    std::vector<char> buffer_;
    std::size_t begin_ = 0;    // of the current line
    std::size_t scanned_ = 0;  // no newline before this
    std::size_t end_ = 0;
    std::uint64_t offset_ = 0;   // of the current line in the stream
    std::uint64_t dropped_ = 0;  // bytes of the current, overlong line that are no longer held
    std::string kept_;           // the beginning of that line
    std::string first_bytes_;
    std::uint64_t filled_ = 0;  // bytes read from the source
};

}  // namespace grit::annotations
