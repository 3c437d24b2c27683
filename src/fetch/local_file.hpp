// A piece of a local file on its way to become an image: without a copy where that can be, else read from its beginning to its end.
#pragma once

#include "grit/base/file_descriptor.hpp"
#include "grit/fetch/fetcher.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace grit::fetch {

/// Threads: one at a time; all blocks on the disk. Any file does no harm: no link is followed, no pipe waited for.
class LocalFile {
  public:
    explicit LocalFile(LocalImage source) : source_(std::move(source)) {}

    /// First of all.
    /// Errors: those of the archive; vanished also where the file is shorter than it should be, was written since it was noted,
    /// or is none.
    [[nodiscard]] Result<void> open();
    /// The whole file as a temporary that shares its bytes, from which `next` reads then: what is judged is what is stored.
    /// Nothing where it has to be copied: it is a piece of a file, on another file system, or not ours alone.
    [[nodiscard]] std::optional<archive::TempImage> share(archive::TempSource& images) const;
    /// The next bytes, at most 64 KiB, valid until the next call; empty at the end.
    /// @param shared  of `share`; none: the file's own bytes.
    /// Errors: as of `open`; vanished at the end where the file has changed meanwhile.
    [[nodiscard]] Result<std::span<const std::byte>> next(archive::TempImage* shared);

    /// After an error: is it worth waiting for?
    [[nodiscard]] Unreadable unreadable() const;
    /// After an error, in words.
    [[nodiscard]] std::string why() const;

  private:
    [[nodiscard]] Result<std::size_t> read(archive::TempImage* shared, std::span<std::byte> piece);
    [[nodiscard]] archive::Errc failed(int error);
    [[nodiscard]] bool is_as_noted();

    LocalImage source_;
    std::optional<FileDescriptor> file_;
    int error_ = 0;  // errno; 0 after an error: it is not what was noted
    struct Status {
        std::uint64_t device = 0;
        std::uint64_t size = 0;
        bool may_link = false;
    } status_;
    std::uint64_t read_ = 0;
    std::vector<std::byte> buffer_;
};

}  // namespace grit::fetch
