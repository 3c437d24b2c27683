// Where images that are being fetched get their temporaries from: one root, or several volumes.
#pragma once

namespace grit::archive {

class TempImage;

/// Threads: any at once.
class TempSource {
  public:
    TempSource() = default;
    virtual ~TempSource() = default;
    TempSource(const TempSource&) = delete;
    TempSource& operator=(const TempSource&) = delete;

    /// A temporary without a file yet. Lifetime: the source must outlive it.
    [[nodiscard]] virtual TempImage create() = 0;
    /// Whether an image that met an error here would find another place now: then that error is no reason to pause.
    [[nodiscard]] virtual bool has_room_elsewhere() const = 0;
};

}  // namespace grit::archive
