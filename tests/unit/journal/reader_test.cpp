#include "journal_rig.hpp"

namespace grit::journal {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Three sealed files of a hundred lines each, and one that is being written.
class JournalReaderTest : public test::JournalRig {
  protected:
    JournalReaderTest() {
        for (const char* name : {"a", "b", "c"}) {
            EXPECT_TRUE(write(lines(100, name)));
            seal();
        }
        EXPECT_TRUE(write(lines(100, "d")));
    }
};

TEST_F(JournalReaderTest, ReadsAllInOrder) {
    const auto all = read();
    EXPECT_EQ(all.lines.size(), 400u);
    EXPECT_EQ(all.report.files, 4u);
    EXPECT_EQ(all.report.lines, 404u);
    EXPECT_EQ(all.report.last_seq, 404u);
    EXPECT_THAT(all.report.problems, ElementsAre());
}

TEST_F(JournalReaderTest, AMissingFileIsSaidByName) {
    std::filesystem::remove(path("outcomes-00000002.jsonl.zst"));
    const auto all = read();
    EXPECT_EQ(all.lines.size(), 300u);
    EXPECT_EQ(all.report.missing, 101u);
    EXPECT_THAT(all.report.problems,
                ElementsAre("lines 102 to 202 are missing before outcomes-00000003.jsonl.zst: outcomes-00000002.jsonl.zst is not there"));
}

TEST_F(JournalReaderTest, AFlippedByteCostsItsFileAtMostAndIsSaid) {
    const std::string file = path("outcomes-00000002.jsonl.zst");
    const std::string whole = bytes_of(file);
    std::size_t without_meaning = 0;  // bits that a frame does not use
    for (std::size_t i = 0; i < whole.size(); i += 7) {
        std::string damaged = whole;
        damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
        put_bytes(file, damaged);
        const auto all = read();
        ASSERT_GE(all.lines.size(), 300u) << i;
        if (all.report.problems.empty()) {
            ASSERT_EQ(all.lines.size(), 400u) << i;
            ++without_meaning;
            continue;
        }
        ASSERT_THAT(all.report.problems[0], HasSubstr("outcomes-00000002.jsonl.zst")) << i;
        for (std::size_t line = 0; line < all.lines.size(); ++line) {
            ASSERT_TRUE(all.lines[line].record.url.starts_with("http://")) << i;
        }
    }
    EXPECT_LE(without_meaning, 2u);
}

TEST_F(JournalReaderTest, AFlippedByteOfTheOpenFileCostsOneLine) {
    const std::string file = path("outcomes-00000004.jsonl");
    std::string bytes = bytes_of(file);
    bytes[bytes.find("http://d/50")] = 'X';
    put_bytes(file, bytes);
    const auto all = read();
    EXPECT_EQ(all.lines.size(), 399u);
    EXPECT_EQ(all.report.damaged, 1u);
    EXPECT_EQ(all.report.missing, 0u);
    EXPECT_THAT(all.report.problems, ElementsAre(HasSubstr("outcomes-00000004.jsonl: the line behind number")));
}

TEST_F(JournalReaderTest, ATornLastFileGivesWhatIsWhole) {
    const std::string file = path("outcomes-00000004.jsonl");
    std::filesystem::resize_file(file, std::filesystem::file_size(file) - 5);
    const auto all = read();
    EXPECT_EQ(all.lines.size(), 399u);
    EXPECT_THAT(all.report.problems, ElementsAre("outcomes-00000004.jsonl: its last line is cut short"));
}

TEST_F(JournalReaderTest, ATornSealedFileIsSaid) {
    const std::string file = path("outcomes-00000003.jsonl.zst");
    std::filesystem::resize_file(file, std::filesystem::file_size(file) - 5);
    const auto all = read();
    EXPECT_GE(all.lines.size(), 300u);
    EXPECT_THAT(all.report.problems[0], HasSubstr("outcomes-00000003.jsonl.zst is cut short"));
}

TEST_F(JournalReaderTest, WithoutAFolderThereIsNothing) {
    const auto report = read_journal(folder_.path() / "none", [](Line&, std::uint64_t) { return true; });
    ASSERT_TRUE(report);
    EXPECT_EQ(report->files, 0u);
}

}  // namespace
}  // namespace grit::journal
