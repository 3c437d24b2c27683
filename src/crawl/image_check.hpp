// Whether the file of an image is what its record says. Private to the module.
#pragma once

#include "grit/archive/layout.hpp"
#include "grit/media/digest.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace grit::crawl {

/// What may be wrong with an image on disk.
enum class ImageFault : std::uint8_t {
    none,
    missing,       ///< There is none at its location.
    wrong_size,
    wrong_digest,  ///< As long as it was, and of other bytes.
    wrong_header,  ///< In a shard, whose readers do not come by it: a header of its sample is damaged.
    unreadable,    ///< The system gave an error instead of bytes.
};

/// "missing", "wrong_size", ...: static storage.
[[nodiscard]] std::string_view name_of(ImageFault fault) noexcept;

/// What a record says of its image.
struct WantedImage {
    std::string path;  ///< Its location, as the record has it.
    std::uint64_t size = 0;
    media::Sha256 sha256{};
};

/// What was found.
struct ImageLook {
    ImageFault fault = ImageFault::none;
    std::uint64_t bytes_read = 0;
    std::uint64_t found_size = 0;    ///< Where there is one.
    media::Sha256 found_sha256{};    ///< Where it was read to its end.
    int error = 0;                   ///< errno, where it is unreadable.
    bool cut_off = false;            ///< Stopped before the end: nothing is known.
};

/// Reads images where their layout finds them. A handful is asked for ahead, so that a disk has its next work while a digest is made;
/// what was not in the page cache before is let go of again, since the crawl has better use for it.
///
/// Threads: one at a time; calls block on the disk.
class ImageChecker {
  public:
    explicit ImageChecker(const archive::Layout& layout);
    ~ImageChecker();
    ImageChecker(const ImageChecker&) = delete;
    ImageChecker& operator=(const ImageChecker&) = delete;

    /// Looks at all of `images` in their order, which should be that of their paths.
    /// @param visit  called with the index of each and what was found. False ends the walk.
    /// @param stop   looked at between pieces of a file.
    template <class Visit>
    void check(std::span<const WantedImage> images, const std::atomic<bool>& stop, const Visit& visit) {
        begin(images);
        for (std::size_t i = 0; i < images.size() && !stop; ++i) {
            const ImageLook look = next(stop);
            if (look.cut_off || !visit(i, look)) {
                break;
            }
        }
        end();
    }

  private:
    struct Ahead {
        int descriptor = -1;
        int error = 0;
        std::uint64_t offset = 0;
        std::uint64_t size = 0;
        bool was_cached = false;
    };

    void begin(std::span<const WantedImage> images);
    [[nodiscard]] ImageLook next(const std::atomic<bool>& stop);
    void end() noexcept;
    void fill_ahead();
    [[nodiscard]] Ahead open(const WantedImage& wanted) const;
    void look_at_headers(const WantedImage& wanted, ImageLook& look) const;
    void read(const Ahead& file, const std::atomic<bool>& stop, ImageLook& look);

    const archive::Layout& layout_;
    media::Digest digest_;
    std::vector<std::byte> buffer_;
    std::span<const WantedImage> images_;
    std::size_t at_ = 0;
    std::deque<Ahead> ahead_;  // the files from `at_` on
    std::uint64_t bytes_ahead_ = 0;
};

}  // namespace grit::crawl
