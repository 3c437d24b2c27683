#include "line_splitter.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace grit::annotations {
namespace {

// Fits the second-level cache; larger reads were not faster.
constexpr std::size_t kChunk = std::size_t{256} << 10;
// Below this much room the held bytes are moved to the front before reading on.
constexpr std::size_t kLeastRoom = std::size_t{64} << 10;

}  // namespace

LineSplitter::LineSplitter(std::unique_ptr<ByteSource> source, std::size_t max_line_bytes)
    : source_(std::move(source)), max_line_bytes_(max_line_bytes), buffer_(kChunk + kLinePadding) {}

Checked<bool> LineSplitter::start_at(std::uint64_t offset) {
    if (offset == 0) {
        return true;
    }
    // The first block is read in any case: it tells whether this is still the same input.
    while (filled_ < kFirstBlockBytes) {
        const auto more = fill();
        if (!more) {
            return more.error();
        }
        if (!*more) {
            break;
        }
    }
    const std::uint64_t before = offset - 1;
    if (before >= filled_) {
        if (const auto skipped = source_->skip(before - filled_); !skipped) {
            return skipped.error();
        }
        filled_ = before;
        end_ = 0;
        const auto more = fill();
        if (!more) {
            return more.error();
        }
        if (!*more) {
            return Problem{source_->name() + ": ends before byte " + std::to_string(offset) +
                           ", the place to go on from: it was cut or replaced"};
        }
        begin_ = 0;
    } else {
        begin_ = static_cast<std::size_t>(before);
    }
    const bool at_line = buffer_[begin_] == '\n';
    ++begin_;
    scanned_ = begin_;
    offset_ = offset;
    return at_line;
}

void LineSplitter::make_room() {
    if (buffer_.size() - kLinePadding - end_ >= kLeastRoom) {
        return;
    }
    std::memmove(buffer_.data(), buffer_.data() + begin_, held());
    scanned_ -= begin_;
    end_ -= begin_;
    begin_ = 0;
    if (buffer_.size() - kLinePadding - end_ < kLeastRoom) {
        // Bounded: a line that is longer than max_line_bytes_ is dropped before there is more of it.
        buffer_.resize((buffer_.size() - kLinePadding) * 2 + kLinePadding);
    }
}

Checked<bool> LineSplitter::fill() {
    make_room();
    const std::size_t room = std::min(buffer_.size() - kLinePadding - end_, kChunk);
    const auto count = source_->read(std::span(buffer_).subspan(end_, room));
    if (!count) {
        return count.error();
    }
    if (filled_ < kFirstBlockBytes) {
        first_bytes_.append(buffer_.data() + end_,
                            std::min<std::size_t>(*count, kFirstBlockBytes - first_bytes_.size()));
    }
    filled_ += *count;
    end_ += *count;
    return *count > 0;
}

Checked<Piece> LineSplitter::next() {
    while (true) {
        const void* found = std::memchr(buffer_.data() + scanned_, '\n', end_ - scanned_);
        if (found != nullptr) {
            return cut(static_cast<const char*>(found));
        }
        scanned_ = end_;
        if (dropped_ > 0 || held() > max_line_bytes_) {
            drop_overlong();
        }
        const auto more = fill();
        if (!more) {
            return more.error();
        }
        if (!*more) {
            return rest();
        }
    }
}

void LineSplitter::drop_overlong() {
    if (dropped_ == 0) {
        kept_.assign(buffer_.data() + begin_, std::min(held(), kKeptBytes));
    }
    dropped_ += held();
    begin_ = scanned_ = end_ = 0;
}

Piece LineSplitter::cut(const char* newline) {
    const char* line = buffer_.data() + begin_;
    const auto length = static_cast<std::size_t>(newline - line);
    Piece piece{Piece::Kind::line, false, {line, length}, offset_};
    if (dropped_ > 0) {
        piece.too_long = true;
        piece.text = kept_;
    } else if (length > max_line_bytes_) {
        piece.too_long = true;
        piece.text = piece.text.substr(0, kKeptBytes);
    }
    begin_ = scanned_ = begin_ + length + 1;
    offset_ += dropped_ + length + 1;
    dropped_ = 0;
    return piece;
}

Piece LineSplitter::rest() const {
    if (dropped_ > 0) {
        return {Piece::Kind::tail, true, kept_, offset_};
    }
    if (held() == 0) {
        return {Piece::Kind::end, false, {}, offset_};
    }
    return {Piece::Kind::tail, false, {buffer_.data() + begin_, held()}, offset_};
}

void LineSplitter::consume_tail() {
    offset_ += dropped_ + held();
    dropped_ = 0;
    begin_ = scanned_ = end_;
}

}  // namespace grit::annotations
