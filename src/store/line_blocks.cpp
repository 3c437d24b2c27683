#include "grit/store/line_blocks.hpp"

#include <zstd.h>

#include <new>

#include "grit/store/codec.hpp"

namespace grit::store {
namespace {

constexpr int kZstdLevel = 3;
// A line has at most 4 MiB (annotations::Reader), a block that and one more.
constexpr std::uint64_t kMaxBlock = std::uint64_t{64} << 20;

std::string key_of(Ordinal last) {
    return Encoder().be64(last).take();
}

Result<std::string> expand(std::string_view bytes) {
    const unsigned long long size = ZSTD_getFrameContentSize(bytes.data(), bytes.size());
    if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN || size > kMaxBlock) {
        return Errc::corrupt;
    }
    std::string text(static_cast<std::size_t>(size), '\0');
    const std::size_t got = ZSTD_decompress(text.data(), text.size(), bytes.data(), bytes.size());
    return ZSTD_isError(got) != 0 || got != text.size() ? Result<std::string>(Errc::corrupt) : Result<std::string>(std::move(text));
}

// In the expanded block: how many lines, the first ordinal, (gap, length) of each, then all of them.
Result<std::string> line_in(std::string_view block, Ordinal wanted) {
    Decoder decoder(block);
    const std::size_t count = decoder.count(2);
    Ordinal ordinal = decoder.varint();
    std::uint64_t before = 0;
    std::uint64_t length = 0;
    bool found = false;
    for (std::size_t i = 0; i < count && decoder.ok(); ++i) {
        ordinal += decoder.varint();
        const std::uint64_t size = decoder.varint();
        if (found) {
            continue;
        }
        found = ordinal == wanted;
        (found ? length : before) += size;
    }
    if (!decoder.ok() || before > decoder.remaining() || length > decoder.remaining() - before) {
        return Errc::corrupt;
    }
    if (!found) {
        return Errc::not_found;
    }
    static_cast<void>(decoder.raw(static_cast<std::size_t>(before)));
    return std::string(decoder.raw(static_cast<std::size_t>(length)));
}

}  // namespace

struct LineBlocks::Packer {
    ZSTD_CCtx* context = ZSTD_createCCtx();
    std::string buffer;
    Packer() {
        if (context == nullptr) {
            throw std::bad_alloc();
        }
    }
    Packer(const Packer&) = delete;
    Packer& operator=(const Packer&) = delete;
    ~Packer() { ZSTD_freeCCtx(context); }
};

LineBlocks::LineBlocks() : packer_(std::make_unique<Packer>()) {}
LineBlocks::~LineBlocks() = default;
LineBlocks::LineBlocks(LineBlocks&&) noexcept = default;
LineBlocks& LineBlocks::operator=(LineBlocks&&) noexcept = default;

void LineBlocks::add(Ordinal ordinal, std::string_view line) {
    if (count_ > 0 && text_.size() + line.size() > kLineBlockBytes) {
        pack();
    }
    if (count_ == 0) {
        first_ = last_ = ordinal;
    }
    sizes_ += Encoder().varint(ordinal - last_).varint(line.size()).bytes();
    text_.append(line);
    last_ = ordinal;
    ++count_;
}

void LineBlocks::finish() {
    if (count_ > 0) {
        pack();
    }
}

void LineBlocks::pack() {
    const std::string plain = Encoder().varint(count_).varint(first_).raw(sizes_).raw(text_).take();
    std::string& buffer = packer_->buffer;
    buffer.resize(ZSTD_compressBound(plain.size()));
    const std::size_t size =
        ZSTD_compressCCtx(packer_->context, buffer.data(), buffer.size(), plain.data(), plain.size(), kZstdLevel);
    if (ZSTD_isError(size) != 0) {
        throw std::bad_alloc();  // the buffer is large enough: nothing else can be wrong
    }
    Encoder value;
    value.u8(kRowVersion).raw(std::string_view(buffer).substr(0, size));
    blocks_.emplace_back(key_of(last_), value.take());
    packed_bytes_ += blocks_.back().second.size();
    sizes_.clear();
    text_.clear();
    count_ = 0;
}

Result<void> LineBlocks::write(WriteTxn& txn) const {
    for (const auto& [key, value] : blocks_) {
        auto done = txn.append(Table::annotations, key, value);
        done = !done && done.error() == Errc::out_of_order ? txn.put(Table::annotations, key, value) : done;
        if (!done) {
            return done;
        }
    }
    return {};
}

Result<std::string> get_line(const Txn& txn, Ordinal ordinal) {
    auto cursor = txn.cursor(Table::annotations);
    if (!cursor) {
        return cursor.error();
    }
    const Result<bool> there = cursor->seek(key_of(ordinal));
    if (!there) {
        return there.error();
    }
    if (!*there) {
        return Errc::not_found;
    }
    const std::string_view bytes = cursor->value();
    if (bytes.empty() || static_cast<std::uint8_t>(bytes.front()) != kRowVersion) {
        return bytes.empty() ? Errc::corrupt : Errc::newer_row;
    }
    const auto block = expand(bytes.substr(1));
    return block ? line_in(*block, ordinal) : Result<std::string>(block.error());
}

}  // namespace grit::store
