// BMP: BITMAPFILEHEADER and the BITMAPxHEADER family (Microsoft, "Bitmap Storage"), and OS/2's variants.
#include <cstdlib>

#include "scanner.hpp"

namespace grit::media {
namespace {

constexpr std::uint64_t kBeyondAnyFile = std::uint64_t{1} << 62;

class BmpScanner final : public Scanner {
  public:
    BmpScanner() : Scanner(18) {}

  protected:
    void step(Bytes seen) override {
        if (header_bytes_ == 0) {
            return on_file_header(seen);
        }
        if (header_bytes_ == 12) {
            return on_bitmap(le16(seen, 0), le16(seen, 2), le16(seen, 6), 0, 0);
        }
        // OS/2 2.x headers may stop behind the depth.
        const bool is_short = header_bytes_ == 16;
        on_bitmap(static_cast<std::int32_t>(le32(seen, 0)), static_cast<std::int32_t>(le32(seen, 4)), le16(seen, 10),
                  is_short ? 0 : le32(seen, 12), is_short ? 0 : le32(seen, 16));
    }

  private:
    void on_file_header(Bytes seen) {
        file_bytes_ = le32(seen, 2);
        pixels_at_ = le32(seen, 10);
        header_bytes_ = le32(seen, 14);
        if (pixels_at_ < 14 + header_bytes_) {
            return broken();
        }
        read(header_bytes_ == 12 ? 8 : header_bytes_ == 16 ? 12 : 36);
    }

    // A negative height means rows from top to bottom.
    void on_bitmap(std::int64_t width, std::int64_t height, std::uint32_t depth, std::uint32_t compression,
                   std::uint32_t image_bytes) {
        if (width <= 0 || height == 0 || depth > 32) {
            return broken();
        }
        const auto rows = static_cast<std::uint64_t>(std::abs(height));
        set_dimensions(static_cast<std::uint32_t>(width), static_cast<std::uint32_t>(rows));
        const bool plain = compression == 0 || compression == 3 || compression == 6;  // RGB, BITFIELDS, ALPHABITFIELDS
        std::uint64_t needed = image_bytes > 0 ? pixels_at_ + image_bytes : file_bytes_;
        if (plain) {
            // The size fields of plain bitmaps are often 0 or wrong; the pixels are not: rows of whole 32-bit words.
            const std::uint64_t row_bytes = (static_cast<std::uint64_t>(width) * depth + 31) / 32 * 4;
            needed = row_bytes > kBeyondAnyFile / rows ? kBeyondAnyFile : pixels_at_ + row_bytes * rows;
        }
        end_after(needed > position() ? needed - position() : 0);
    }

    std::uint32_t header_bytes_ = 0;
    std::uint64_t pixels_at_ = 0;
    std::uint64_t file_bytes_ = 0;
};

}  // namespace

std::unique_ptr<Scanner> make_bmp_scanner() {
    return std::make_unique<BmpScanner>();
}

}  // namespace grit::media
