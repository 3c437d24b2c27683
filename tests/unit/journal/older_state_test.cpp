#include "journal_rig.hpp"

#include "grit/base/quantity.hpp"

namespace grit::journal {
namespace {

using testing::HasSubstr;

// What a state that is put back makes of a journal that has gone on.
class OlderState : public test::JournalRig {
  protected:
    void put_back(const store::JournalMark& older) {
        journal_.reset();
        ASSERT_TRUE(writer_.transact([&](store::WriteTxn& txn) { return store::put_journal_mark(txn, older); }));
    }
    void make_it_a_backup() {
        ASSERT_TRUE(writer_.transact([](store::WriteTxn& txn) { return store::put_backup_time(txn, 1'700'000'000'000); }));
    }
    static std::vector<std::string> line_of(std::int64_t time_ms, const std::string& name) {
        Line line;
        line.kind = Kind::result;
        line.time_ms = time_ms;
        line.record.url = "http://" + name + "/";
        return {text_of(line)};
    }
    std::map<std::string, std::string> files() {
        std::map<std::string, std::string> all;
        for (const std::string& name : names()) {
            all[name] = bytes_of(path(name));
        }
        return all;
    }
    void expect_refusal(const std::string& why) {
        const auto before = files();
        const auto opened = Journal::open(options_, *env_, metrics_, clock_, log_);
        ASSERT_FALSE(opened) << why;
        for (const char* const words : {"older than its outcome journal", "gritctl rebuild", "gritd run --older-state", why.c_str()}) {
            EXPECT_THAT(opened.error().what, HasSubstr(words));
        }
        EXPECT_EQ(files(), before) << "nothing is touched";
    }
};

TEST_F(OlderState, IsRefusedWhereANewerFileIsSealed) {
    ASSERT_TRUE(write(lines(2)));
    const store::JournalMark older = mark();
    seal();
    ASSERT_TRUE(write(lines(1, "y")));
    seal();
    put_back(older);
    expect_refusal("outcomes-00000002.jsonl.zst is newer than all that the state knows, which is file 1");
}

TEST_F(OlderState, IsRefusedWhereItsFileWasSealedWithMore) {
    ASSERT_TRUE(write(lines(2)));
    const store::JournalMark older = mark();
    ASSERT_TRUE(write(lines(1, "y")));
    seal();
    put_back(older);
    expect_refusal("has lines behind the " + std::to_string(older.bytes) + " bytes of which the state knows");
}

TEST_F(OlderState, IsRefusedWhereTwoFilesFollow) {
    ASSERT_TRUE(write(lines(2)));
    const store::JournalMark older = mark();
    journal_.reset();
    put_bytes(path("outcomes-00000003.jsonl"), bytes_of(path("outcomes-00000001.jsonl")));
    put_back(older);
    expect_refusal("outcomes-00000003.jsonl is newer");
}

TEST_F(OlderState, IsRefusedWhereTheOpenFileGoesOnForLong) {
    ASSERT_TRUE(write(line_of(1'000, "x")));
    const store::JournalMark older = mark();
    ASSERT_TRUE(write(line_of(2'000, "y")));
    ASSERT_TRUE(write(line_of(2'000 + 600'001, "z")));
    put_back(older);
    expect_refusal("goes on until 1970-01-01T00:10:02.001Z");
}

TEST_F(OlderState, LinesOfOneTransactionAreWhatACrashLeaves) {
    ASSERT_TRUE(write(line_of(1'000, "x")));
    const store::JournalMark older = mark();
    ASSERT_TRUE(write(line_of(2'000, "y")));
    ASSERT_TRUE(write(line_of(2'000 + 600'000, "z")));
    put_back(older);
    open();
    EXPECT_EQ(read().lines.size(), 1u);
}

TEST_F(OlderState, ABackupIsRefusedForAnyLineBehindIt) {
    ASSERT_TRUE(write(lines(2)));
    make_it_a_backup();
    open();  // nothing came since
    const store::JournalMark older = mark();
    ASSERT_TRUE(write(lines(1, "y")));
    put_back(older);
    expect_refusal("is a backup of " + format_utc(1'700'000'000'000));
}

// Whatever comes of it, each number of a line is there once, and what was given up is still to be had.
TEST_F(OlderState, AcceptedItGoesOnAndKeepsWhatCameSinceAside) {
    for (const bool is_sealed : {false, true}) {
        ASSERT_TRUE(write(lines(2)));
        const store::JournalMark older = mark();
        const std::size_t before = read().lines.size();
        ASSERT_TRUE(write(lines(1, "given-up")));
        if (is_sealed) {
            seal();
            ASSERT_TRUE(write(lines(1, "given-up-too")));
        }
        make_it_a_backup();
        put_back(older);
        options_.older_state = true;
        open();
        options_.older_state = false;
        ASSERT_TRUE(writer_.transact(store::erase_backup_time));
        open();  // it is not said twice, though nothing was written
        ASSERT_TRUE(write(lines(1, "y")));
        open();
        const auto all = read();
        ASSERT_EQ(all.lines.size(), before + 1);
        EXPECT_EQ(all.lines.back().record.url, "http://y/0");
        EXPECT_EQ(all.report.missing, 0u);
        EXPECT_TRUE(all.report.problems.empty());
        clock_.advance(std::chrono::seconds(1));
    }
    EXPECT_THAT(log_text_, HasSubstr("journal.older_state"));
    std::vector<std::string> aside = names();
    std::erase_if(aside, [](const std::string& name) { return !name.starts_with("given-up-"); });
    EXPECT_EQ(aside.size(), 3u);
    EXPECT_THAT(bytes_of(path(aside.front())), HasSubstr("http://given-up/0"));
}

// What the kill of a crawl leaves again and again, before it has committed anything.
TEST_F(OlderState, CrashesWithoutACommitInBetweenLeaveNoneHoweverMany) {
    for (const bool is_sealed : {false, true}) {
        ASSERT_TRUE(write(lines(2)));
        if (is_sealed) {
            seal();
        }
        for (int crash = 0; crash < 4; ++crash) {
            ASSERT_FALSE(write(lines(3, "never"), false));
            open();
        }
    }
    EXPECT_EQ(read().lines.size(), 4u);
    EXPECT_EQ(read().report.missing, 0u);
}

}  // namespace
}  // namespace grit::journal
