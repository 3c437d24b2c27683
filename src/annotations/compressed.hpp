// Sources that decompress another source.
#pragma once

#include <memory>
#include <string_view>

#include "grit/annotations/byte_source.hpp"

namespace grit::annotations {

enum class Compression { none, gzip, zstd };

/// How many bytes `compression_of` wants to see.
inline constexpr std::size_t kMagicBytes = 4;

/// What the first bytes say. Fewer than four bytes are neither: no gzip member or zstd frame is that short.
[[nodiscard]] Compression compression_of(std::string_view first_bytes);

[[nodiscard]] std::unique_ptr<ByteSource> make_gzip_source(std::unique_ptr<ByteSource> raw);
[[nodiscard]] std::unique_ptr<ByteSource> make_zstd_source(std::unique_ptr<ByteSource> raw);

/// The source that fits; `raw` itself for none.
[[nodiscard]] std::unique_ptr<ByteSource> decompressing(Compression compression, std::unique_ptr<ByteSource> raw);

}  // namespace grit::annotations
