// TIFF 6.0 (Adobe, 1992), section 2. The parts of a TIFF may lie in any order; what can be seen in one pass decides:
// the first directory, its out-of-line values, and the strips or tiles that it names behind itself.
#include <algorithm>
#include <array>

#include "scanner.hpp"

namespace grit::media {
namespace {

struct Entry {
    std::uint32_t tag = 0;
    std::uint32_t value_bytes = 0;  // of one value
    std::uint64_t count = 0;
    std::uint64_t bytes() const { return count * value_bytes; }
};

// By type number: BYTE, ASCII, SHORT, LONG, RATIONAL, SBYTE, UNDEFINED, SSHORT, SLONG, SRATIONAL, FLOAT, DOUBLE, IFD.
constexpr std::array<std::uint8_t, 14> kTypeBytes{0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4};

class TiffScanner final : public Scanner {
  public:
    TiffScanner() : Scanner(8) {}

  protected:
    void step(Bytes seen) override {
        switch (next_) {
            case Next::header:
                return on_header(seen);
            case Next::count:
                return on_count(u16(seen, 0));
            case Next::entry:
                return on_entry(seen);
            case Next::value:
                return on_value(current_->value_bytes == 2 ? u16(seen, 0) : u32(seen, 0));
        }
    }

  private:
    enum class Next : std::uint8_t { header, count, entry, value };

    /// The offsets or the sizes of the strips.
    struct List {
        std::uint64_t at = 0;  // where its values are, if not in the directory
        std::uint64_t left = 0;
        std::uint32_t value_bytes = 0;
        std::uint64_t largest = 0;
        std::uint64_t last = 0;
        void add(std::uint64_t value) {
            largest = std::max(largest, value);
            last = value;
        }
    };

    std::uint32_t u16(Bytes bytes, std::size_t at) const { return big_endian_ ? be16(bytes, at) : le16(bytes, at); }
    std::uint32_t u32(Bytes bytes, std::size_t at) const { return big_endian_ ? be32(bytes, at) : le32(bytes, at); }

    void on_header(Bytes seen) {
        big_endian_ = u8(seen, 0) == 'M';
        const std::uint32_t directory = u32(seen, 4);
        if (directory < 8) {
            return broken();
        }
        next_ = Next::count;
        skip(directory - 8, 2);
    }

    void on_count(std::uint32_t count) {
        entries_left_ = count;
        next_ = Next::entry;
        return count == 0 ? broken() : read(12);
    }

    void on_entry(Bytes seen) {
        const std::uint32_t type = u16(seen, 2);
        const Entry entry{u16(seen, 0), type < kTypeBytes.size() ? kTypeBytes[type] : 0U, u32(seen, 4)};
        if (entry.bytes() > 4) {
            needed_ = std::max(needed_, u32(seen, 8) + entry.bytes());
        }
        take(entry, seen);
        --entries_left_;
        if (entries_left_ > 0) {
            return read(12);
        }
        if (width_ == 0 || height_ == 0) {
            return broken();
        }
        set_dimensions(width_, height_);
        needed_ = std::max(needed_, position() + 4);  // the offset of the next directory
        next_list();
    }

    void take(const Entry& entry, Bytes seen) {
        switch (entry.tag) {
            case 256:
                width_ = first_value(entry, seen);
                break;
            case 257:
                height_ = first_value(entry, seen);
                break;
            case 273:  // StripOffsets
            case 324:  // TileOffsets
                return take_list(offsets_, entry, seen);
            case 279:  // StripByteCounts
            case 325:  // TileByteCounts
                return take_list(sizes_, entry, seen);
            default:
                break;
        }
    }

    std::uint32_t first_value(const Entry& entry, Bytes seen) const {
        return entry.value_bytes == 2 ? u16(seen, 8) : entry.value_bytes == 4 ? u32(seen, 8) : 0;
    }

    void take_list(List& list, const Entry& entry, Bytes seen) {
        list = {};
        if (entry.value_bytes != 2 && entry.value_bytes != 4) {
            return;
        }
        if (entry.bytes() > 4) {
            list.at = u32(seen, 8);
            list.left = entry.count;
            list.value_bytes = entry.value_bytes;
            return;
        }
        for (std::size_t i = 0; i < entry.count; ++i) {
            list.add(entry.value_bytes == 2 ? u16(seen, 8 + 2 * i) : u32(seen, 8));
        }
    }

    // Reads the lists that are still ahead, the nearer one first; one that has gone by is done without.
    void next_list() {
        current_ = nullptr;
        for (List* list : {&offsets_, &sizes_}) {
            const bool ahead = list->left > 0 && list->at >= position();
            if (ahead && (current_ == nullptr || list->at < current_->at)) {
                current_ = list;
            }
        }
        if (current_ == nullptr) {
            return finish();
        }
        next_ = Next::value;
        skip(current_->at - position(), current_->value_bytes);
    }

    void on_value(std::uint32_t value) {
        current_->add(value);
        --current_->left;
        if (current_->left > 0) {
            return read(current_->value_bytes);
        }
        next_list();
    }

    void finish() {
        // Strips lie in order but for odd files; then the size of the one that lies last is not known.
        const std::uint64_t size = offsets_.last == offsets_.largest ? sizes_.last : 1;
        needed_ = std::max(needed_, offsets_.largest + size);
        end_after(needed_ > position() ? needed_ - position() : 0);
    }

    Next next_ = Next::header;
    bool big_endian_ = false;
    std::uint32_t entries_left_ = 0;
    std::uint32_t width_ = 0;
    std::uint32_t height_ = 0;
    std::uint64_t needed_ = 0;
    List offsets_;
    List sizes_;
    List* current_ = nullptr;
};

}  // namespace

std::unique_ptr<Scanner> make_tiff_scanner() {
    return std::make_unique<TiffScanner>();
}

}  // namespace grit::media
