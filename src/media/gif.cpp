// GIF: GIF89a specification (CompuServe, 1990), appendix B.
#include "scanner.hpp"

namespace grit::media {
namespace {

// Bytes of the colour table that a packed field announces.
std::uint64_t colour_table_bytes(std::uint32_t packed) {
    return (packed & 0x80) != 0 ? std::uint64_t{3} << ((packed & 7) + 1) : 0;
}

class GifScanner final : public Scanner {
  public:
    GifScanner() : Scanner(13) {}

  protected:
    void step(Bytes seen) override {
        switch (next_) {
            case Next::screen:
                return on_screen(seen);
            case Next::block:
                return on_block(u8(seen, 0));
            case Next::label:
            case Next::code_size:
                next_ = Next::sub_block;
                return read(1);
            case Next::sub_block:
                return on_sub_block(u8(seen, 0));
            case Next::image:
                return on_image(seen);
        }
    }

  private:
    enum class Next : std::uint8_t { screen, block, label, code_size, sub_block, image };

    void on_screen(Bytes seen) {
        set_size(seen, 6);
        next_ = Next::block;
        skip(colour_table_bytes(u8(seen, 10)), 1);
    }

    // The screen's size; the first image's where the screen has none.
    void set_size(Bytes seen, std::size_t at) {
        const std::uint32_t width = le16(seen, at);
        const std::uint32_t height = le16(seen, at + 2);
        if (!dimensions() && width > 0 && height > 0) {
            set_dimensions(width, height);
        }
    }

    void on_block(std::uint32_t introducer) {
        switch (introducer) {
            case 0x21:
                next_ = Next::label;
                return read(1);
            case 0x2C:
                next_ = Next::image;
                return read(9);
            case 0x3B:
                return has_image_ ? end() : broken();
            default:
                // Stray bytes, zeros above all, do occur between blocks; decoders pass over them.
                return has_image_ || introducer == 0 ? read(1) : broken();
        }
    }

    void on_image(Bytes seen) {
        set_size(seen, 4);
        if (!dimensions()) {
            return broken();
        }
        next_ = Next::code_size;
        in_image_ = true;
        skip(colour_table_bytes(u8(seen, 8)), 1);
    }

    void on_sub_block(std::uint32_t size) {
        if (size > 0) {
            return skip(size, 1);
        }
        has_image_ = has_image_ || in_image_;
        in_image_ = false;
        next_ = Next::block;
        read(1);
    }

    Next next_ = Next::screen;
    bool in_image_ = false;
    bool has_image_ = false;
};

}  // namespace

std::unique_ptr<Scanner> make_gif_scanner() {
    return std::make_unique<GifScanner>();
}

}  // namespace grit::media
