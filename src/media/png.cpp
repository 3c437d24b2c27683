// PNG: W3C Portable Network Graphics specification (third edition), sections 5 and 11. Checksums of critical chunks are
// verified, as decoders do.
#include <zlib.h>

#include <algorithm>

#include "scanner.hpp"

namespace grit::media {
namespace {

constexpr std::size_t kSignatureBytes = 8;
constexpr std::uint32_t kMaxLength = 0x7FFFFFFF;

bool is_letter(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

// Table 11.1: which depths go with which colour type.
bool depth_fits(std::uint32_t depth, std::uint32_t colour) {
    const bool power = depth == 1 || depth == 2 || depth == 4 || depth == 8 || depth == 16;
    switch (colour) {
        case 0:
            return power;
        case 3:
            return power && depth <= 8;
        case 2:
        case 4:
        case 6:
            return depth == 8 || depth == 16;
        default:
            return false;
    }
}

class PngScanner final : public Scanner {
  public:
    PngScanner() : Scanner(kSignatureBytes) {}

  protected:
    void step(Bytes seen) override {
        switch (next_) {
            case Next::signature:
                return next_chunk();
            case Next::chunk:
                return on_chunk(seen);
            case Next::header:
                return on_header(seen);
            case Next::checksum:
                return on_checksum(be32(seen, 0));
        }
    }

    void passed(Bytes bytes) override {
        if (summing_) {
            add(bytes);
        }
    }

  private:
    enum class Next : std::uint8_t { signature, chunk, header, checksum };
    enum class Chunk : std::uint8_t { ihdr, plte, idat, iend };

    void next_chunk() {
        summing_ = false;
        next_ = Next::chunk;
        read(8);
    }

    void add(Bytes bytes) { sum_ = crc32_z(sum_, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()); }

    void on_chunk(Bytes seen) {
        const std::uint32_t length = be32(seen, 0);
        const std::string_view name = text_of(seen.subspan(4));
        const bool named = std::all_of(name.begin(), name.end(), is_letter);
        if (length > kMaxLength || !named || (name == "IHDR") == dimensions().has_value()) {
            return broken();  // IHDR comes first and once
        }
        if (name.front() >= 'a') {  // ancillary: damage there does not touch the picture
            return skip(std::uint64_t{length} + 4, 8);
        }
        sum_ = crc32_z(0, nullptr, 0);
        add(seen.subspan(4));
        if (name == "IHDR") {
            chunk_ = Chunk::ihdr;
            next_ = Next::header;
            return length == 13 ? read(13) : broken();
        }
        if (name == "IEND") {
            chunk_ = Chunk::iend;
            return length == 0 && has_data_ ? expect_checksum(0) : broken();
        }
        if (name != "IDAT" && name != "PLTE") {
            return broken();  // section 5.4: an unknown critical chunk can not be decoded
        }
        chunk_ = name == "IDAT" ? Chunk::idat : Chunk::plte;
        has_data_ = has_data_ || chunk_ == Chunk::idat;
        summing_ = true;
        expect_checksum(length);
    }

    void expect_checksum(std::uint64_t after) {
        next_ = Next::checksum;
        skip(after, 4);
    }

    void on_header(Bytes seen) {
        const std::uint32_t width = be32(seen, 0);
        const std::uint32_t height = be32(seen, 4);
        if (width == 0 || width > kMaxLength || height == 0 || height > kMaxLength ||
            !depth_fits(u8(seen, 8), u8(seen, 9)) || u8(seen, 10) != 0 || u8(seen, 11) != 0 || u8(seen, 12) > 1) {
            return broken();
        }
        add(seen);
        size_ = {width, height};
        expect_checksum(0);
    }

    void on_checksum(std::uint32_t stored) {
        if (stored != sum_) {
            return broken();
        }
        if (chunk_ == Chunk::iend) {
            return end();
        }
        if (chunk_ == Chunk::ihdr) {
            set_dimensions(size_.width, size_.height);
        }
        next_chunk();
    }

    Next next_ = Next::signature;
    Chunk chunk_ = Chunk::ihdr;
    Dimensions size_;
    bool summing_ = false;
    bool has_data_ = false;
    unsigned long sum_ = 0;
};

}  // namespace

std::unique_ptr<Scanner> make_png_scanner() {
    return std::make_unique<PngScanner>();
}

}  // namespace grit::media
