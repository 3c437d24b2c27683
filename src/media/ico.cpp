// ICO: ICONDIR and ICONDIRENTRY (Microsoft, "Icons in Win32"). The pictures are BMP or PNG and are not looked into.
#include <algorithm>

#include "scanner.hpp"

namespace grit::media {
namespace {

class IcoScanner final : public Scanner {
  public:
    IcoScanner() : Scanner(6) {}

  protected:
    void step(Bytes seen) override {
        if (entries_left_ == 0) {
            entries_left_ = le16(seen, 4);
            first_picture_ = 6 + std::uint64_t{16} * entries_left_;
            return entries_left_ == 0 ? broken() : read(16);
        }
        on_entry(seen);
    }

  private:
    void on_entry(Bytes seen) {
        const std::uint32_t width = side(u8(seen, 0));
        const std::uint32_t height = side(u8(seen, 1));
        const std::uint64_t size = le32(seen, 8);
        const std::uint64_t offset = le32(seen, 12);
        if (size == 0 || offset < first_picture_) {
            return broken();
        }
        if (width * height > largest_area_) {
            largest_area_ = width * height;
            set_dimensions(width, height);
        }
        needed_ = std::max(needed_, offset + size);
        --entries_left_;
        if (entries_left_ > 0) {
            return read(16);
        }
        end_after(needed_ - position());
    }

    static std::uint32_t side(std::uint32_t stored) { return stored == 0 ? 256 : stored; }

    std::uint32_t entries_left_ = 0;
    std::uint64_t first_picture_ = 0;
    std::uint64_t needed_ = 0;
    std::uint32_t largest_area_ = 0;
};

}  // namespace

std::unique_ptr<Scanner> make_ico_scanner() {
    return std::make_unique<IcoScanner>();
}

}  // namespace grit::media
