#include "compressed.hpp"

#include <fmt/format.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <new>
#include <utility>
#include <vector>

namespace grit::annotations {
namespace {

constexpr std::size_t kRawChunk = std::size_t{256} << 10;

/// What both formats share: a chunk of raw bytes, and the offset for messages.
class Decompressor : public ByteSource {
  public:
    explicit Decompressor(std::unique_ptr<ByteSource> raw) : raw_(std::move(raw)), chunk_(kRawChunk) {}

    Checked<std::size_t> read(std::span<char> into) override {
        while (!into.empty()) {
            if (chunk_begin_ == chunk_end_ && !raw_ended_) {
                const auto count = raw_->read(chunk_);
                if (!count) {
                    return count.error();
                }
                chunk_begin_ = 0;
                chunk_end_ = *count;
                raw_ended_ = *count == 0;
            }
            const auto made = decode(into);
            if (!made) {
                return made.error();
            }
            offset_ += *made;
            if (*made > 0 || (raw_ended_ && chunk_begin_ == chunk_end_)) {
                return *made;
            }
        }
        return std::size_t{0};
    }

    [[nodiscard]] Progress progress() const override { return raw_->progress(); }
    [[nodiscard]] const std::string& name() const override { return raw_->name(); }

  protected:
    /// Decodes raw() into `into`, calls `used()`. Returns the count of bytes made. With nothing left of a stream that
    /// has ended (`raw_ended()`), it either reports a missing end or returns 0. Progress is made at each call
    /// otherwise.
    virtual Checked<std::size_t> decode(std::span<char> into) = 0;

    [[nodiscard]] std::span<const char> raw() const {
        return std::span<const char>(chunk_).subspan(chunk_begin_, chunk_end_ - chunk_begin_);
    }
    void used(std::size_t count) { chunk_begin_ += count; }
    [[nodiscard]] bool raw_ended() const { return raw_ended_; }

    [[nodiscard]] Problem damaged(std::string_view format, std::string_view reason) const {
        return Problem{
            fmt::format("{}: damaged {} data after {} decompressed bytes: {}", name(), format, offset_, reason)};
    }

  private:
    std::unique_ptr<ByteSource> raw_;
    std::vector<char> chunk_;
    std::size_t chunk_begin_ = 0;
    std::size_t chunk_end_ = 0;
    bool raw_ended_ = false;
    std::uint64_t offset_ = 0;
};

class GzipSource final : public Decompressor {
  public:
    explicit GzipSource(std::unique_ptr<ByteSource> raw) : Decompressor(std::move(raw)) {
        // 15: the largest window; + 16: gzip headers and checksums (zlib.h, inflateInit2).
        if (inflateInit2(&stream_, 15 + 16) != Z_OK) {
            throw std::bad_alloc();
        }
    }
    ~GzipSource() override { inflateEnd(&stream_); }
    GzipSource(const GzipSource&) = delete;
    GzipSource& operator=(const GzipSource&) = delete;

  protected:
    Checked<std::size_t> decode(std::span<char> into) override {
        if (between_members_ && !next_member()) {
            return raw().empty() ? Checked<std::size_t>(0) : damaged("gzip", "there is something else behind its end");
        }
        stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(raw().data()));  // zlib does not write to it
        stream_.avail_in = static_cast<uInt>(raw().size());
        stream_.next_out = reinterpret_cast<Bytef*>(into.data());
        stream_.avail_out = static_cast<uInt>(std::min<std::size_t>(into.size(), kRawChunk));
        const uInt room = stream_.avail_out;
        const int status = inflate(&stream_, Z_NO_FLUSH);
        used(raw().size() - stream_.avail_in);
        const std::size_t made = room - stream_.avail_out;
        between_members_ = status == Z_STREAM_END;
        if (status == Z_OK || status == Z_STREAM_END || made > 0) {
            return made;
        }
        if (status == Z_BUF_ERROR && raw_ended()) {
            return damaged("gzip", "the end is missing");
        }
        return damaged("gzip", stream_.msg != nullptr ? stream_.msg : "no reason given");
    }

  private:
    // Zeros behind the last member are padding (tapes, block devices), as for gzip(1).
    bool next_member() {
        const auto rest = raw();
        if (members_ > 0 && (padding_ || (!rest.empty() && rest.front() == '\0'))) {
            padding_ = true;
            const auto other = std::find_if(rest.begin(), rest.end(), [](char c) { return c != '\0'; });
            used(static_cast<std::size_t>(other - rest.begin()));
            return false;
        }
        if (rest.empty() && (members_ > 0 || !raw_ended())) {
            return false;
        }
        ++members_;
        between_members_ = false;
        return inflateReset(&stream_) == Z_OK;
    }

    z_stream stream_{};
    bool between_members_ = true;
    bool padding_ = false;
    std::uint64_t members_ = 0;
};

class ZstdSource final : public Decompressor {
  public:
    explicit ZstdSource(std::unique_ptr<ByteSource> raw) : Decompressor(std::move(raw)), stream_(ZSTD_createDStream()) {
        if (stream_ == nullptr) {
            throw std::bad_alloc();
        }
    }
    ~ZstdSource() override { ZSTD_freeDStream(stream_); }
    ZstdSource(const ZstdSource&) = delete;
    ZstdSource& operator=(const ZstdSource&) = delete;

  protected:
    Checked<std::size_t> decode(std::span<char> into) override {
        if (raw().empty() && !in_frame_) {
            return raw_ended() && !any_frame_ ? Checked<std::size_t>(damaged("zstd", "the end is missing"))
                                              : std::size_t{0};
        }
        ZSTD_inBuffer in{raw().data(), raw().size(), 0};
        ZSTD_outBuffer out{into.data(), into.size(), 0};
        const std::size_t status = ZSTD_decompressStream(stream_, &out, &in);
        used(in.pos);
        if (ZSTD_isError(status) != 0) {
            return damaged("zstd", ZSTD_getErrorName(status));
        }
        in_frame_ = status != 0;
        any_frame_ = true;
        if (out.pos == 0 && in_frame_ && raw_ended()) {
            return damaged("zstd", "the end is missing");
        }
        return out.pos;
    }

  private:
    ZSTD_DStream* stream_;
    bool in_frame_ = false;
    bool any_frame_ = false;
};

}  // namespace

Compression compression_of(std::string_view first_bytes) {
    if (first_bytes.size() < kMagicBytes) {
        return Compression::none;
    }
    if (first_bytes.starts_with("\x1f\x8b")) {
        return Compression::gzip;
    }
    // RFC 8878: a frame, or a skippable frame (0x184D2A50 to 0x184D2A5F, little-endian), which may come first.
    const bool frame = first_bytes.starts_with("\x28\xb5\x2f\xfd");
    const bool skippable = (first_bytes[0] & '\xf0') == '\x50' && first_bytes.substr(1).starts_with("\x2a\x4d\x18");
    return frame || skippable ? Compression::zstd : Compression::none;
}

std::unique_ptr<ByteSource> make_gzip_source(std::unique_ptr<ByteSource> raw) {
    return std::make_unique<GzipSource>(std::move(raw));
}

std::unique_ptr<ByteSource> make_zstd_source(std::unique_ptr<ByteSource> raw) {
    return std::make_unique<ZstdSource>(std::move(raw));
}

std::unique_ptr<ByteSource> decompressing(Compression compression, std::unique_ptr<ByteSource> raw) {
    switch (compression) {
        case Compression::gzip:
            return make_gzip_source(std::move(raw));
        case Compression::zstd:
            return make_zstd_source(std::move(raw));
        case Compression::none:
            break;
    }
    return raw;
}

}  // namespace grit::annotations
