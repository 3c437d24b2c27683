#include "journal_rig.hpp"

#include "grit/store/block_rows.hpp"

#include <zstd.h>

namespace grit::journal {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class JournalTest : public test::JournalRig {};

TEST_F(JournalTest, NumbersItsLinesAndTellsTheStateHowFarItCounts) {
    EXPECT_EQ(mark(), store::JournalMark());
    ASSERT_TRUE(write(lines(2)));
    ASSERT_TRUE(write(lines(1, "y")));
    EXPECT_EQ(mark().file, 1u);
    EXPECT_EQ(mark().bytes, std::filesystem::file_size(path("outcomes-00000001.jsonl")));
    EXPECT_EQ(mark().next_seq, 5u) << "with the line that begins the file";
    const auto all = read();
    EXPECT_EQ(all.report.missing, 0u);
    ASSERT_EQ(all.lines.size(), 3u);
    EXPECT_EQ(all.lines[0].seq, 2u);
    EXPECT_EQ(all.lines[2].record.url, "http://y/0");
}

TEST_F(JournalTest, WithoutALineItMakesNoFile) {
    ASSERT_TRUE(write({}));
    EXPECT_EQ(mark(), store::JournalMark());
    journal_->close();
    EXPECT_THAT(names(), ElementsAre());
}

TEST_F(JournalTest, OfATransactionThatFailedNothingStays) {
    ASSERT_FALSE(write(lines(3, "never"), false));
    ASSERT_TRUE(write(lines(1)));
    ASSERT_FALSE(write(lines(2, "never"), false));
    ASSERT_TRUE(write(lines(1, "y")));
    const auto all = read();
    ASSERT_EQ(all.lines.size(), 2u);
    EXPECT_EQ(all.lines[0].record.url, "http://x/0");
    EXPECT_EQ(all.lines[1].record.url, "http://y/0");
    EXPECT_EQ(all.report.missing, 0u);
}

TEST_F(JournalTest, ARestartCutsOffWhatWasNeverCommitted) {
    ASSERT_TRUE(write(lines(1)));
    ASSERT_FALSE(write(lines(5, "never"), false));
    open();
    EXPECT_EQ(read().lines.size(), 1u);
    EXPECT_THAT(log_text_, HasSubstr("journal.cut_back"));
    ASSERT_TRUE(write(lines(1, "y")));
    EXPECT_EQ(read().lines.size(), 2u);
    EXPECT_EQ(read().report.missing, 0u);
}

TEST_F(JournalTest, ARestartRemovesAFileThatWasNeverCommitted) {
    ASSERT_FALSE(write(lines(5, "never"), false));
    ASSERT_EQ(names().size(), 1u);
    open();
    EXPECT_THAT(names(), ElementsAre());
}

// What the committer does before it syncs the images: the same lines again in the transaction cost no second write.
TEST_F(JournalTest, WhatWasStagedIsNotWrittenTwice) {
    const auto some = lines(100);
    ASSERT_TRUE(writer_.transact([&](store::WriteTxn& txn) { return journal_->stage(txn, some); }));
    EXPECT_EQ(mark(), store::JournalMark());
    const auto inode_bytes = bytes_of(path("outcomes-00000001.jsonl"));
    auto more = some;
    more.push_back(lines(1, "host")[0]);
    ASSERT_TRUE(write(more));
    EXPECT_TRUE(bytes_of(path("outcomes-00000001.jsonl")).starts_with(inode_bytes));
    EXPECT_EQ(read().lines.size(), 101u);
    // And other lines than those that were staged take their place.
    ASSERT_TRUE(writer_.transact([&](store::WriteTxn& txn) { return journal_->stage(txn, lines(3, "other")); }));
    ASSERT_TRUE(write(lines(1, "y")));
    EXPECT_EQ(read().lines.size(), 102u);
}

TEST_F(JournalTest, SealsByAgeAndBySizeAndAtTheEnd) {
    ASSERT_TRUE(write(lines(1)));
    EXPECT_FALSE(journal_->seal_due());
    seal();
    EXPECT_THAT(names(), ElementsAre("outcomes-00000001.jsonl.zst"));
    ASSERT_TRUE(write(lines(1)));
    options_.seal_bytes = 10'000;
    open();
    ASSERT_TRUE(write(lines(100)));
    journal_->seal_if_due();
    ASSERT_TRUE(write(lines(1)));
    journal_->close();
    EXPECT_THAT(names(), ElementsAre("outcomes-00000001.jsonl.zst", "outcomes-00000002.jsonl.zst", "outcomes-00000003.jsonl.zst"));
    open();
    ASSERT_TRUE(write(lines(1)));
    EXPECT_EQ(mark().file, 4u);
    EXPECT_EQ(read().lines.size(), 104u);
    EXPECT_EQ(read().report.missing, 0u);
}

// Many readers take the end of a frame for the end of the file.
TEST_F(JournalTest, ASealedFileIsOneFrameWithItsLength) {
    ASSERT_TRUE(write(lines(5'000)));
    const std::uint64_t size = mark().bytes;
    seal();
    const std::string bytes = bytes_of(path("outcomes-00000001.jsonl.zst"));
    EXPECT_EQ(ZSTD_getFrameContentSize(bytes.data(), bytes.size()), size);
    EXPECT_EQ(ZSTD_findFrameCompressedSize(bytes.data(), bytes.size()), bytes.size());
}

TEST_F(JournalTest, EachFileBeginsWithWhatIsBlocked) {
    ASSERT_TRUE(write(lines(1)));
    seal();
    ASSERT_TRUE(writer_.transact([](store::WriteTxn& txn) { return store::put_block_row(txn, {"domain", "a.test", "", 1, 2}); }));
    ASSERT_TRUE(write(lines(1)));
    std::vector<Line> begins;
    ASSERT_TRUE(read_journal(folder_path_, [&](Line& line, std::uint64_t) {
        if (line.kind == Kind::begin) {
            begins.push_back(line);
        }
        return true;
    }));
    ASSERT_EQ(begins.size(), 2u);
    EXPECT_EQ(begins[0].data.at("dataset").as_string(), env_->dataset_id());
    EXPECT_EQ(begins[0].data.at("blocks").as_array().size(), 0u);
    EXPECT_EQ(begins[1].data.at("blocks").as_array().size(), 1u);
}

TEST_F(JournalTest, AStopBetweenTheStepsOfSealingLosesAndRepeatsNothing) {
    ASSERT_TRUE(write(lines(3)));
    const std::string plain = bytes_of(path("outcomes-00000001.jsonl"));
    seal();
    put_bytes(path("outcomes-00000001.jsonl"), plain);  // not removed yet
    put_bytes(path("outcomes-00000001.jsonl.zst.part"), "half");
    EXPECT_EQ(read().lines.size(), 3u);
    open();
    EXPECT_THAT(names(), ElementsAre("outcomes-00000001.jsonl.zst"));
}

// A sync was refused, the next file was begun, and a power cut brought back what was never committed of the older one.
TEST_F(JournalTest, WhatAnOlderFileHasBehindItsCommittedLinesNeverCounts) {
    ASSERT_TRUE(write(lines(2)));
    const std::uint64_t committed = mark().bytes;
    auto plain = bytes_of(path("outcomes-00000001.jsonl"));
    seal();
    ASSERT_TRUE(write(lines(2, "true")));
    const std::string never = whole_line(4, lines(1, "never")[0]) + whole_line(5, lines(2, "never")[1]);
    ASSERT_EQ(plain.size(), committed);
    std::filesystem::remove(path("outcomes-00000001.jsonl.zst"));
    put_bytes(path("outcomes-00000001.jsonl"), plain + never);
    for (int i = 0; i < 2; ++i) {  // as it is found, and once it is sealed
        const auto all = read();
        ASSERT_EQ(all.lines.size(), 4u);
        EXPECT_EQ(all.lines[2].record.url, "http://true/0");
        EXPECT_EQ(all.report.missing, 0u);
        open();
        drain();
    }
    EXPECT_EQ(names()[0], "outcomes-00000001.jsonl.zst");
}

TEST_F(JournalTest, AFileThatLostItsEndIsNotGoneOnWith) {
    ASSERT_TRUE(write(lines(3)));
    std::filesystem::resize_file(path("outcomes-00000001.jsonl"), mark().bytes - 10);
    open();
    EXPECT_THAT(log_text_, HasSubstr("journal.shorter_than_counted"));
    ASSERT_TRUE(write(lines(1, "y")));
    EXPECT_EQ(mark().file, 2u);
    open();
    const auto all = read();
    EXPECT_EQ(all.lines.size(), 3u);
    EXPECT_EQ(all.report.damaged, 1u);
    ASSERT_FALSE(all.report.problems.empty());
    EXPECT_THAT(all.report.problems[0], HasSubstr("outcomes-00000001.jsonl"));
}

TEST_F(JournalTest, OfAnotherDatasetItIsRefusedInWords) {
    ASSERT_TRUE(write(lines(1)));
    journal_.reset();
    const auto other = store::Env::open(folder_.path() / "other").value();
    const auto opened = Journal::open(options_, *other, metrics_, clock_, log_);
    ASSERT_FALSE(opened);
    EXPECT_THAT(opened.error().what, HasSubstr("of another dataset"));
    EXPECT_THAT(opened.error().what, HasSubstr("gritctl rebuild"));
}

TEST_F(JournalTest, SwitchedOffForAWhileItShowsAGap) {
    ASSERT_TRUE(write(lines(1)));
    ASSERT_TRUE(writer_.transact(mark_gap));
    open();
    ASSERT_TRUE(write(lines(1)));
    EXPECT_EQ(read().report.missing, 1u);
}

}  // namespace
}  // namespace grit::journal
