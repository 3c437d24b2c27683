// Numbers out of bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace grit::media {

using Bytes = std::span<const std::byte>;

inline std::uint32_t u8(Bytes bytes, std::size_t at) {
    return std::to_integer<std::uint32_t>(bytes[at]);
}
inline std::uint32_t be16(Bytes bytes, std::size_t at) {
    return u8(bytes, at) << 8 | u8(bytes, at + 1);
}
inline std::uint32_t be32(Bytes bytes, std::size_t at) {
    return be16(bytes, at) << 16 | be16(bytes, at + 2);
}
inline std::uint32_t le16(Bytes bytes, std::size_t at) {
    return u8(bytes, at) | u8(bytes, at + 1) << 8;
}
inline std::uint32_t le24(Bytes bytes, std::size_t at) {
    return le16(bytes, at) | u8(bytes, at + 2) << 16;
}
inline std::uint32_t le32(Bytes bytes, std::size_t at) {
    return le16(bytes, at) | le16(bytes, at + 2) << 16;
}
inline std::uint64_t be64(Bytes bytes, std::size_t at) {
    return std::uint64_t{be32(bytes, at)} << 32 | be32(bytes, at + 4);
}

inline std::string_view text_of(Bytes bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace grit::media
