// WebP: RFC 9649 sections 2 (container), 2.5 (lossy), 2.6 (lossless), 2.7 (extended).
#include <algorithm>

#include "scanner.hpp"

namespace grit::media {
namespace {

class WebpScanner final : public Scanner {
  public:
    WebpScanner() : Scanner(12) {}

  protected:
    void step(Bytes seen) override {
        switch (next_) {
            case Next::riff:
                return on_riff(le32(seen, 4));
            case Next::chunk:
                return on_chunk(seen);
            case Next::lossy:
                return on_lossy(seen);
            case Next::lossless:
                return on_lossless(seen);
            case Next::extended:
                return on_extended(seen);
        }
    }

  private:
    enum class Next : std::uint8_t { riff, chunk, lossy, lossless, extended };

    void on_riff(std::uint32_t size) {
        if (size < 12) {  // "WEBP" and one chunk header
            return broken();
        }
        end_ = std::uint64_t{8} + size;
        next_ = Next::chunk;
        read(8);
    }

    void on_chunk(Bytes seen) {
        const std::string_view name = text_of(seen.first(4));
        const std::uint64_t size = le32(seen, 4);
        if (size > end_ - position()) {
            return broken();
        }
        // A last chunk of odd size may come without its padding byte.
        chunk_end_ = std::min(position() + size + (size & 1), end_);
        has_image_ = has_image_ || name == "VP8 " || name == "VP8L" || name == "ANMF";
        if (dimensions()) {
            return next_chunk();
        }
        // The first chunk says which kind of file it is.
        if (name == "VP8 ") {
            return look_inside(Next::lossy, 10);
        }
        return name == "VP8L" ? look_inside(Next::lossless, 5) : look_inside(Next::extended, 10);
    }

    void look_inside(Next next, std::size_t need) {
        next_ = next;
        return chunk_end_ - position() < need ? broken() : read(need);
    }

    // RFC 6386 section 9.1: frame tag, start code, and 14 bits of each dimension.
    void on_lossy(Bytes seen) {
        const bool key_frame = (u8(seen, 0) & 1) == 0;
        if (!key_frame || le24(seen, 3) != 0x2A019D) {
            return broken();
        }
        on_dimensions(le16(seen, 6) & 0x3FFF, le16(seen, 8) & 0x3FFF);
    }

    void on_lossless(Bytes seen) {
        if (u8(seen, 0) != 0x2F) {
            return broken();
        }
        const std::uint32_t bits = le32(seen, 1);
        on_dimensions((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1);
    }

    void on_extended(Bytes seen) { on_dimensions(le24(seen, 4) + 1, le24(seen, 7) + 1); }

    void on_dimensions(std::uint32_t width, std::uint32_t height) {
        if (width == 0 || height == 0) {
            return broken();
        }
        set_dimensions(width, height);
        next_chunk();
    }

    void next_chunk() {
        if (end_ - chunk_end_ < 8) {
            return has_image_ ? end_after(end_ - position()) : broken();
        }
        next_ = Next::chunk;
        skip(chunk_end_ - position(), 8);
    }

    Next next_ = Next::riff;
    std::uint64_t end_ = 0;
    std::uint64_t chunk_end_ = 0;
    bool has_image_ = false;
};

}  // namespace

std::unique_ptr<Scanner> make_webp_scanner() {
    return std::make_unique<WebpScanner>();
}

}  // namespace grit::media
