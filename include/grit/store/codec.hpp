// How numbers and texts become bytes: varints (LEB128, little-endian) in values, fixed big-endian in keys so that the
// byte order is the number order. Decoding takes any bytes: damage is an error, never undefined behaviour.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>

#include "grit/store/error.hpp"

namespace grit::store {

/// The first byte of each row value. A change of a row's form within one schema (env.hpp) counts it up.
inline constexpr std::uint8_t kRowVersion = 1;

/// Appends to a buffer of its own. Calls chain.
class Encoder {
  public:
    Encoder& u8(std::uint8_t value);
    Encoder& be16(std::uint16_t value);
    Encoder& be32(std::uint32_t value);
    Encoder& be64(std::uint64_t value);
    /// Big-endian with the sign bit turned, so that negative numbers sort first.
    Encoder& be_signed(std::int64_t value);
    /// 1 to 10 bytes.
    Encoder& varint(std::uint64_t value);
    /// Zigzag varint: small negative numbers stay short.
    Encoder& zigzag(std::int64_t value);
    /// Length (varint), then the bytes.
    Encoder& text(std::string_view value);
    /// The bytes alone.
    Encoder& raw(std::string_view value);
    template <std::size_t N>
    Encoder& raw(const std::array<std::byte, N>& value) {
        return raw(std::string_view(reinterpret_cast<const char*>(value.data()), N));
    }

    [[nodiscard]] const std::string& bytes() const noexcept { return bytes_; }
    [[nodiscard]] std::string take() { return std::move(bytes_); }

  private:
    std::string bytes_;
};

/// Reads what an Encoder wrote. The first damage makes it fail for good: all later reads give zero or empty, and
/// `finish` tells. So a row is read field by field and checked once.
///
/// Lifetime: returned views point into the given bytes.
class Decoder {
  public:
    explicit Decoder(std::string_view bytes) noexcept : rest_(bytes) {}
    /// Reads and checks the row version byte too.
    [[nodiscard]] static Decoder of_row(std::string_view bytes) noexcept;

    std::uint8_t u8() noexcept;
    std::uint16_t be16() noexcept;
    std::uint32_t be32() noexcept;
    std::uint64_t be64() noexcept;
    std::int64_t be_signed() noexcept;
    std::uint64_t varint() noexcept;
    std::int64_t zigzag() noexcept;
    std::string_view text() noexcept;
    std::string_view raw(std::size_t size) noexcept;
    template <std::size_t N>
    std::array<std::byte, N> array() noexcept {
        std::array<std::byte, N> value{};
        const std::string_view bytes = raw(N);
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            value[i] = static_cast<std::byte>(bytes[i]);
        }
        return value;
    }
    /// A varint that has to fit T.
    template <class T>
        requires std::is_unsigned_v<T>
    T number() noexcept {
        const std::uint64_t value = varint();
        if (value > std::numeric_limits<T>::max()) {
            fail(Errc::corrupt);
            return 0;
        }
        return static_cast<T>(value);
    }
    /// A count of things that take at least `bytes_each`: refused where the rest can not hold them, so that a damaged
    /// count never makes a huge allocation.
    [[nodiscard]] std::size_t count(std::size_t bytes_each) noexcept;

    void fail(Errc error) noexcept;
    [[nodiscard]] bool ok() const noexcept { return error_ == Errc::success; }
    [[nodiscard]] std::size_t remaining() const noexcept { return rest_.size(); }
    /// Success if everything was read well and nothing is left over. Errors: corrupt, newer_row.
    [[nodiscard]] Result<void> finish() const;

  private:
    std::uint64_t big_endian(std::size_t size) noexcept;

    std::string_view rest_;
    Errc error_ = Errc::success;
};

}  // namespace grit::store
