// AVIF and HEIF: boxes of ISO/IEC 14496-12; items, their sizes (ispe) and places (iloc) of ISO/IEC 23008-12 and
// 14496-12 section 8.11. There is no end mark: the file is whole once it reaches the last place that an item has bytes.
#include <algorithm>
#include <array>

#include "scanner.hpp"

namespace grit::media {
namespace {

constexpr std::uint64_t kBeyondAnyFile = std::uint64_t{1} << 62;

// Big-endian number of 0, 4 or 8 bytes.
std::uint64_t number(Bytes bytes, std::size_t at, std::size_t size) {
    return size == 8 ? be64(bytes, at) : size == 4 ? be32(bytes, at) : 0;
}

std::uint64_t sum(std::uint64_t a, std::uint64_t b) {
    return std::min(std::min(a, kBeyondAnyFile) + std::min(b, kBeyondAnyFile), kBeyondAnyFile);
}

class IsobmffScanner final : public Scanner {
  public:
    IsobmffScanner() : Scanner(8) {}

  protected:
    void step(Bytes seen) override {
        switch (next_) {
            case Next::box:
                return on_box(be32(seen, 0), seen.subspan(4));
            case Next::large_size:
                return on_size(be64(seen, 0), 16);
            case Next::children:
                return next_box();
            case Next::picture_size:
                return on_picture_size(be32(seen, 4), be32(seen, 8));
            case Next::locations:
                return on_locations(seen);
            case Next::item_count:
                return on_item_count(seen.size() == 2 ? be16(seen, 0) : be32(seen, 0));
            case Next::item:
                return on_item(seen);
            case Next::extent:
                return on_extent(seen);
        }
    }

    [[nodiscard]] bool whole_at(std::uint64_t total) const override {
        const bool seen_all_boxes = total >= boxes_end_;
        if (items_end_ > 0 && !has_movie_) {
            return total >= std::max(items_end_, meta_end_);
        }
        return seen_all_boxes && has_data_ && (meta_end_ > 0 || has_movie_);
    }

  private:
    enum class Next : std::uint8_t { box, large_size, children, picture_size, locations, item_count, item, extent };

    // Containers are entered by not passing over them: their children follow like boxes of their own.
    void next_box() {
        next_ = Next::box;
        read(8);
    }

    void leave_box() {
        if (position() > box_end_) {
            return broken();
        }
        next_ = Next::box;
        skip(box_end_ - position(), 8);
    }

    void on_box(std::uint32_t size, Bytes name) {
        std::copy(name.begin(), name.end(), name_.begin());
        if (size == 1) {
            next_ = Next::large_size;
            return read(8);
        }
        on_size(size == 0 ? kBeyondAnyFile : size, 8);  // 0: up to the end of the file
    }

    void on_size(std::uint64_t size, std::uint64_t header_bytes) {
        if (size < header_bytes || size > kBeyondAnyFile) {
            return broken();
        }
        box_end_ = sum(position() - header_bytes, size);
        if (size != kBeyondAnyFile) {
            boxes_end_ = std::max(boxes_end_, box_end_);
        }
        enter_box(text_of(name_));
    }

    void enter_box(std::string_view name) {
        if (name == "meta") {
            meta_end_ = std::max(meta_end_, box_end_);
            next_ = Next::children;
            return read(4);  // version and flags
        }
        if (name == "iprp" || name == "ipco") {
            return next_box();
        }
        if (name == "ispe") {
            next_ = Next::picture_size;
            return read(12);
        }
        if (name == "iloc") {
            next_ = Next::locations;
            return read(6);
        }
        has_data_ = has_data_ || name == "mdat" || name == "idat";
        has_movie_ = has_movie_ || name == "moov";
        leave_box();
    }

    // A grid's tiles and a thumbnail have sizes of their own: the picture is the largest.
    void on_picture_size(std::uint32_t width, std::uint32_t height) {
        const auto area = std::uint64_t{width} * height;
        if (area > largest_area_) {
            largest_area_ = area;
            set_dimensions(width, height);
        }
        leave_box();
    }

    void on_locations(Bytes seen) {
        version_ = u8(seen, 0);
        offset_size_ = u8(seen, 4) >> 4;
        length_size_ = u8(seen, 4) & 15;
        base_size_ = u8(seen, 5) >> 4;
        index_size_ = version_ > 0 ? u8(seen, 5) & 15 : 0;
        for (const std::size_t size : {offset_size_, length_size_, base_size_, index_size_}) {
            if (size != 0 && size != 4 && size != 8) {
                return broken();
            }
        }
        next_ = Next::item_count;
        return version_ > 2 ? leave_box() : read(version_ < 2 ? 2 : 4);
    }

    void on_item_count(std::uint32_t count) {
        items_left_ = count;
        next_item();
    }

    // Item id, construction method (from version 1), data reference, base offset, extent count.
    void next_item() {
        if (items_left_ == 0) {
            return leave_box();
        }
        --items_left_;
        next_ = Next::item;
        read(item_head_bytes() + base_size_ + 2);
    }

    [[nodiscard]] std::size_t item_head_bytes() const {
        return (version_ < 2 ? 2U : 4U) + (version_ > 0 ? 2U : 0U) + 2U;
    }

    void on_item(Bytes seen) {
        const std::size_t head = item_head_bytes();
        in_file_ = version_ == 0 || (be16(seen, head - 4) & 15) == 0;
        base_ = number(seen, head, base_size_);
        extents_left_ = be16(seen, head + base_size_);
        next_extent();
    }

    void next_extent() {
        const std::size_t bytes = index_size_ + offset_size_ + length_size_;
        if (extents_left_ == 0 || bytes == 0) {
            return next_item();
        }
        --extents_left_;
        next_ = Next::extent;
        read(bytes);
    }

    void on_extent(Bytes seen) {
        if (in_file_) {
            const std::uint64_t offset = number(seen, index_size_, offset_size_);
            const std::uint64_t length = number(seen, index_size_ + offset_size_, length_size_);
            items_end_ = std::max(items_end_, sum(sum(base_, offset), length));
        }
        next_extent();
    }

    Next next_ = Next::box;
    std::array<std::byte, 4> name_{};
    std::uint64_t box_end_ = 0;
    std::uint64_t boxes_end_ = 0;  // of all boxes that say where they end
    std::uint64_t meta_end_ = 0;
    std::uint64_t items_end_ = 0;  // of the items' bytes in the file
    bool has_data_ = false;
    bool has_movie_ = false;
    std::uint64_t largest_area_ = 0;

    std::uint32_t version_ = 0;
    std::size_t offset_size_ = 0;
    std::size_t length_size_ = 0;
    std::size_t base_size_ = 0;
    std::size_t index_size_ = 0;
    std::uint32_t items_left_ = 0;
    std::uint32_t extents_left_ = 0;
    std::uint64_t base_ = 0;
    bool in_file_ = true;
};

}  // namespace

std::unique_ptr<Scanner> make_isobmff_scanner() {
    return std::make_unique<IsobmffScanner>();
}

}  // namespace grit::media
