// Walks a file made of headers and bodies as its bytes stream by. Each format is one class that says, step by step,
// what it wants to see next; the cuts of the stream are dealt with here, so that no format knows of them.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>

#include "bytes.hpp"
#include "grit/media/inspector.hpp"

namespace grit::media {

class Scanner {
  public:
    virtual ~Scanner() = default;
    Scanner(const Scanner&) = delete;
    Scanner& operator=(const Scanner&) = delete;

    void feed(Bytes piece);
    /// `whole`, `truncated` or `broken`.
    [[nodiscard]] Verdict verdict() const;
    [[nodiscard]] std::optional<Dimensions> dimensions() const { return dimensions_; }

  protected:
    /// @param first_need size of the first step (1 to kMaxNeed bytes).
    explicit Scanner(std::size_t first_need) { read(first_need); }

    /// Sees exactly the bytes it asked for, and has to ask for the next ones: read, skip, find, end or broken.
    virtual void step(Bytes seen) = 0;
    /// Sees the bytes that are skipped, piece by piece.
    virtual void passed(Bytes) {}
    /// Is a body of this many bytes whole, although no end was met? For formats that have no end mark.
    [[nodiscard]] virtual bool whole_at(std::uint64_t /*total*/) const { return false; }

    /// Next: `step` with that many bytes.
    void read(std::size_t need);
    /// Next: pass over `count` bytes, then `step` with `need`.
    void skip(std::uint64_t count, std::size_t need);
    /// Next: pass over `count` bytes, then over everything up to and with that byte, then `step` with one byte.
    void find(std::byte value, std::uint64_t count = 0);
    /// The image is whole once another `count` bytes have come.
    void end_after(std::uint64_t count);
    void end() { state_ = State::ended; }
    void broken() { state_ = State::broken; }

    void set_dimensions(std::uint32_t width, std::uint32_t height) { dimensions_ = Dimensions{width, height}; }
    /// Offset behind the bytes of the current step.
    [[nodiscard]] std::uint64_t position() const { return position_; }

    static constexpr std::size_t kMaxNeed = 64;

  private:
    enum class State : std::uint8_t { reading, finding, ending, ended, broken };

    void take_step(Bytes& piece);

    State state_ = State::reading;
    std::byte wanted_{};
    std::size_t need_ = 0;
    std::size_t held_ = 0;
    std::uint64_t skip_ = 0;
    std::uint64_t position_ = 0;
    std::uint64_t total_ = 0;
    std::array<std::byte, kMaxNeed> window_{};
    std::optional<Dimensions> dimensions_;
};

/// The scanner of a type; nothing for unknown.
[[nodiscard]] std::unique_ptr<Scanner> make_scanner(ImageType type);

[[nodiscard]] std::unique_ptr<Scanner> make_jpeg_scanner();
[[nodiscard]] std::unique_ptr<Scanner> make_png_scanner();
[[nodiscard]] std::unique_ptr<Scanner> make_gif_scanner();
[[nodiscard]] std::unique_ptr<Scanner> make_webp_scanner();
[[nodiscard]] std::unique_ptr<Scanner> make_isobmff_scanner();
[[nodiscard]] std::unique_ptr<Scanner> make_bmp_scanner();
[[nodiscard]] std::unique_ptr<Scanner> make_tiff_scanner();
[[nodiscard]] std::unique_ptr<Scanner> make_svg_scanner();
[[nodiscard]] std::unique_ptr<Scanner> make_ico_scanner();

}  // namespace grit::media
