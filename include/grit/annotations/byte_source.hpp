// Where annotations come from: a file, a compressed file or a pipe, as one stream of bytes. Nothing here knows lines.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "grit/base/result.hpp"

namespace grit::annotations {

/// A stream of bytes, read once from front to back. All offsets are counted after decompression.
///
/// Memory is bounded whatever the input: 256 KiB of compressed bytes, and for zstd the window of the frame (at most
/// 128 MiB; a file made with a larger `--long` is a Problem that says so).
/// Threads: one at a time.
class ByteSource {
  public:
    /// How far the stored bytes have been read: before decompression, so it is a measure of progress for any source.
    struct Progress {
        std::uint64_t read = 0;
        std::optional<std::uint64_t> of;  ///< Size of the file; nothing for a pipe.
    };

    virtual ~ByteSource() = default;
    ByteSource(const ByteSource&) = delete;
    ByteSource& operator=(const ByteSource&) = delete;

    /// Opens a file, or standard input for "-".
    ///
    /// A name that ends in `.gz` or `.zst` has to hold such data; anything else is looked at: gzip and zstd are known
    /// by their first four bytes, whatever the name, so that a compressed pipe works too. Blocks on nothing but
    /// open(2). Errors: cannot be opened, is a folder, is not what its name says.
    /// @param on_idle  asked by `read`, on its thread, twice a second while a pipe has nothing to give: false ends the
    ///                 read with a Problem.
    [[nodiscard]] static Checked<std::unique_ptr<ByteSource>> open(const std::string& path,
                                                                   std::function<bool()> on_idle = nullptr);

    /// What `raw` holds, decompressed if it begins like gzip (RFC 1952, any number of members) or zstd (RFC 8878, any
    /// number of frames), else as it is. Reads nothing yet.
    [[nodiscard]] static std::unique_ptr<ByteSource> decoding(std::unique_ptr<ByteSource> raw);

    /// Reads at least one byte, at most `into.size()` (> 0).
    /// @return the count; 0 at the end. A file that has grown since gives more when asked again.
    /// Errors: the read failed; compressed data is damaged or ends too early. The text names the source, the reason and
    ///         the offset reached, which is what has been returned before: the decompressor may have kept some good
    ///         bytes just in front of the damage to itself.
    [[nodiscard]] virtual Checked<std::size_t> read(std::span<char> into) = 0;

    /// Passes over bytes: a seek in a plain file, else reading them.
    /// Errors: as for `read`, and the source ends before.
    [[nodiscard]] virtual Checked<void> skip(std::uint64_t bytes);

    /// Bytes of the whole source if that is known without reading it: of a plain file, as of now.
    [[nodiscard]] virtual std::optional<std::uint64_t> size_bytes() const { return std::nullopt; }
    [[nodiscard]] virtual Progress progress() const = 0;
    /// The path, or "standard input": for messages.
    [[nodiscard]] virtual const std::string& name() const = 0;

  protected:
    ByteSource() = default;
};

}  // namespace grit::annotations
