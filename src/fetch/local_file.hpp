// A piece of a local file, read from its beginning to its end.
#pragma once

#include "grit/fetch/fetcher.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace grit::fetch {

/// Threads: one at a time; `next` blocks on the disk.
class LocalFile {
  public:
    explicit LocalFile(LocalImage source) : source_(std::move(source)) {}
    ~LocalFile();
    LocalFile(const LocalFile&) = delete;
    LocalFile& operator=(const LocalFile&) = delete;

    /// The next bytes, at most 64 KiB, valid until the next call; empty at the end.
    /// Errors: those of the archive; vanished also where the file is shorter than it should be, was written since it was noted,
    /// or is none.
    [[nodiscard]] Result<std::span<const std::byte>> next();

  private:
    [[nodiscard]] Result<void> open();

    LocalImage source_;
    int descriptor_ = -1;
    std::uint64_t read_ = 0;
    std::vector<std::byte> buffer_;
};

}  // namespace grit::fetch
