#include "grit/store/codec.hpp"

namespace grit::store {
namespace {

constexpr std::uint64_t kSignBit = std::uint64_t{1} << 63;

void append_big_endian(std::string& out, std::uint64_t value, int bytes) {
    for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) {
        out.push_back(static_cast<char>(value >> shift & 0xff));
    }
}

}  // namespace

Encoder& Encoder::u8(std::uint8_t value) {
    bytes_.push_back(static_cast<char>(value));
    return *this;
}

Encoder& Encoder::be16(std::uint16_t value) {
    append_big_endian(bytes_, value, 2);
    return *this;
}

Encoder& Encoder::be32(std::uint32_t value) {
    append_big_endian(bytes_, value, 4);
    return *this;
}

Encoder& Encoder::be64(std::uint64_t value) {
    append_big_endian(bytes_, value, 8);
    return *this;
}

Encoder& Encoder::be_signed(std::int64_t value) {
    return be64(static_cast<std::uint64_t>(value) ^ kSignBit);
}

Encoder& Encoder::varint(std::uint64_t value) {
    while (value >= 0x80) {
        bytes_.push_back(static_cast<char>(value | 0x80));
        value >>= 7;
    }
    bytes_.push_back(static_cast<char>(value));
    return *this;
}

Encoder& Encoder::zigzag(std::int64_t value) {
    const auto bits = static_cast<std::uint64_t>(value);
    return varint(bits << 1 ^ (value < 0 ? ~std::uint64_t{0} : 0));
}

Encoder& Encoder::text(std::string_view value) {
    return varint(value.size()).raw(value);
}

Encoder& Encoder::raw(std::string_view value) {
    bytes_.append(value);
    return *this;
}

Decoder Decoder::of_row(std::string_view bytes) noexcept {
    Decoder decoder(bytes);
    const std::uint8_t version = decoder.u8();
    if (decoder.ok() && version != kRowVersion) {
        decoder.fail(version > kRowVersion ? Errc::newer_row : Errc::corrupt);
    }
    return decoder;
}

void Decoder::fail(Errc error) noexcept {
    if (error_ == Errc::success) {
        error_ = error;
    }
    rest_ = {};
}

std::uint64_t Decoder::big_endian(std::size_t size) noexcept {
    std::uint64_t value = 0;
    for (const char c : raw(size)) {
        value = value << 8 | static_cast<std::uint8_t>(c);
    }
    return value;
}

std::uint8_t Decoder::u8() noexcept {
    return static_cast<std::uint8_t>(big_endian(1));
}
std::uint16_t Decoder::be16() noexcept {
    return static_cast<std::uint16_t>(big_endian(2));
}
std::uint32_t Decoder::be32() noexcept {
    return static_cast<std::uint32_t>(big_endian(4));
}
std::uint64_t Decoder::be64() noexcept {
    return big_endian(8);
}

std::int64_t Decoder::be_signed() noexcept {
    const std::uint64_t bits = be64();
    return ok() ? static_cast<std::int64_t>(bits ^ kSignBit) : 0;
}

std::uint64_t Decoder::varint() noexcept {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (rest_.empty()) {
            break;
        }
        const auto byte = static_cast<std::uint8_t>(rest_.front());
        rest_.remove_prefix(1);
        if (shift == 63 && byte > 1) {
            break;
        }
        value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            return value;
        }
    }
    fail(Errc::corrupt);
    return 0;
}

std::int64_t Decoder::zigzag() noexcept {
    const std::uint64_t bits = varint();
    return static_cast<std::int64_t>(bits >> 1 ^ ((bits & 1) != 0 ? ~std::uint64_t{0} : 0));
}

std::string_view Decoder::text() noexcept {
    const std::uint64_t size = varint();
    if (size > rest_.size()) {
        fail(Errc::corrupt);
        return {};
    }
    return raw(static_cast<std::size_t>(size));
}

std::string_view Decoder::raw(std::size_t size) noexcept {
    if (size > rest_.size()) {
        fail(Errc::corrupt);
        return {};
    }
    const std::string_view bytes = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return bytes;
}

std::size_t Decoder::count(std::size_t bytes_each) noexcept {
    const std::uint64_t value = varint();
    if (value > rest_.size() / bytes_each) {
        fail(Errc::corrupt);
        return 0;
    }
    return static_cast<std::size_t>(value);
}

Result<void> Decoder::finish() const {
    if (!ok()) {
        return error_;
    }
    if (!rest_.empty()) {
        return Errc::corrupt;
    }
    return {};
}

}  // namespace grit::store
