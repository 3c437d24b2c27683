// SHA-256 of a body as it streams by.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace grit::media {

using Sha256 = std::array<std::byte, 32>;

/// Threads: one at a time.
class Digest {
  public:
    /// Throws std::bad_alloc, and std::runtime_error where OpenSSL has no SHA-256 (a broken installation).
    Digest();
    ~Digest();
    Digest(Digest&&) noexcept;
    Digest& operator=(Digest&&) noexcept;

    void update(std::span<const std::byte> bytes);
    /// The digest of all bytes since the last `finish`, or since the beginning. Starts over.
    [[nodiscard]] Sha256 finish();

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

/// 64 lower-case hexadecimal digits.
[[nodiscard]] std::string hex(const Sha256& digest);
/// The other way round; nothing if it is anything else.
[[nodiscard]] std::optional<Sha256> parse_sha256(std::string_view hex);

}  // namespace grit::media
