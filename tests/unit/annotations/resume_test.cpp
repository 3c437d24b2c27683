// A reader made with offset() and line() of another one goes on exactly where that one stood.
#include <gmock/gmock.h>

#include "annotations_support.hpp"

namespace grit::annotations {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

std::string mixed_lines(int count, std::size_t filler) {
    std::string text = "\xEF\xBB\xBF";
    for (int i = 0; i < count; ++i) {
        switch (i % 5) {
            case 1:
                text += "\n";
                break;
            case 2:
                text += "broken\r\n";
                break;
            default:
                text += fmt::format("{{\"url\": \"http://host/{}\", \"x\": \"{}\"}}\n", i, std::string(filler, 'x'));
        }
    }
    return text;
}

void expect_resumes_everywhere(const std::string& path) {
    SCOPED_TRACE(path);
    const auto open = [&](std::uint64_t offset, std::uint64_t line) {
        auto source = ByteSource::open(path);
        Reader::Options options;
        options.start_offset = offset;
        options.start_line = line;
        return Reader(std::move(*source), options);
    };
    Reader whole = open(0, 0);
    const auto all = events_of(whole);
    const FirstBlock block = whole.first_block();
    Reader front = open(0, 0);
    for (std::size_t k = 0; k <= all.size(); ++k) {
        Reader rest = open(front.offset(), front.line());
        EXPECT_EQ(events_of(rest), std::vector<std::string>(all.begin() + static_cast<std::ptrdiff_t>(k), all.end()))
            << k;
        EXPECT_TRUE(rest.begins_with(block));
        EXPECT_EQ(rest.first_block(), block);
        EXPECT_EQ(rest.offset(), whole.offset());
        EXPECT_EQ(rest.line(), whole.line());
        ASSERT_TRUE(front.next());
    }
}

TEST(Resume, AtEveryLineOfEveryKindOfSource) {
    const TemporaryFolder folder;
    const std::string small = mixed_lines(60, 5);
    // Beyond the first block and beyond the buffer, so that both ways of going there are taken.
    const std::string large = mixed_lines(120, 6000);
    for (const std::string& text : {small, large, small + "{\"url\": \"unfinished\"}", small + "{\"url\": "}) {
        const std::size_t half = text.size() / 2;
        expect_resumes_everywhere(folder.write("a.jsonl", text));
        expect_resumes_everywhere(
            folder.write("a.jsonl.gz", gzipped(text.substr(0, half)) + gzipped(text.substr(half))));
        expect_resumes_everywhere(
            folder.write("a.jsonl.zst", zstd_packed(text.substr(0, half)) + zstd_packed(text.substr(half))));
    }
}

Reader resumed(std::string text, std::uint64_t offset, std::uint64_t line) {
    Reader::Options options;
    options.start_offset = offset;
    options.start_line = line;
    return reader_of(std::move(text), options);
}

TEST(Resume, TheNewlineOfATakenUnfinishedLineIsNoBlankLine) {
    for (const std::string end : {"\n", "\r\n", " \n"}) {
        Reader reader = resumed("{\"url\":\"a\"}" + end + "{\"url\":\"b\"}\n", 11, 1);
        EXPECT_THAT(events_of(reader), ElementsAre(fmt::format("1@{} b", 11 + end.size())));
    }
    Reader nothing = resumed("{\"url\":\"a\"}\n", 11, 1);
    EXPECT_THAT(events_of(nothing), IsEmpty());
    EXPECT_EQ(nothing.offset(), 12U);
    EXPECT_EQ(nothing.line(), 1U);
}

TEST(Resume, ABlankLineBehindAFinishedLineStaysOne) {
    Reader reader = resumed("{\"url\":\"a\"}\n\n{\"url\":\"b\"}\n", 12, 1);
    EXPECT_THAT(events_of(reader), ElementsAre("1@12 BAD a blank line", "2@13 b"));
}

TEST(Resume, AnInputThatBecameShorterIsAProblem) {
    for (const std::uint64_t offset : {13ULL, 14ULL, 100ULL, 1ULL << 40}) {
        Reader reader = resumed("{\"url\":\"a\"}\n", offset, 1);
        EXPECT_THAT(events_of(reader), ElementsAre(HasSubstr("it was cut or replaced")));
    }
    Reader end = resumed("{\"url\":\"a\"}\n", 12, 1);
    EXPECT_THAT(events_of(end), IsEmpty());
}

TEST(Resume, BeforeTheFirstCallTheTokenIsTheStart) {
    const Reader reader = resumed("x", 7, 3);
    EXPECT_EQ(reader.offset(), 7U);
    EXPECT_EQ(reader.line(), 3U);
}

TEST(FirstBlock, TellsAReplacedInputFromAGrownOne) {
    Reader reader = reader_of("{\"url\":\"a\"}\n");
    events_of(reader);
    const FirstBlock block = reader.first_block();
    EXPECT_EQ(block.length, 12U);
    const auto begins = [&](std::string text) {
        MemorySource source(std::move(text), 5);
        return Reader::still_begins_with(source, block).value();
    };
    EXPECT_TRUE(begins("{\"url\":\"a\"}\n"));
    EXPECT_TRUE(begins("{\"url\":\"a\"}\n{\"url\":\"b\"}\n"));
    EXPECT_FALSE(begins("{\"url\":\"b\"}\n{\"url\":\"b\"}\n"));
    EXPECT_FALSE(begins("{\"url\":"));
    EXPECT_FALSE(begins(""));
    Reader other = resumed("{\"url\":\"b\"}\n{\"url\":\"b\"}\n", 12, 1);
    events_of(other);
    EXPECT_FALSE(other.begins_with(block));
}

TEST(FirstBlock, IsAtMost64KiB) {
    Reader reader = reader_of(std::string(200'000, 'x') + "\n");
    events_of(reader);
    EXPECT_EQ(reader.first_block().length, 65536U);
    MemorySource same(std::string(200'000, 'x'));
    EXPECT_TRUE(Reader::still_begins_with(same, reader.first_block()).value());
    // A block read from a damaged state must not make anybody allocate.
    FirstBlock absurd;
    absurd.length = std::uint64_t{1} << 60;
    EXPECT_FALSE(Reader::still_begins_with(same, absurd).value());
    EXPECT_FALSE(reader.begins_with(absurd));
}

}  // namespace
}  // namespace grit::annotations
