#include <gmock/gmock.h>

#include "annotations_support.hpp"

namespace grit::annotations {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr const char* kGood = R"({"url": "http://a/1"})";

// A bad line between two good ones: only it is lost, and it is named exactly.
void expect_bad(std::string_view line, const std::string& reason) {
    SCOPED_TRACE(std::string(line));
    const std::string text = fmt::format("{0}\n{1}\n{0}\n", kGood, line);
    for (const std::size_t piece : {1UL, 1UL << 20}) {
        EXPECT_THAT(events_of(text, {}, piece), ElementsAre("0@0 http://a/1", "1@22 BAD " + reason,
                                                            fmt::format("2@{} http://a/1", 23 + line.size())));
    }
}

TEST(Reader, GivesUrlLineAndOffset) {
    EXPECT_THAT(events_of("{\"url\":\"http://a/\"}\n{\"id\":1,\"url\":\"b\"}\n"),
                ElementsAre("0@0 http://a/", "1@20 b"));
    EXPECT_THAT(events_of(""), IsEmpty());
}

TEST(Reader, BrokenJsonIsFoundAnywhereInTheLine) {
    expect_bad(R"({"url": "http://a/1")", "broken JSON: the object is not closed");
    expect_bad(R"({"url": "http://a/1", "x": [1, 2})", "broken JSON");
    expect_bad(R"({"url": "http://a/1", "x": [1, 2)", "broken JSON: the object is not closed");
    expect_bad(R"({"url": "http://a/1", "caption": "cut)", "broken JSON: a string is not closed");
    expect_bad(R"({"url": "http://a/1" "x": 1})", "broken JSON");
    expect_bad(R"({"url": "http://a/1", "x": [1 2]})", "broken JSON");
    expect_bad(R"({"url": "http://a/1", "x": {"y": [1, {"z" 3}]}})", "broken JSON");
    expect_bad(R"({"url": "http://a/1", "x": tru})", "broken JSON");
    expect_bad(R"({"url": "http://a/1", "x": 1.})", "broken JSON: a bad number, or one beyond 64 bits");
    expect_bad(R"({"url": "http://a/1", "x": 01})", "broken JSON: a bad number, or one beyond 64 bits");
    expect_bad(R"({"url": "http://a/1", "x": NaN})", "broken JSON");
    expect_bad(R"({"url": "http://a/1", "x": "\q"})", "broken JSON: a bad escape in a string");
    expect_bad(R"({"url": "http://a/1", "x": "\ud83d"})", "broken JSON: a bad escape in a string");
    expect_bad("{\"url\": \"http://a/1\", \"x\": \"a\tb\"}", "broken JSON: a control character in a string");
    expect_bad(R"({"url": "http://a/1"}})", "broken JSON");
    expect_bad(R"({"url": "http://a/1"} {"url": "http://a/2"})", "broken JSON");
    expect_bad(R"({"url": "http://a/1",})", "broken JSON");
    expect_bad(R"({"url": "htt{"url": "http://a/2"})", "broken JSON: a string is not closed");  // two writers at once
    expect_bad("{\"url\": \"a\", \"x\": " + std::string(5000, '[') + "}", "broken JSON: nested too deep");
}

TEST(Reader, ALineHasToBeAnObject) {
    expect_bad("", "a blank line");
    expect_bad(" \t ", "a blank line");
    expect_bad("http://a/1", "not a JSON object");
    expect_bad("url,image_id", "not a JSON object");
    expect_bad(R"(["http://a/1"])", "not a JSON object");
    expect_bad(R"("http://a/1")", "not a JSON object");
    expect_bad("17", "not a JSON object");
    expect_bad("null", "not a JSON object");
}

TEST(Reader, TheUrlHasToBeAString) {
    expect_bad(R"({"URL": "http://a/1"})", "no \"url\"");
    expect_bad("{}", "no \"url\"");
    expect_bad(R"({"x": {"url": "http://a/1"}})", "no \"url\"");
    expect_bad(R"({"url": null})", "no \"url\"");
    expect_bad(R"({"url": 7})", "\"url\" is not a string");
    expect_bad(R"({"url": ["http://a/1"]})", "\"url\" is not a string");
}

TEST(Reader, BadBytesAreNamed) {
    expect_bad("{\"url\": \"a\xff\"}", "not valid UTF-8");
    expect_bad("{\"url\": \"a\", \"caption\": \"cut \xe2\x82\"}", "not valid UTF-8");
    expect_bad("{\"url\": \"a\", \"caption\": \"\xed\xa0\x80\"}", "not valid UTF-8");
    expect_bad(std::string_view("{\"url\": \"a\0b\"}", 14), "a NUL byte");
    expect_bad(std::string(4096, '\0'), "a NUL byte");  // what a crash leaves of a file
}

TEST(Reader, ExcerptsAreShortValidAndHarmless) {
    const auto excerpt_of = [](const std::string& line) {
        Reader reader = reader_of(line + "\n");
        const auto event = reader.next();
        return std::get<BadLine>(*event).excerpt;
    };
    EXPECT_EQ(excerpt_of("abc"), "abc");
    EXPECT_EQ(excerpt_of("a\xff\x1b[2J"), "a\xEF\xBF\xBD\xEF\xBF\xBD[2J");
    EXPECT_EQ(excerpt_of(std::string(1000, 'x')), std::string(200, 'x'));
    std::string euros;
    for (int i = 0; i < 100; ++i) {
        euros += "€";
    }
    EXPECT_EQ(excerpt_of(euros), euros.substr(0, 198)) << "no half character at the cut";
}

TEST(Reader, OverlongLinesArePassedOverAsTheyStream) {
    for (const std::size_t length : {101UL, 5000UL, 300'000UL, 3'000'000UL}) {
        const std::string text = fmt::format("{0}\n{1}\n{0}\n", kGood, std::string(length, 'x'));
        Reader::Options options;
        options.max_line_bytes = 100;
        EXPECT_THAT(events_of(text, options), ElementsAre("0@0 http://a/1", "1@22 BAD longer than 100 bytes",
                                                          fmt::format("2@{} http://a/1", 23 + length)));
    }
}

TEST(Reader, LinesUpToTheLimitAreRead) {
    Reader::Options options;
    options.max_line_bytes = 1U << 20;
    const auto line_of = [](std::size_t bytes) {
        const std::string frame = R"({"url":"b","x":""})";
        return R"({"url":"b","x":")" + std::string(bytes - frame.size(), 'x') + "\"}\n";
    };
    EXPECT_THAT(events_of(line_of(1U << 20) + line_of((1U << 20) + 1) + line_of(100), options, 70'000),
                ElementsAre("0@0 b", "1@1048577 BAD longer than 1048576 bytes", "2@2097155 b"));
}

TEST(Reader, LineEndsAndMarksAreNoPartOfALine) {
    EXPECT_THAT(events_of("\xEF\xBB\xBF{\"url\":\"a\"}\r\n{\"url\":\"b\"}\r\n\r\n"),
                ElementsAre("0@0 a", "1@16 b", "2@29 BAD a blank line"));
    EXPECT_THAT(events_of("{\"url\":\"a\"}\n\xEF\xBB\xBF\n"), ElementsAre("0@0 a", ::testing::StartsWith("1@12 BAD")))
        << "a mark is one only at the beginning";
    EXPECT_THAT(events_of("\xEF\xBB\xBF"), IsEmpty());
}

TEST(Reader, UrlsAreUnescapedAndOtherwiseAsWritten) {
    EXPECT_THAT(events_of(R"({"url": "http:\/\/a\/\u00e9?x=1&amp;y= \"\ud83d\ude00"})"
                          "\n"),
                ElementsAre("0@0 http://a/é?x=1&amp;y= \"😀"));
    EXPECT_THAT(events_of(R"({"\u0075rl": "a"})"
                          "\n"),
                ElementsAre("0@0 a"));
    EXPECT_THAT(events_of(R"({"url": ""})"
                          "\n"),
                ElementsAre("0@0 "));
}

// Python's json, which the pipeline of GRIT uses, does the same.
TEST(Reader, OfANameThatOccursTwiceTheLastCounts) {
    EXPECT_THAT(events_of(R"({"url": "a", "url": "b"})"
                          "\n"),
                ElementsAre("0@0 b"));
}

TEST(Reader, FieldNamesAreOptions) {
    Reader::Options options;
    options.url_field = "URL";
    options.id_field = "n";
    Reader reader = reader_of("{\"URL\":\"a\",\"url\":\"b\",\"n\":\"x\"}\n", options);
    const auto event = reader.next();
    EXPECT_EQ(std::get<Line>(*event).raw_url, "a");
    EXPECT_EQ(std::get<Line>(*event).id, "x");
}

TEST(Reader, IdsKeepTheirDigits) {
    for (const auto& [written, id] :
         std::vector<std::pair<std::string, std::string>>{{"1795296605919", "1795296605919"},
                                                          {"-5", "-5"},
                                                          {"-0", "-0"},
                                                          {"0", "0"},
                                                          {"18446744073709551615", "18446744073709551615"},
                                                          {"7.50", "7.50"},
                                                          {"\"007\"", "007"},
                                                          {"null", ""},
                                                          {"[1]", ""}}) {
        Reader reader = reader_of("{\"id\": " + written + ", \"url\": \"a\"}\n");
        const auto event = reader.next();
        EXPECT_EQ(std::get<Line>(*event).id, id);
    }
}

TEST(Reader, AnUnfinishedLastLineIsTakenIfItIsGood) {
    for (const bool accept : {false, true}) {
        Reader::Options options;
        options.accept_unfinished_tail = accept;
        Reader reader = reader_of("{\"url\":\"a\"}\n{\"url\":\"b\"}", options);
        EXPECT_THAT(events_of(reader), ElementsAre("0@0 a", "1@12 b"));
        EXPECT_EQ(reader.offset(), 23U);
        EXPECT_EQ(reader.line(), 2U);
    }
}

TEST(Reader, AnUnfinishedBadLineWaitsForItsWriter) {
    for (const std::string tail :
         {"{\"url\":\"b", " ", "\r", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}) {
        Reader::Options options;
        options.max_line_bytes = 50;
        Reader reader = reader_of("{\"url\":\"a\"}\n" + tail, options);
        EXPECT_THAT(events_of(reader), ElementsAre("0@0 a"));
        EXPECT_EQ(reader.offset(), 12U);
        EXPECT_EQ(reader.line(), 1U);
        options.accept_unfinished_tail = true;
        Reader last = reader_of("{\"url\":\"a\"}\n" + tail, options);
        EXPECT_THAT(events_of(last), ElementsAre("0@0 a", HasSubstr("1@12 BAD")));
        EXPECT_EQ(last.offset(), 12 + tail.size());
        EXPECT_EQ(last.line(), 2U);
    }
}

TEST(Reader, FollowsAFileThatGrows) {
    const TemporaryFolder folder;
    auto source = ByteSource::open(folder.write("a", "{\"url\":\"a\"}\n{\"url\":"));
    Reader reader(std::move(*source), {});
    EXPECT_THAT(events_of(reader), ElementsAre("0@0 a"));
    folder.append("a", "\"b\"}");
    EXPECT_THAT(events_of(reader), ElementsAre("1@12 b"));
    folder.append("a", "\r");
    EXPECT_THAT(events_of(reader), IsEmpty());
    folder.append("a", "\n{\"url\":\"c\"}\n\n");
    EXPECT_THAT(events_of(reader), ElementsAre("2@25 c", "3@37 BAD a blank line"));
}

// What is appended to a line that was taken is neither lost silently nor counted as a line.
TEST(Reader, MoreOfATakenLineIsReportedAndNotCounted) {
    const TemporaryFolder folder;
    auto source = ByteSource::open(folder.write("a", "{\"url\":\"a\"}"));
    Reader reader(std::move(*source), {});
    EXPECT_THAT(events_of(reader), ElementsAre("0@0 a"));
    folder.append("a", " x\n{\"url\":\"b\"}\n");
    EXPECT_THAT(events_of(reader),
                ElementsAre("0@11 BAD more of a line that was already taken without its end", "1@14 b"));
}

TEST(Reader, AnyPiecesGiveTheSameEvents) {
    std::string text;
    for (int i = 0; i < 300; ++i) {
        text += fmt::format("{{\"id\": {}, \"url\": \"http://host/{}\"{}\n", i, i, i % 7 == 0 ? "" : "}");
    }
    const auto expected = events_of(text);
    EXPECT_THAT(expected, SizeIs(300));
    for (const std::size_t piece : {1UL, 2UL, 31UL, 4096UL}) {
        EXPECT_EQ(events_of(text, {}, piece), expected);
    }
}

TEST(Reader, DamagedCompressionIsAProblemThatStays) {
    const std::string stored = gzipped(std::string(kGood) + "\n" + std::string(kGood) + "\n");
    Reader reader(ByteSource::decoding(std::make_unique<MemorySource>(stored.substr(0, stored.size() - 5))), {});
    const auto events = events_of(reader);
    EXPECT_THAT(events,
                ElementsAre("0@0 http://a/1", "1@22 http://a/1", HasSubstr("damaged gzip data after 44 decompressed")));
    EXPECT_EQ(reader.offset(), 44U);
    EXPECT_EQ(events_of(reader).front(), events.back());
}

std::size_t resident_bytes() {
    std::size_t total = 0;
    std::size_t resident = 0;
    std::ifstream("/proc/self/statm") >> total >> resident;
    return resident * static_cast<std::size_t>(::getpagesize());
}

// One line of 1 GiB; notes what the process holds after 64 MiB of it and at its end.
class GiantLineSource final : public ByteSource {
  public:
    struct Memory {
        std::size_t early = 0;
        std::size_t late = 0;
    };
    explicit GiantLineSource(Memory& memory) : memory_(memory) {}

    Checked<std::size_t> read(std::span<char> into) override {
        if (given_ >= std::uint64_t{64} << 20 && memory_.early == 0) {
            memory_.early = resident_bytes();
        }
        if (given_ >= std::uint64_t{1} << 30) {
            memory_.late = resident_bytes();
            return std::size_t{0};
        }
        std::memset(into.data(), 'x', into.size());
        given_ += into.size();
        return into.size();
    }
    [[nodiscard]] Progress progress() const override { return {given_, std::nullopt}; }
    [[nodiscard]] const std::string& name() const override { return name_; }

  private:
    Memory& memory_;
    std::uint64_t given_ = 0;
    std::string name_ = "giant";
};

TEST(Reader, MemoryDoesNotDependOnTheInput) {
    GiantLineSource::Memory memory;
    Reader::Options options;
    options.accept_unfinished_tail = true;
    Reader reader(std::make_unique<GiantLineSource>(memory), options);
    EXPECT_THAT(events_of(reader), ElementsAre("0@0 BAD longer than 4194304 bytes"));
    EXPECT_GE(reader.offset(), std::uint64_t{1} << 30);
    EXPECT_LT(memory.late, memory.early + (4U << 20));
}

}  // namespace
}  // namespace grit::annotations
