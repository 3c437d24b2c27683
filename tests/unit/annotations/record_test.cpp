#include "grit/annotations/record.hpp"

#include <gmock/gmock.h>

#include <set>

#include "annotations_support.hpp"

namespace grit::annotations {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::filesystem::path shared(const std::string& name) {
    return std::filesystem::path(GRIT_SHARED_DATA) / name;
}

#define GRIT_NEEDS_SHARED(name)                                                                       \
    if (!std::filesystem::exists(shared(name))) {                                                     \
        GTEST_SKIP() << shared(name) << " is absent: the shared sample data are not on this machine"; \
    }

std::string first_line_of(const std::filesystem::path& path) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    return line;
}

// The only GRIT record published as text (dataset card of GRIT, Kosmos-2).
TEST(GritRecord, ThePublishedRecordIsReadExactly) {
    GRIT_NEEDS_SHARED("grit_real_published.jsonl")
    const auto record = parse_grit_record(first_line_of(shared("grit_real_published.jsonl")));
    ASSERT_TRUE(record) << record.error().what;
    EXPECT_EQ(record->key, "000373938");
    EXPECT_EQ(record->clip_b32, 0.353271484375);
    EXPECT_EQ(record->clip_l14, 0.2958984375);
    EXPECT_EQ(record->id, 1795296605919);
    EXPECT_EQ(record->url, "https://www.thestrapsaver.com/wp-content/uploads/customerservice-1.jpg");
    EXPECT_EQ(record->caption, "a wire hanger with a paper cover that reads we heart our customers");
    EXPECT_EQ(record->width, 1024U);
    EXPECT_EQ(record->height, 693U);
    const Span cover{19,        32, 0.019644069503434333, 0.31054004033406574, 0.9622142865754519, 0.9603442351023356,
                     0.79298526};
    const Span hanger{0,         13, 0.019422357885505368, 0.027634161214033764, 0.9593302408854166, 0.969467560450236,
                      0.67520964};
    EXPECT_THAT(record->noun_chunks, ElementsAre(cover, hanger));
    ASSERT_EQ(record->ref_exps.size(), 2U);
    EXPECT_EQ(record->ref_exps[0].end, 66U);
    EXPECT_EQ(phrase_of(record->caption, record->noun_chunks[0]), "a paper cover");
    EXPECT_EQ(phrase_of(record->caption, record->ref_exps[0]), "a paper cover that reads we heart our customers");
}

TEST(GritRecord, TenThousandLinesOfTheShapeAreRead) {
    GRIT_NEEDS_SHARED("grit_like_10000.jsonl")
    auto source = ByteSource::open(shared("grit_like_10000.jsonl").string());
    ASSERT_TRUE(source);
    Reader reader(std::move(*source), {});
    std::ifstream file(shared("grit_like_10000.jsonl"));
    GritParser parser;
    FieldReader fields({"url", "key", "id"});
    std::string text;
    std::size_t lines = 0;
    for (; std::getline(file, text); ++lines) {
        const auto event = reader.next();
        ASSERT_TRUE(event && std::holds_alternative<Line>(*event)) << text;
        const auto& line = std::get<Line>(*event);
        const auto record = parser.parse(text);
        ASSERT_TRUE(record) << record.error().what << text;
        EXPECT_EQ(record->url, line.raw_url);
        EXPECT_EQ(std::to_string(record->id.value()), line.id);
        EXPECT_FALSE(record->noun_chunks.empty());
        for (const Span& span : record->ref_exps) {
            EXPECT_FALSE(phrase_of(record->caption, span).empty());
        }
        const auto chosen = fields.read(text);
        ASSERT_TRUE(chosen);
        EXPECT_THAT(*chosen, ElementsAre(record->url, record->key, line.id));
    }
    EXPECT_EQ(lines, 10'001U);
    EXPECT_EQ(reader.line(), 10'001U);
    EXPECT_EQ(reader.offset(), std::filesystem::file_size(shared("grit_like_10000.jsonl")));
    const auto end = reader.next();
    EXPECT_TRUE(end && std::holds_alternative<End>(*end));
}

TEST(GritRecord, RealUrlListsAreRead) {
    GRIT_NEEDS_SHARED("laion400m_cah_urls_10000.jsonl")
    auto source = ByteSource::open(shared("laion400m_cah_urls_10000.jsonl").string());
    Reader::Options options;
    options.url_field = "URL";
    Reader reader(std::move(*source), options);
    std::set<std::string> urls;
    std::size_t lines = 0;
    while (true) {
        const auto event = reader.next();
        ASSERT_TRUE(event);
        if (std::holds_alternative<End>(*event)) {
            break;
        }
        urls.emplace(std::get<Line>(*event).raw_url);
        ++lines;
    }
    EXPECT_EQ(lines, 10'000U);
    EXPECT_EQ(urls.size(), 9'999U);
}

// COYO names the caption `text` and has no boxes: still a record.
TEST(GritRecord, OtherFieldsAreLeftAlone) {
    GRIT_NEEDS_SHARED("coyo_real_published.jsonl")
    const auto record = parse_grit_record(first_line_of(shared("coyo_real_published.jsonl")));
    ASSERT_TRUE(record) << record.error().what;
    EXPECT_EQ(record->id, 4896263451343);
    EXPECT_EQ(record->width, 600U);
    EXPECT_TRUE(record->caption.empty());
    EXPECT_TRUE(record->noun_chunks.empty());
}

TEST(GritRecord, OnlyTheUrlIsRequired) {
    const auto record = parse_grit_record(R"({"url": "a", "caption": null, "id": null})");
    ASSERT_TRUE(record);
    EXPECT_FALSE(record->id);
    EXPECT_EQ(parse_grit_record(R"({"caption": "a"})").error().what, "no \"url\"");
    EXPECT_EQ(parse_grit_record(R"({"url": null})").error().what, "no \"url\"");
    EXPECT_EQ(parse_grit_record("").error().what, "a blank line");
    EXPECT_EQ(parse_grit_record(R"({"url": "a")").error().what, "broken JSON: the object is not closed");
}

// The Parquet form yields whole numbers as floats.
TEST(GritRecord, WholeNumbersMayBeFloats) {
    const auto record = parse_grit_record(
        R"({"url": "a", "id": 17.0, "width": 640.0, "height": 4.8e2, "ref_exps": [[19.0, 66, 0, 0.5, 1, 1.0, 0.7]]})"
        "\r\n");
    ASSERT_TRUE(record) << record.error().what;
    EXPECT_EQ(record->id, 17);
    EXPECT_EQ(record->width, 640U);
    EXPECT_EQ(record->height, 480U);
    EXPECT_THAT(record->ref_exps, ElementsAre(Span{19, 66, 0, 0.5, 1, 1, 0.7}));
}

TEST(GritRecord, KeysStayTexts) {
    EXPECT_EQ(parse_grit_record(R"({"url": "a", "key": "007"})")->key, "007");
    EXPECT_EQ(parse_grit_record(R"({"url": "a", "key": 373938})")->key, "373938");
    EXPECT_EQ(parse_grit_record(R"({"key" : 1.50 , "url": "a"})")->key, "1.50");
    EXPECT_EQ(parse_grit_record(R"({"url": "a", "key": [1]})").error().what, "\"key\" is not a string");
}

TEST(GritRecord, WrongTypesAreNamed) {
    const auto problem = [](const std::string& field, const std::string& value) {
        const auto record = parse_grit_record("{\"url\": \"a\", \"" + field + "\": " + value + "}");
        return record ? "" : record.error().what;
    };
    EXPECT_EQ(problem("caption", "3"), "\"caption\" is not a string");
    EXPECT_EQ(problem("id", "1.5"), "\"id\" is not a whole number");
    EXPECT_EQ(problem("id", "1e300"), "\"id\" is not a whole number");
    EXPECT_EQ(problem("id", "18446744073709551615"), "\"id\" is not a whole number");
    EXPECT_EQ(problem("id", "-5"), "");
    EXPECT_EQ(problem("width", "-1"), "\"width\" is not a whole number of pixels");
    EXPECT_EQ(problem("height", "4294967296"), "\"height\" is not a whole number of pixels");
    EXPECT_EQ(problem("clip_similarity_vitb32", "\"x\""), "\"clip_similarity_vitb32\" is not a number");
    EXPECT_EQ(problem("ref_exps", "[]"), "");
    for (const char* spans : {"{}", "[1]", "[[0, 1, 0, 0, 1, 1]]", "[[0, 1, 0, 0, 1, 1, 1, 1]]",
                              "[[0.5, 1, 0, 0, 1, 1, 1]]", "[[-1, 1, 0, 0, 1, 1, 1]]", "[[0, 1, \"0\", 0, 1, 1, 1]]"}) {
        EXPECT_THAT(problem("noun_chunks", spans), HasSubstr("\"noun_chunks\" is not a list of [start, end,")) << spans;
    }
}

// Offsets are Python's: code points, end exclusive, cut at the end.
TEST(PhraseOf, CountsCodePoints) {
    const auto phrase = [](std::string_view caption, std::uint32_t start, std::uint32_t end) {
        Span span;
        span.start = start;
        span.end = end;
        return phrase_of(caption, span);
    };
    EXPECT_EQ(phrase("ein süßes 😀 Tier", 4, 9), "süßes");
    EXPECT_EQ(phrase("ein süßes 😀 Tier", 10, 16), "😀 Tier");
    EXPECT_EQ(phrase("abc", 1, 99), "bc");
    EXPECT_EQ(phrase("abc", 3, 4), "");
    EXPECT_EQ(phrase("abc", 2, 1), "");
    EXPECT_EQ(phrase("abc", 4'000'000'000, 4'294'967'295), "");
}

TEST(FieldReader, ReadsChosenFieldsAsText) {
    FieldReader fields({"url", "key", "absent", "n", "yes", "list", "url"});
    const auto values =
        fields.read(R"({"n": 1.50, "url": "a\n", "key": "007", "yes": true, "list": [1], "other": {}})");
    ASSERT_TRUE(values) << values.error().what;
    EXPECT_THAT(*values, ElementsAre("a\n", "007", std::nullopt, "1.50", "true", std::nullopt, "a\n"));
    const auto next = fields.read(R"({"key": 18})");
    EXPECT_THAT(*next,
                ElementsAre(std::nullopt, "18", std::nullopt, std::nullopt, std::nullopt, std::nullopt, std::nullopt));
    EXPECT_EQ(fields.read("{").error().what, "broken JSON: the object is not closed");
}

}  // namespace
}  // namespace grit::annotations
