// JPEG: ITU-T T.81 annex B. Segments are passed over by their length, so a thumbnail's EOI is not taken for the
// image's.
#include "scanner.hpp"

namespace grit::media {
namespace {

constexpr std::byte kMarker{0xFF};

constexpr bool is_frame_header(std::uint32_t code) {
    return code >= 0xC0 && code <= 0xCF && code != 0xC4 && code != 0xC8 && code != 0xCC;
}

class JpegScanner final : public Scanner {
  public:
    JpegScanner() : Scanner(2) {}

  protected:
    void step(Bytes seen) override {
        switch (next_) {
            case Next::start:
                return search();
            case Next::code:
                return on_code(u8(seen, 0));
            case Next::length:
                return on_length(be16(seen, 0));
            case Next::frame:
                return on_frame(seen);
        }
    }

  private:
    enum class Next : std::uint8_t { start, code, length, frame };

    // Decoders pass over stray bytes between segments, and so does this. Within a scan it is the way to its end.
    void search(std::uint64_t after = 0) {
        next_ = Next::code;
        find(kMarker, after);
    }

    void on_code(std::uint32_t code) {
        if (code == 0xFF) {  // fill byte
            return read(1);
        }
        if (code <= 0x01 || (code >= 0xD0 && code <= 0xD7)) {  // stuffed byte, TEM, RSTn: nothing follows
            return search();
        }
        if (code == 0xD9) {
            return has_scan_ ? end() : broken();
        }
        if (code == 0xD8 || (code == 0xDA && !dimensions())) {  // a second SOI; a scan of no frame
            return broken();
        }
        code_ = code;
        next_ = Next::length;
        read(2);
    }

    void on_length(std::uint32_t length) {
        const bool frame = is_frame_header(code_) && !dimensions();
        if (length < (frame ? 8U : 2U)) {
            return broken();
        }
        left_ = length - 2;
        has_scan_ = has_scan_ || code_ == 0xDA;
        if (!frame) {
            return search(left_);
        }
        next_ = Next::frame;
        read(5);
    }

    // Sample precision, lines, samples per line. A height of 0 (defined by a later DNL) is taken by no decoder in use.
    void on_frame(Bytes seen) {
        const std::uint32_t height = be16(seen, 1);
        const std::uint32_t width = be16(seen, 3);
        if (width == 0 || height == 0) {
            return broken();
        }
        set_dimensions(width, height);
        search(left_ - 5);
    }

    Next next_ = Next::start;
    std::uint32_t code_ = 0;
    std::uint32_t left_ = 0;
    bool has_scan_ = false;
};

}  // namespace

std::unique_ptr<Scanner> make_jpeg_scanner() {
    return std::make_unique<JpegScanner>();
}

}  // namespace grit::media
