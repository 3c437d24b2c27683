#include "scanner.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

namespace grit::media {

void Scanner::read(std::size_t need) {
    assert(need > 0 && need <= kMaxNeed);
    state_ = State::reading;
    need_ = need;
}

void Scanner::skip(std::uint64_t count, std::size_t need) {
    read(need);
    skip_ = count;
}

void Scanner::find(std::byte value, std::uint64_t count) {
    state_ = State::finding;
    skip_ = count;
    wanted_ = value;
}

void Scanner::end_after(std::uint64_t count) {
    state_ = count == 0 ? State::ended : State::ending;
    skip_ = count;
}

void Scanner::feed(Bytes piece) {
    total_ += piece.size();
    while (!piece.empty() && state_ != State::ended && state_ != State::broken) {
        if (skip_ > 0) {
            const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(skip_, piece.size()));
            passed(piece.first(count));
            skip_ -= count;
            position_ += count;
            piece = piece.subspan(count);
            if (skip_ == 0 && state_ == State::ending) {
                end();
            }
        } else if (state_ == State::finding) {
            const void* const found = std::memchr(piece.data(), std::to_integer<int>(wanted_), piece.size());
            const std::size_t count =
                found == nullptr ? piece.size()
                                 : static_cast<std::size_t>(static_cast<const std::byte*>(found) - piece.data()) + 1;
            position_ += count;
            piece = piece.subspan(count);
            if (found != nullptr) {
                read(1);
            }
        } else {
            take_step(piece);
        }
    }
}

void Scanner::take_step(Bytes& piece) {
    if (held_ == 0 && piece.size() >= need_) {
        const Bytes seen = piece.first(need_);
        piece = piece.subspan(need_);
        position_ += seen.size();
        step(seen);
        return;
    }
    const std::size_t count = std::min(need_ - held_, piece.size());
    std::memcpy(window_.data() + held_, piece.data(), count);
    piece = piece.subspan(count);
    held_ += count;
    position_ += count;
    if (held_ == need_) {
        held_ = 0;
        step(Bytes(window_).first(need_));  // the window stays as it is while a step runs
    }
}

Verdict Scanner::verdict() const {
    switch (state_) {
        case State::ended:
            return Verdict::whole;
        case State::broken:
            return Verdict::broken;
        default:
            return whole_at(total_) ? Verdict::whole : Verdict::truncated;
    }
}

std::unique_ptr<Scanner> make_scanner(ImageType type) {
    switch (type) {
        case ImageType::jpeg:
            return make_jpeg_scanner();
        case ImageType::png:
            return make_png_scanner();
        case ImageType::gif:
            return make_gif_scanner();
        case ImageType::webp:
            return make_webp_scanner();
        case ImageType::avif:
        case ImageType::heif:
            return make_isobmff_scanner();
        case ImageType::bmp:
            return make_bmp_scanner();
        case ImageType::tiff:
            return make_tiff_scanner();
        case ImageType::svg:
            return make_svg_scanner();
        case ImageType::ico:
            return make_ico_scanner();
        case ImageType::unknown:
            break;
    }
    return nullptr;
}

}  // namespace grit::media
