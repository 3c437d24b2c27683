#include "grit/dataset/url_list_export.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "scratch.hpp"

namespace grit::dataset {
namespace {

using test::all_of;
using test::python;
using test::ScratchFolder;
using test::write_file;
using testing::HasSubstr;

constexpr std::string_view kLines =
    R"({"key": "000373938", "id": 7, "url": "https://a.example/x.jpg", "caption": "c"})"
    "\n"
    R"({"url": "http://b.example/a,b \"q\".png", "key": "1,\"2\""})"
    "\n"
    R"({"key": "line\nfeed", "url": "https://\u00fc.example/\ud83d\ude00", "noun_chunks": [[0, 1.0, 0.5, 0.5, 1, 1, 0.7]]})"
    "\n"
    R"({"key": "000373938", "url": "https://a.example/x.jpg"})"
    "\n";

std::unique_ptr<UrlListExport> open(std::vector<std::string> inputs, UrlListExport::Options options = {}) {
    auto opened = UrlListExport::open(std::move(inputs), std::move(options));
    EXPECT_TRUE(opened) << opened.error().what;
    return std::move(*opened);
}

TEST(UrlListExport, IsTheSeedsToTheByte) {
    const ScratchFolder folder;
    const std::string input = folder / "a.jsonl";
    write_file(input, kLines);
    const std::string seeds = python(folder,
                                     "import csv, io, json, sys\nout = io.StringIO(newline='')\n"
                                     "w = csv.writer(out)\nw.writerow(['url', 'image_id'])\n"
                                     "for line in open('" +
                                         input +
                                         "', encoding='utf-8'):\n"
                                         "    d = json.loads(line)\n    w.writerow([d['url'], d['key']])\n"
                                         "sys.stdout.buffer.write(out.getvalue().encode())\n");
    const auto source = open({input});
    EXPECT_EQ(all_of(*source), seeds);
    EXPECT_EQ(source->rows(), 4u);
    EXPECT_EQ(source->left_out(), 0u);
}

TEST(UrlListExport, ReadsCompressedInputsInOrder) {
    const ScratchFolder folder;
    write_file(folder / "a", R"({"url": "http://a/", "key": "1"})"
                             "\n");
    write_file(folder / "b", R"({"url": "http://b/", "key": "2"})"
                             "\n");
    write_file(folder / "c", R"({"url": "http://c/", "key": "3"})");
    ASSERT_EQ(std::system(("gzip " + folder / "a" + " && zstd -q --rm " + folder / "b").c_str()), 0);  // NOLINT
    const auto source = open({folder / "a.gz", folder / "b.zst", folder / "c"});
    EXPECT_EQ(all_of(*source), "url,image_id\r\nhttp://a/,1\r\nhttp://b/,2\r\nhttp://c/,3\r\n");
}

TEST(UrlListExport, BadLinesAreLeftOutAndCounted) {
    const ScratchFolder folder;
    const std::string input = folder / "a.jsonl";
    write_file(input,
               "{\"url\": \"http://a/\", \"key\": \"1\"}\n"
               "\n"
               "{broken\n"
               "{\"key\": \"2\"}\n"
               "{\"url\": \"http://b/\"}\n"
               "{\"url\": 5, \"key\": \"3\"}\n"
               "{\"url\": \"http://c/\", \"key\": 40}\n"
               "{\"url\": \"http://d/\", \"ke");
    const auto source = open({input});
    EXPECT_EQ(all_of(*source), "url,image_id\r\nhttp://a/,1\r\nhttp://c/,40\r\n");
    EXPECT_EQ(source->left_out(), 6u);
    EXPECT_THAT(source->first_left_out(), HasSubstr(input + ":2: "));
}

TEST(UrlListExport, FieldsCanBeNamed) {
    const ScratchFolder folder;
    const std::string input = folder / "a.jsonl";
    write_file(input, R"({"link": "http://a/", "id": 12345678901234567890, "key": "1"})"
                      "\n");
    const auto source = open({input}, {"link", "id"});
    EXPECT_EQ(all_of(*source), "url,image_id\r\nhttp://a/,12345678901234567890\r\n");
}

TEST(UrlListExport, LargeInputsComeInPieces) {
    const ScratchFolder folder;
    const std::string input = folder / "a.jsonl";
    std::string lines;
    for (int i = 0; i < 30'000; ++i) {
        lines += R"({"url": "https://host.example/image/)" + std::to_string(i) + R"(.jpg", "key": "0)" +
                 std::to_string(i) + "\"}\n";
    }
    write_file(input, lines);
    const auto source = open({input});
    std::string chunk;
    std::size_t pieces = 0;
    while (source->next(chunk).value()) {
        EXPECT_LE(chunk.size(), 300u * 1024);
        ++pieces;
    }
    EXPECT_GT(pieces, 3u);
    EXPECT_EQ(source->rows(), 30'000u);
}

TEST(UrlListExport, PipesCanNotBeReadAgain) {
    const auto opened = UrlListExport::open({"-"}, {});
    ASSERT_FALSE(opened);
    EXPECT_THAT(opened.error().what, HasSubstr("can not be read again"));
}

TEST(UrlListExport, MissingInputIsNamed) {
    const auto source = open({"/no/such/file.jsonl"});
    std::string chunk;
    auto more = source->next(chunk);
    ASSERT_FALSE(more);
    EXPECT_THAT(more.error().what, HasSubstr("/no/such/file.jsonl"));
}

}  // namespace
}  // namespace grit::dataset
