#include "grit/store/queue_block.hpp"

#include <zstd.h>

#include <bit>

#include "grit/store/codec.hpp"

namespace grit::store {
namespace {

constexpr int kZstdLevel = 1;
constexpr std::size_t kCompressFrom = 200;  // bytes; below it zstd's frame costs more than it saves
constexpr std::uint8_t kPlain = 0;
constexpr std::uint8_t kCompressed = 1;

// What an URL begins with: the low two bits beside its length.
constexpr std::uint64_t kWhole = 0;
constexpr std::uint64_t kHttp = 1;
constexpr std::uint64_t kHttps = 2;

struct Beginnings {
    std::string http;
    std::string https;
    explicit Beginnings(std::string_view host) {
        http.append("http://").append(host).append("/");
        https.append("https://").append(host).append("/");
    }
    [[nodiscard]] std::string_view text_of(std::uint64_t code) const {
        return code == kHttp ? http : code == kHttps ? std::string_view(https) : std::string_view();
    }
    [[nodiscard]] std::uint64_t code_of(std::string_view url) const {
        return url.starts_with(http) ? kHttp : url.starts_with(https) ? kHttps : kWhole;
    }
};

std::string pack_plain(const Beginnings& beginnings, std::span<const QueueItem> items) {
    Encoder encoder;
    encoder.varint(items.size());
    Ordinal previous = 0;
    for (const QueueItem& item : items) {
        encoder.zigzag(static_cast<std::int64_t>(item.ordinal - previous));
        previous = item.ordinal;
    }
    std::string text;
    for (const QueueItem& item : items) {
        const std::uint64_t code = beginnings.code_of(item.url);
        const std::string_view rest = item.url.substr(beginnings.text_of(code).size());
        encoder.varint(std::uint64_t{rest.size()} << 2 | code);
        text.append(rest);
    }
    return encoder.raw(text).take();
}

Result<QueueBlock> unpack_plain(const Beginnings& beginnings, std::string_view bytes) {
    Decoder decoder(bytes);
    const std::size_t count = decoder.count(2);
    if (count > kMaxBlockEntries) {
        return Errc::corrupt;
    }
    QueueBlock block(count);
    Ordinal previous = 0;
    for (QueueEntry& entry : block) {
        entry.ordinal = previous + static_cast<Ordinal>(decoder.zigzag());
        previous = entry.ordinal;
    }
    std::array<std::uint64_t, kMaxBlockEntries> shapes{};
    for (std::size_t i = 0; i < count; ++i) {
        shapes[i] = decoder.varint();
    }
    for (std::size_t i = 0; i < count; ++i) {
        const std::uint64_t size = shapes[i] >> 2;
        const std::uint64_t code = shapes[i] & 3;
        if (code > kHttps || size > decoder.remaining()) {
            return Errc::corrupt;
        }
        block[i].url.append(beginnings.text_of(code)).append(decoder.raw(static_cast<std::size_t>(size)));
    }
    if (const Result<void> end = decoder.finish(); !end) {
        return end.error();
    }
    return block;
}

}  // namespace

struct BlockCodec::Contexts {
    ZSTD_CCtx* compress = nullptr;
    ZSTD_DCtx* expand = nullptr;
    Contexts() = default;
    Contexts(const Contexts&) = delete;
    Contexts& operator=(const Contexts&) = delete;
    ~Contexts() {
        ZSTD_freeCCtx(compress);
        ZSTD_freeDCtx(expand);
    }
};

BlockCodec::BlockCodec() : contexts_(std::make_unique<Contexts>()) {}
BlockCodec::~BlockCodec() = default;
BlockCodec::BlockCodec(BlockCodec&&) noexcept = default;
BlockCodec& BlockCodec::operator=(BlockCodec&&) noexcept = default;

Result<std::string> BlockCodec::pack(std::string_view host_name, std::span<const QueueItem> items) {
    std::size_t bytes = 0;
    for (const QueueItem& item : items) {
        bytes += item.url.size();
    }
    if (items.size() > kMaxBlockEntries || bytes > kMaxBlockBytes / 2) {
        return Errc::too_long;
    }
    const std::string plain = pack_plain(Beginnings(host_name), items);
    Encoder value;
    if (plain.size() > kCompressFrom) {
        if (contexts_->compress == nullptr && (contexts_->compress = ZSTD_createCCtx()) == nullptr) {
            return Errc::out_of_memory;
        }
        buffer_.resize(ZSTD_compressBound(plain.size()));
        const std::size_t size = ZSTD_compressCCtx(contexts_->compress, buffer_.data(), buffer_.size(), plain.data(),
                                                   plain.size(), kZstdLevel);
        if (ZSTD_isError(size) == 0 && size < plain.size()) {
            return value.u8(kRowVersion).u8(kCompressed).raw(std::string_view(buffer_).substr(0, size)).take();
        }
    }
    return value.u8(kRowVersion).u8(kPlain).raw(plain).take();
}

Result<std::string_view> BlockCodec::inflate(std::string_view frame) {
    const unsigned long long size = ZSTD_getFrameContentSize(frame.data(), frame.size());
    if (size > kMaxBlockBytes) {  // the two error values are above it too
        return Errc::corrupt;
    }
    if (contexts_->expand == nullptr && (contexts_->expand = ZSTD_createDCtx()) == nullptr) {
        return Errc::out_of_memory;
    }
    buffer_.resize(static_cast<std::size_t>(size));
    const std::size_t got =
        ZSTD_decompressDCtx(contexts_->expand, buffer_.data(), buffer_.size(), frame.data(), frame.size());
    if (ZSTD_isError(got) != 0 || got != buffer_.size()) {
        return Errc::corrupt;
    }
    return std::string_view(buffer_);
}

Result<QueueBlock> BlockCodec::unpack(std::string_view host_name, std::string_view value) {
    Decoder head = Decoder::of_row(value.substr(0, 2));
    const std::uint8_t form = head.u8();
    if (const Result<void> end = head.finish(); !end) {
        return end.error();
    }
    std::string_view plain = value.substr(2);
    if (form == kCompressed) {
        const Result<std::string_view> inflated = inflate(plain);
        if (!inflated) {
            return inflated.error();
        }
        plain = *inflated;
    } else if (form != kPlain) {
        return Errc::corrupt;
    }
    return unpack_plain(Beginnings(host_name), plain);
}

bool Progress::all(std::size_t entries) const {
    for (std::size_t i = 0; i < entries; ++i) {
        if (!test(i)) {
            return false;
        }
    }
    return true;
}

std::size_t Progress::count() const {
    std::size_t count = 0;
    for (const std::uint8_t byte : bits_) {
        count += static_cast<std::size_t>(std::popcount(byte));
    }
    return count;
}

std::string Progress::encode() const {
    Encoder encoder;
    encoder.u8(kRowVersion);
    for (const std::uint8_t byte : bits_) {
        encoder.u8(byte);
    }
    std::string bytes = encoder.take();
    bytes.resize(bytes.find_last_not_of('\0') + 1);  // the version byte is never 0
    return bytes;
}

Result<Progress> Progress::decode(std::string_view bytes) {
    Decoder decoder = Decoder::of_row(bytes);
    Progress progress;
    for (std::size_t i = 0; i < progress.bits_.size() && decoder.remaining() > 0; ++i) {
        progress.bits_[i] = decoder.u8();
    }
    if (const Result<void> end = decoder.finish(); !end) {
        return end.error();
    }
    return progress;
}

}  // namespace grit::store
