#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <future>
#include <random>

#include "annotations_support.hpp"

namespace grit::annotations {
namespace {

using ::testing::HasSubstr;

std::string some_text(std::size_t bytes) {
    std::mt19937_64 random(7);
    std::string text(bytes, '\0');
    for (char& c : text) {
        c = static_cast<char>('a' + random() % 20);
    }
    return text;
}

std::string opened(const std::string& path) {
    auto source = ByteSource::open(path);
    return source ? bytes_of(**source) : "<" + source.error().what + ">";
}

TEST(ByteSource, ReadsPlainGzipAndZstdAlike) {
    const TemporaryFolder folder;
    const std::string text = some_text(700'000);
    const std::string head = text.substr(0, 300'001);
    const std::string tail = text.substr(300'001);
    EXPECT_EQ(opened(folder.write("a.jsonl", text)), text);
    EXPECT_EQ(opened(folder.write("one.gz", gzipped(text))), text);
    EXPECT_EQ(opened(folder.write("one.zst", zstd_packed(text))), text);
    EXPECT_EQ(opened(folder.write("members.gz", gzipped(head) + gzipped("") + gzipped(tail))), text);
    EXPECT_EQ(opened(folder.write("frames.zst", zstd_packed(head) + zstd_packed("") + zstd_packed(tail))), text);
}

TEST(ByteSource, KnowsCompressionWhateverTheName) {
    const TemporaryFolder folder;
    EXPECT_EQ(opened(folder.write("a.jsonl", gzipped("hello"))), "hello");
    EXPECT_EQ(opened(folder.write("b.jsonl", zstd_packed("hello"))), "hello");
    // RFC 8878 section 3.1.2: a skippable frame may come first.
    const std::string skippable("\x52\x2a\x4d\x18\x03\x00\x00\x00xyz", 11);
    EXPECT_EQ(opened(folder.write("c.zst", skippable + zstd_packed("hello"))), "hello");
}

TEST(ByteSource, PipesAreLookedAtWithoutSeeking) {
    for (const std::size_t piece : {1UL, 3UL, 5000UL}) {
        for (const std::string& stored : {std::string("hello"), gzipped("hello"), zstd_packed("hello")}) {
            const auto source = ByteSource::decoding(std::make_unique<MemorySource>(stored, piece));
            EXPECT_EQ(bytes_of(*source), "hello");
        }
        for (const std::string& tiny : {std::string(), std::string("\x1f"), std::string("{}\n")}) {
            const auto source = ByteSource::decoding(std::make_unique<MemorySource>(tiny, piece));
            EXPECT_EQ(bytes_of(*source), tiny);
        }
    }
}

TEST(ByteSource, ReadsAFifo) {
    const TemporaryFolder folder;
    const std::string path = folder.path("fifo");
    ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
    auto writer =
        std::async(std::launch::async, [&] { std::ofstream(path, std::ios::binary) << gzipped("through a pipe"); });
    EXPECT_EQ(opened(path), "through a pipe");
    writer.get();
}

TEST(ByteSource, NamesThatPromiseCompressionKeepIt) {
    const TemporaryFolder folder;
    EXPECT_THAT(opened(folder.write("a.gz", "{\"url\": \"x\"}\n")), HasSubstr("a.gz: holds no gzip data"));
    EXPECT_THAT(opened(folder.write("a.zst", gzipped("x"))), HasSubstr("a.zst: holds no zstd data"));
    EXPECT_THAT(opened(folder.write("empty.gz", "")), HasSubstr("holds no gzip data"));
}

TEST(ByteSource, SaysWhatCanNotBeOpened) {
    const TemporaryFolder folder;
    EXPECT_THAT(opened(folder.path("absent")), HasSubstr("absent: can not be opened: No such file"));
    folder.write("sub/file", "");
    EXPECT_THAT(opened(folder.path("sub")), HasSubstr("sub: is a folder"));
}

// Everything before the damage is given, then a Problem that says how far it went; asked again, the same.
TEST(ByteSource, DamageIsReportedWithTheOffsetReached) {
    const TemporaryFolder folder;
    const std::string text = some_text(400'000);
    const auto check = [&](const std::string& name, std::string stored, const std::string& reason) {
        auto source = ByteSource::open(folder.write(name, stored));
        ASSERT_TRUE(source) << source.error().what;
        const std::string read = bytes_of(**source);
        const std::size_t good = read.find('<');
        ASSERT_NE(good, std::string::npos) << name;
        EXPECT_TRUE(text.starts_with(read.substr(0, good)));
        EXPECT_THAT(read.substr(good), HasSubstr(fmt::format("data after {} decompressed bytes: {}", good, reason)));
        std::vector<char> more(10);
        EXPECT_FALSE((*source)->read(more));
    };
    const std::string gz = gzipped(text);
    const std::string zst = zstd_packed(text);
    check("cut.gz", gz.substr(0, gz.size() / 2), "the end is missing");
    check("cut_in_the_checksum.gz", gz.substr(0, gz.size() - 3), "the end is missing");
    check("cut_in_the_header.gz", gz.substr(0, 5), "the end is missing");
    check("cut_in_the_second_member.gz", gz + gz.substr(0, 6), "the end is missing");
    check("garbage_behind.gz", gz + "garbage", "incorrect header check");
    check("cut.zst", zst.substr(0, zst.size() / 2), "the end is missing");
    check("cut_in_the_header.zst", zst.substr(0, 5), "the end is missing");
    check("cut_in_the_second_frame.zst", zst + zst.substr(0, 6), "the end is missing");
    check("garbage_behind_padding.gz", gz + std::string(9, '\0') + "garbage", "there is something else behind its end");
    std::string bad_sum = gz;
    bad_sum[gz.size() - 8] = static_cast<char>(bad_sum[gz.size() - 8] ^ 1);
    check("sum.gz", bad_sum, "incorrect data check");
    check("garbage_behind.zst", zst + "garbage", "");
}

TEST(ByteSource, EveryCutOfACompressedFileIsAProblem) {
    const std::string text = some_text(500);
    for (const std::string& stored : {gzipped(text) + gzipped(text), zstd_packed(text) + zstd_packed(text)}) {
        const std::size_t half = stored.size() / 2;  // both halves are equal
        for (std::size_t cut = 4; cut < stored.size(); ++cut) {
            const auto source = ByteSource::decoding(std::make_unique<MemorySource>(stored.substr(0, cut)));
            const std::string read = bytes_of(*source);
            EXPECT_EQ(read.ends_with('>'), cut != half) << cut;
        }
    }
}

TEST(ByteSource, ZerosBehindAGzipMemberArePadding) {
    const auto source =
        ByteSource::decoding(std::make_unique<MemorySource>(gzipped("x") + std::string(600'000, '\0'), 7000));
    EXPECT_EQ(bytes_of(*source), "x");
}

TEST(ByteSource, SkipsAnywhere) {
    const TemporaryFolder folder;
    const std::string text = some_text(600'000);
    for (const auto& [name, stored] : {std::pair{"p", text}, {"g.gz", gzipped(text)}, {"z.zst", zstd_packed(text)}}) {
        const std::string path = folder.write(name, stored);
        for (const std::size_t offset : {0UL, 1UL, 300'000UL, 599'999UL, 600'000UL}) {
            auto source = ByteSource::open(path);
            ASSERT_TRUE(source);
            ASSERT_TRUE((*source)->skip(offset));
            EXPECT_EQ(bytes_of(**source, 100'000), text.substr(offset));
        }
        auto source = ByteSource::open(path);
        const auto beyond = (*source)->skip(600'001);
        ASSERT_FALSE(beyond);
        EXPECT_THAT(beyond.error().what, HasSubstr("ends 1 bytes before"));
    }
}

TEST(ByteSource, KnowsItsSizeAndProgress) {
    const TemporaryFolder folder;
    const std::string text = some_text(600'000);
    auto plain = ByteSource::open(folder.write("p", text));
    EXPECT_EQ((*plain)->size_bytes(), 600'000U);
    const std::string stored = gzipped(text);
    auto gzip = ByteSource::open(folder.write("p.gz", stored));
    EXPECT_EQ((*gzip)->size_bytes(), std::nullopt);
    EXPECT_EQ((*gzip)->progress().read, 0U);
    EXPECT_EQ((*gzip)->progress().of, stored.size());
    bytes_of(**gzip);
    EXPECT_EQ((*gzip)->progress().read, stored.size());
}

}  // namespace
}  // namespace grit::annotations
