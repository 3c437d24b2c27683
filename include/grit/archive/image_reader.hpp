// An image's bytes, for those who check them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "grit/archive/layout.hpp"

namespace grit::archive {

/// Reads one image from its first byte to its last, wherever it lies (`Layout::find`).
///
/// Threads: one at a time; blocks on the disk.
class ImageReader {
  public:
    /// Errors: vanished, io, out_of_descriptors, read_only (no permission).
    [[nodiscard]] static Result<ImageReader> open(const Extent& extent);
    ~ImageReader();
    ImageReader(ImageReader&& other) noexcept;
    ImageReader& operator=(ImageReader&& other) noexcept;
    ImageReader(const ImageReader&) = delete;
    ImageReader& operator=(const ImageReader&) = delete;

    /// @return how many bytes were read; 0 only at the image's end.
    /// Errors: io, also where the file ends before the image does.
    [[nodiscard]] Result<std::size_t> read(std::span<std::byte> bytes);

    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

  private:
    ImageReader(int descriptor, std::uint64_t offset, std::uint64_t size) noexcept
        : descriptor_(descriptor), offset_(offset), left_(size), size_(size) {}

    int descriptor_;
    std::uint64_t offset_;
    std::uint64_t left_;
    std::uint64_t size_;
};

}  // namespace grit::archive
