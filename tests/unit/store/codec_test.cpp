#include "grit/store/codec.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace grit::store {
namespace {

TEST(Codec, GivesBackWhatWasWritten) {
    const std::vector<std::uint64_t> numbers{0, 1, 127, 128, 16383, 16384, 1ULL << 32, (1ULL << 63) - 1, ~0ULL};
    const std::vector<std::int64_t> signed_numbers{0, -1, 1, -64, 64, INT64_MIN, INT64_MAX};
    Encoder encoder;
    for (const std::uint64_t n : numbers) {
        encoder.varint(n).be64(n);
    }
    for (const std::int64_t n : signed_numbers) {
        encoder.zigzag(n).be_signed(n);
    }
    encoder.u8(200).be16(0x1234).be32(0x12345678).text("").text(std::string(300, 'x')).raw("end");
    Decoder decoder(encoder.bytes());
    for (const std::uint64_t n : numbers) {
        EXPECT_EQ(decoder.varint(), n);
        EXPECT_EQ(decoder.be64(), n);
    }
    for (const std::int64_t n : signed_numbers) {
        EXPECT_EQ(decoder.zigzag(), n);
        EXPECT_EQ(decoder.be_signed(), n);
    }
    EXPECT_EQ(decoder.u8(), 200);
    EXPECT_EQ(decoder.be16(), 0x1234);
    EXPECT_EQ(decoder.be32(), 0x12345678U);
    EXPECT_EQ(decoder.text(), "");
    EXPECT_EQ(decoder.text(), std::string(300, 'x'));
    EXPECT_EQ(decoder.raw(3), "end");
    EXPECT_TRUE(decoder.finish());
}

TEST(Codec, KeyBytesSortAsTheirNumbers) {
    const std::vector<std::int64_t> ascending{INT64_MIN, -256, -1, 0, 1, 255, 256, 1LL << 40, INT64_MAX};
    for (std::size_t i = 1; i < ascending.size(); ++i) {
        EXPECT_LT(Encoder().be_signed(ascending[i - 1]).take(), Encoder().be_signed(ascending[i]).take());
    }
    EXPECT_LT(Encoder().be32(255).take(), Encoder().be32(256).take());
}

TEST(Codec, VarintBeyond64BitsIsDamage) {
    for (const std::string& bytes : {std::string(10, '\xff'), std::string(9, '\xff') + "\x02", std::string("\x80")}) {
        Decoder decoder(bytes);
        EXPECT_EQ(decoder.varint(), 0U);
        EXPECT_FALSE(decoder.ok());
    }
}

TEST(Codec, DamageSticksAndReadsNothingMore) {
    Decoder decoder(
        "\x05"
        "ab");
    EXPECT_EQ(decoder.text(), "");
    EXPECT_EQ(decoder.u8(), 0);
    EXPECT_EQ(decoder.raw(1), "");
    EXPECT_EQ(decoder.finish().error(), Errc::corrupt);
}

TEST(Codec, CountThatTheRestCanNotHoldIsDamage) {
    const std::string bytes = Encoder().varint(1ULL << 60).take();
    Decoder decoder(bytes);
    EXPECT_EQ(decoder.count(1), 0U);
    EXPECT_FALSE(decoder.ok());
}

TEST(Codec, NumberThatDoesNotFitItsTypeIsDamage) {
    const std::string bytes = Encoder().varint(65536).take();
    Decoder decoder(bytes);
    EXPECT_EQ(decoder.number<std::uint16_t>(), 0);
    EXPECT_FALSE(decoder.ok());
}

TEST(Codec, NewerRowIsToldApartFromDamage) {
    EXPECT_EQ(Decoder::of_row("\x02").finish().error(), Errc::newer_row);
    EXPECT_EQ(Decoder::of_row(std::string_view("\0", 1)).finish().error(), Errc::corrupt);
    EXPECT_EQ(Decoder::of_row("").finish().error(), Errc::corrupt);
    EXPECT_TRUE(Decoder::of_row("\x01").finish());
}

}  // namespace
}  // namespace grit::store
