// What the tests of this module share: sources in memory, compressed files, and readers' events as text.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "grit/annotations/byte_source.hpp"
#include "grit/annotations/reader.hpp"

namespace grit::annotations {

/// Gives a text in pieces of `piece_bytes`; counts what it gave.
class MemorySource final : public ByteSource {
  public:
    explicit MemorySource(std::string text, std::size_t piece_bytes = 1U << 20)
        : text_(std::move(text)), piece_bytes_(piece_bytes) {}

    Checked<std::size_t> read(std::span<char> into) override {
        const std::size_t count = std::min({into.size(), piece_bytes_, text_.size() - given_});
        std::memcpy(into.data(), text_.data() + given_, count);
        given_ += count;
        return count;
    }
    [[nodiscard]] Progress progress() const override { return {given_, text_.size()}; }
    [[nodiscard]] const std::string& name() const override { return name_; }

  private:
    std::string text_;
    std::size_t piece_bytes_;
    std::size_t given_ = 0;
    std::string name_ = "memory";
};

/// A folder that goes away.
class TemporaryFolder {
  public:
    TemporaryFolder() {
        std::string path = (std::filesystem::temp_directory_path() / "grit-annotations-XXXXXX").string();
        if (::mkdtemp(path.data()) == nullptr) {
            throw std::runtime_error("mkdtemp failed");
        }
        path_ = path;
    }
    ~TemporaryFolder() {
        std::error_code ignored;  // a folder left behind in /tmp fails no test
        std::filesystem::remove_all(path_, ignored);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    std::string write(const std::string& name, std::string_view bytes) const {
        const auto path = path_ / name;
        std::filesystem::create_directories(path.parent_path());
        std::ofstream(path, std::ios::binary | std::ios::trunc)
            .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
        return path.string();
    }
    void append(const std::string& name, std::string_view bytes) const {
        std::ofstream(path_ / name, std::ios::binary | std::ios::app)
            .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    }
    [[nodiscard]] std::string path(const std::string& name) const { return (path_ / name).string(); }

  private:
    std::filesystem::path path_;
};

/// One gzip member.
inline std::string gzipped(std::string_view text) {
    z_stream stream{};
    EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    std::string out(deflateBound(&stream, text.size()) + 64, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
}

/// One zstd frame.
inline std::string zstd_packed(std::string_view text) {
    std::string out(ZSTD_compressBound(text.size()), '\0');
    const std::size_t size = ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3);
    EXPECT_EQ(ZSTD_isError(size), 0U);
    out.resize(size);
    return out;
}

inline std::string describe(const Event& event) {
    if (const auto* line = std::get_if<Line>(&event)) {
        return fmt::format("{}@{} {}", line->line, line->byte_offset, line->raw_url);
    }
    if (const auto* bad = std::get_if<BadLine>(&event)) {
        return fmt::format("{}@{} BAD {}", bad->line, bad->byte_offset, bad->reason);
    }
    return "END";
}

/// All events up to the end or a Problem; each as "line@offset url" or "line@offset BAD reason".
inline std::vector<std::string> events_of(Reader& reader) {
    std::vector<std::string> events;
    while (true) {
        const auto event = reader.next();
        if (!event) {
            events.push_back("PROBLEM " + event.error().what);
            return events;
        }
        if (std::holds_alternative<End>(*event)) {
            return events;
        }
        events.push_back(describe(*event));
    }
}

inline Reader reader_of(std::string text, Reader::Options options = {}, std::size_t piece_bytes = 1U << 20) {
    return {std::make_unique<MemorySource>(std::move(text), piece_bytes), std::move(options)};
}

inline std::vector<std::string> events_of(std::string text, Reader::Options options = {},
                                          std::size_t piece_bytes = 1U << 20) {
    Reader reader = reader_of(std::move(text), std::move(options), piece_bytes);
    return events_of(reader);
}

/// All bytes of a source, or what came before the Problem and then its text in <>.
inline std::string bytes_of(ByteSource& source, std::size_t piece_bytes = 1000) {
    std::string all;
    std::vector<char> piece(piece_bytes);
    while (true) {
        const auto count = source.read(piece);
        if (!count) {
            return all + "<" + count.error().what + ">";
        }
        if (*count == 0) {
            return all;
        }
        all.append(piece.data(), *count);
    }
}

}  // namespace grit::annotations
