// Where images that are being fetched get their temporaries from: one root, or several volumes.
#pragma once

#include <cstdint>
#include <optional>

namespace grit::archive {

class TempImage;

/// A file of this machine that is to become an image, as it is.
struct LocalSource {
    int descriptor = -1;       ///< Open for reading; a regular file.
    std::uint64_t device = 0;  ///< Its file system: st_dev.
    std::uint64_t size = 0;    ///< Bytes.
    bool may_link = false;     ///< Its own inode may become the image's: whoever writes to it later, writes to the image.
};

/// Threads: any at once.
class TempSource {
  public:
    TempSource() = default;
    virtual ~TempSource() = default;
    TempSource(const TempSource&) = delete;
    TempSource& operator=(const TempSource&) = delete;

    /// A temporary without a file yet. Lifetime: the source must outlive it.
    [[nodiscard]] virtual TempImage create() = 0;
    /// A temporary that has all bytes of that file without a copy, closed and readable: it shares the file's blocks until one of
    /// both is written, or else, if it may, is another name of the file. Nothing where neither can be, or the layout copies all images into shards: it
    /// has to be copied then.
    /// Lifetime: as of `create`.
    [[nodiscard]] virtual std::optional<TempImage> share(const LocalSource& source) = 0;
    /// Whether an image that met an error here would find another place now: then that error is no reason to pause.
    [[nodiscard]] virtual bool has_room_elsewhere() const = 0;
};

}  // namespace grit::archive
