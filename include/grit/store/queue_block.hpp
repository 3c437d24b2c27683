// The frontier's bulk: up to 256 (ordinal, URL) of one host in one value, and which of them are settled.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "grit/base/ids.hpp"
#include "grit/store/error.hpp"

namespace grit::store {

inline constexpr std::size_t kMaxBlockEntries = 256;
/// Bytes of a block before compression: bounds what a damaged value can make us allocate. Packers cut earlier.
inline constexpr std::size_t kMaxBlockBytes = std::size_t{64} << 20;

/// Names one block: its key, in this order.
struct QueueKey {
    RunId run = 0;
    HostId host = kNoHost;
    std::uint32_t block = 0;
    auto operator<=>(const QueueKey&) const = default;
};

struct QueueEntry {
    Ordinal ordinal = 0;
    std::string url;  ///< As written in the annotation.
    bool operator==(const QueueEntry&) const = default;
};

using QueueBlock = std::vector<QueueEntry>;

/// What a packer is given: views, so that a run of a million lines needs no million strings.
struct QueueItem {
    Ordinal ordinal = 0;
    std::string_view url;
};

/// Packs and unpacks blocks; keeps zstd's working memory between calls.
///
/// The form (before compression): count; ordinals as differences; per URL its length and a code for the beginnings
/// "http://HOST/" and "https://HOST/"; then all the text. Compressed (zstd level 1) if over 200 bytes and smaller.
/// Threads: one at a time.
class BlockCodec {
  public:
    BlockCodec();
    ~BlockCodec();
    BlockCodec(BlockCodec&&) noexcept;
    BlockCodec& operator=(BlockCodec&&) noexcept;

    /// @param host_name must be the same at unpacking: it is not in the block.
    /// @return the value. Errors: too_long (over 256 entries or `kMaxBlockBytes`), out_of_memory.
    [[nodiscard]] Result<std::string> pack(std::string_view host_name, std::span<const QueueItem> items);
    /// Errors: corrupt, newer_row, out_of_memory.
    [[nodiscard]] Result<QueueBlock> unpack(std::string_view host_name, std::string_view value);

  private:
    struct Contexts;
    [[nodiscard]] Result<std::string_view> inflate(std::string_view frame);
    std::unique_ptr<Contexts> contexts_;
    std::string buffer_;
};

/// Which entries of a block are settled or have moved on to `retries`.
class Progress {
  public:
    void set(std::size_t entry) {
        bits_[entry / 8] = static_cast<std::uint8_t>(bits_[entry / 8] | (1U << (entry % 8)));
    }
    void clear(std::size_t entry) {
        bits_[entry / 8] = static_cast<std::uint8_t>(bits_[entry / 8] & ~(1U << (entry % 8)));
    }
    [[nodiscard]] bool test(std::size_t entry) const { return (bits_[entry / 8] >> (entry % 8) & 1U) != 0; }
    /// True if the first `entries` are all set.
    [[nodiscard]] bool all(std::size_t entries) const;
    [[nodiscard]] std::size_t count() const;
    bool operator==(const Progress&) const = default;

    [[nodiscard]] std::string encode() const;
    [[nodiscard]] static Result<Progress> decode(std::string_view bytes);

  private:
    std::array<std::uint8_t, kMaxBlockEntries / 8> bits_{};
};

}  // namespace grit::store
