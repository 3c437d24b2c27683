#include "grit/crawl/ingestor.hpp"

#include "grit/store/line_blocks.hpp"

#include "grit/metrics/metrics.hpp"
#include "grit/store/tables.hpp"
#include "grit/store/writer.hpp"

#include "manual_clock.hpp"
#include "temp_folder.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <zlib.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <thread>

namespace grit::crawl {
namespace {

namespace fs = std::filesystem;

class IngestorTest : public ::testing::Test {
  protected:
    IngestorTest() {
        fs::create_directory(state());
        env_ = store::Env::open(state()).value();
        writer_ = std::make_unique<store::Writer>(*env_, clock_);
        options_.state_dir = state();
        options_.input.annotations = {input()};
        options_.on_fault = [this](Outcome, const std::string&) { ++faults_; };
    }
    ~IngestorTest() override { end_life(); }

    [[nodiscard]] fs::path state() const { return folder_.path() / "state"; }
    [[nodiscard]] std::string input() const { return folder_ / "input.jsonl"; }
    static std::string line(int number) {
        return R"({"url": "http://h)" + std::to_string(number % 7) + ".example.org/" + std::to_string(number) + "\"}\n";
    }
    void write(const std::string& text, bool append = false) {
        std::ofstream(input(), append ? std::ios::app : std::ios::trunc) << text;
    }

    /// A process begins to ingest, as after a start.
    void begin_life() {
        hosts_ = std::make_unique<frontier::HostTable>();
        {
            const store::ReadTxn txn = env_->read().value();
            ASSERT_TRUE(store::for_each_host(txn, [this](HostId id, const store::HostRow& row) {
                hosts_->load(id, row.name, row.domain, row.partition);
                return true;
            }));
        }
        ingestor_ = std::make_unique<Ingestor>(options_, *env_, *writer_, *hosts_, metrics_, log_,
                                               [this](RunId, const std::vector<store::RunHost>&) { ++runs_; });
        ingestor_->start();
    }
    void end_life() {
        if (ingestor_) {
            ingestor_->stop();
            writer_->drain();
            ingestor_.reset();
        }
    }
    template <class Condition>
    bool wait_for(Condition condition) {
        const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (!condition() && std::chrono::steady_clock::now() < until) {
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        return condition();
    }
    bool wait_for_the_end() {
        return wait_for([this] { return ingestor_->progress().complete || !ingestor_->progress().problem.empty(); });
    }
    /// A whole life.
    void ingest() {
        begin_life();
        EXPECT_TRUE(wait_for_the_end());
        EXPECT_EQ(ingestor_->progress().problem, "");
        end_life();
    }

    /// Every line of the queue, by ordinal. Fails on a line that is there twice.
    std::map<Ordinal, std::string> queued() {
        std::map<Ordinal, std::string> lines;
        store::BlockCodec codec;
        const store::ReadTxn txn = env_->read().value();
        const store::Totals totals = store::get_totals(txn).value();
        EXPECT_TRUE(store::for_each_run(txn, [&](RunId run, const std::vector<store::RunHost>& hosts) {
            EXPECT_LT(run, totals.next_run);
            for (const store::RunHost& host : hosts) {
                const store::HostRow row = store::get_host(txn, host.host).value();
                std::size_t count = 0;
                for (auto key = store::next_block(txn, host.host, run, 0); key;
                     key = store::next_block(txn, host.host, run, key->block + 1)) {
                    for (const store::QueueEntry& entry : store::get_block(txn, codec, *key, row.name).value()) {
                        EXPECT_TRUE(lines.emplace(entry.ordinal, entry.url).second) << entry.ordinal;
                        ++count;
                    }
                }
                EXPECT_EQ(count, host.lines);
            }
            return true;
        }));
        return lines;
    }
    void expect_lines(int count) {
        const std::map<Ordinal, std::string> lines = queued();
        ASSERT_EQ(lines.size(), static_cast<std::size_t>(count));
        for (int i = 0; i < count; ++i) {
            const auto found = lines.find(static_cast<Ordinal>(i));
            ASSERT_NE(found, lines.end()) << "ordinals are the lines' numbers";
            EXPECT_TRUE(found->second.ends_with("/" + std::to_string(i))) << found->second;
        }
        EXPECT_EQ(totals().lines, static_cast<std::uint64_t>(count));
        EXPECT_EQ(totals().next_ordinal, static_cast<Ordinal>(count));
    }
    store::Totals totals() { return store::get_totals(env_->read().value()).value(); }
    std::string quarantine_text() {
        std::ifstream in(state() / "quarantine.jsonl");
        return {std::istreambuf_iterator<char>(in), {}};
    }

    grit::test::TempFolder folder_;
    grit::test::ManualClock clock_;
    Logger log_{LogLevel::error};
    metrics::Metrics metrics_{WallTime(std::chrono::seconds(1))};
    std::unique_ptr<store::Env> env_;
    std::unique_ptr<store::Writer> writer_;
    std::unique_ptr<frontier::HostTable> hosts_;
    Ingestor::Options options_;
    std::atomic<int> runs_{0};
    std::atomic<int> faults_{0};
    std::unique_ptr<Ingestor> ingestor_;
};

TEST_F(IngestorTest, EveryLineGetsAnOrdinalAndOneOfThreeEnds) {
    write(line(0) + "not json\n" + R"({"url": "ftp://a.example.org/x"})" + "\n" + R"({"url": "http://"})" + "\n" +
          R"({"url": "ftp://a.example.org/x"})" + "\n\n" + line(6));
    ingest();
    const std::map<Ordinal, std::string> lines = queued();
    ASSERT_EQ(lines.size(), 2u);
    EXPECT_TRUE(lines.contains(0) && lines.contains(6));
    const store::Totals now = totals();
    EXPECT_EQ(now.lines, 7u);
    EXPECT_EQ(now.quarantined, 2u);
    EXPECT_EQ(now.outcomes[index_of(Outcome::scheme_refused)], 1u);
    EXPECT_EQ(now.outcomes[index_of(Outcome::bad_url)], 1u);
    EXPECT_EQ(now.outcomes[index_of(Outcome::duplicate_url)], 1u);
    EXPECT_EQ(now.quarantine_bytes, quarantine_text().size());
    EXPECT_NE(quarantine_text().find("\"line\":2"), std::string::npos);
}

TEST_F(IngestorTest, GoesOnWhereItStoodHoweverOftenItIsStopped) {
    constexpr int kLines = 3'000;
    std::string text;
    for (int i = 0; i < kLines; ++i) {
        text += line(i);
    }
    write(text);
    options_.first_run_lines = 10;
    options_.run_bytes = 4'000;
    for (int life = 0; life < 12; ++life) {
        const int before = runs_;
        begin_life();
        EXPECT_TRUE(wait_for([&] { return runs_ > before || ingestor_->progress().complete; }));
        end_life();
    }
    ingest();
    expect_lines(kLines);
    EXPECT_GT(runs_, 12);
}

TEST_F(IngestorTest, ReadsAppendedLinesWhenItIsToldAndAnUnfinishedOneWhenItIsWhole) {
    write(line(0) + R"({"url": "http://h1.exam)");
    begin_life();
    ASSERT_TRUE(wait_for_the_end());
    EXPECT_EQ(totals().lines, 1u);
    write("ple.org/1\"}\n" + line(2), true);
    ingestor_->rescan();
    ASSERT_TRUE(wait_for_the_end());
    end_life();
    expect_lines(3);
}

TEST_F(IngestorTest, InOnceAnUnfinishedLastLineCountsAsItStands) {
    options_.accept_unfinished_tail = true;
    write(line(0) + R"({"url": "http://h1.exam)");
    ingest();
    EXPECT_EQ(totals().lines, 2u);
    EXPECT_EQ(totals().quarantined, 1u);
}

TEST_F(IngestorTest, AFileThatWasReplacedIsRefusedInWords) {
    write(line(0) + line(1));
    ingest();
    write(line(5) + line(6) + line(7));
    begin_life();
    ASSERT_TRUE(wait_for_the_end());
    EXPECT_NE(ingestor_->progress().problem.find("another file"), std::string::npos) << ingestor_->progress().problem;
    end_life();
    expect_lines(2);
}

TEST_F(IngestorTest, AnInputThatWasEmptyIsReadWhenItHasLines) {
    write("");
    ingest();
    write(line(0) + line(1));
    ingest();
    expect_lines(2);
}

TEST_F(IngestorTest, QuarantineIsCutBackToWhatIsCounted) {
    write("bad\n" + line(1));
    ingest();
    const std::string counted = quarantine_text();
    std::ofstream(state() / "quarantine.jsonl", std::ios::app) << "{\"of a run that never was committed\":1}\n";
    write("worse\n", true);
    ingest();
    EXPECT_TRUE(quarantine_text().starts_with(counted));
    EXPECT_EQ(quarantine_text().find("never was"), std::string::npos);
    EXPECT_EQ(totals().quarantine_bytes, quarantine_text().size());
    EXPECT_EQ(totals().quarantined, 2u);
}

TEST_F(IngestorTest, AQuarantineThatWasShortenedIsAppendedTo) {
    write("bad\nand worse\n" + line(1));
    ingest();
    const std::string whole = quarantine_text();
    const std::string first = whole.substr(0, whole.find('\n') + 1);
    fs::resize_file(state() / "quarantine.jsonl", first.size() + 10);
    write("worst\n", true);
    ingest();
    const std::string text = quarantine_text();
    EXPECT_TRUE(text.starts_with(first + whole.substr(first.size(), 10) + "\n{")) << "what was left of a line is one of its own";
    EXPECT_EQ(text.find('\0'), std::string::npos);
    EXPECT_EQ(totals().quarantine_bytes, text.size());
    EXPECT_EQ(totals().quarantined, 3u);

    fs::remove(state() / "quarantine.jsonl");
    ingest();  // nothing new, but what counts now is known
    EXPECT_EQ(totals().quarantine_bytes, 0u);
    std::ofstream(state() / "quarantine.jsonl", std::ios::app) << "{\"of a run that never was committed\":1}\n";
    write("even worse\n", true);
    ingest();
    EXPECT_EQ(quarantine_text().find("never was"), std::string::npos);
    EXPECT_EQ(totals().quarantine_bytes, quarantine_text().size());
}

TEST_F(IngestorTest, LinesBeforeADamageAreTakenAndThoseBehindItOnceItIsRepaired) {
    const std::string path = folder_ / "input.jsonl.gz";
    std::string text = "bad\n";
    for (int i = 1; i < 20'000; ++i) {
        text += line(i);
    }
    const auto compress_to = [&] {
        gzFile file = gzopen(path.c_str(), "wb");
        gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
        gzclose(file);
    };
    compress_to();
    fs::resize_file(path, fs::file_size(path) / 2);
    options_.input.annotations = {path};
    begin_life();
    ASSERT_TRUE(wait_for_the_end());
    EXPECT_NE(ingestor_->progress().problem, "");
    const std::uint64_t before = totals().lines;
    EXPECT_GT(before, 1'000u);
    EXPECT_LT(before, 19'000u);
    ingestor_->rescan();
    ASSERT_TRUE(wait_for([this] { return !ingestor_->progress().problem.empty(); })) << "still damaged";
    compress_to();
    ingestor_->rescan();
    ASSERT_TRUE(wait_for([this] { return ingestor_->progress().complete; })) << ingestor_->progress().problem;
    end_life();
    EXPECT_EQ(totals().lines, 20'000u);
    EXPECT_EQ(totals().quarantined, 1u);
    const std::map<Ordinal, std::string> lines = queued();
    ASSERT_EQ(lines.size(), 19'999u);
    for (const auto& [ordinal, url] : lines) {
        ASSERT_TRUE(url.ends_with("/" + std::to_string(ordinal))) << ordinal << " " << url;
    }
    const std::string bad = quarantine_text();
    EXPECT_EQ(std::count(bad.begin(), bad.end(), '\n'), 1);
}

TEST_F(IngestorTest, SeveralInputsAreReadInTheirOrder) {
    options_.input.annotations = {folder_ / "part-*.jsonl"};
    std::ofstream(folder_ / "part-2.jsonl") << line(2) << line(3);
    std::ofstream(folder_ / "part-1.jsonl") << line(0) << line(1);
    ingest();
    std::ofstream(folder_ / "part-3.jsonl") << line(4);
    ingest();
    expect_lines(5);
}

// A state that was made anew knows which ordinals the lines have, and not the lines: in whatever order they come.
TEST_F(IngestorTest, LinesThatAreReadAgainAreKeptUnderTheirOrdinals) {
    options_.keep_lines = true;
    const std::string first = folder_ / "first.jsonl";
    const std::string second = folder_ / "second.jsonl";
    std::ofstream(first) << line(0) << line(1) << line(4) << line(5);
    std::ofstream(second) << line(2) << line(3);
    ASSERT_TRUE(writer_->transact([&](store::WriteTxn& txn) -> Result<void> {
        store::InputRow row;
        row.path = first;
        row.extents = {{0, 0, 2}, {2, 4, 2}};
        const auto put = store::put_input(txn, 0, row);
        row.path = second;
        row.extents = {{0, 2, 2}};
        store::Totals totals;
        totals.next_ordinal = 6;
        EXPECT_TRUE(store::put_totals(txn, totals));
        return put ? store::put_input(txn, 1, row) : put;
    }));
    options_.input.annotations = {first, second};
    begin_life();
    EXPECT_TRUE(wait_for([this] { return !ingestor_->progress().reads_again; }));
    for (int ordinal = 0; ordinal < 6; ++ordinal) {
        const auto kept = store::get_line(env_->read().value(), static_cast<Ordinal>(ordinal));
        ASSERT_TRUE(kept) << ordinal << ": before all are there retries have to wait";
        EXPECT_EQ(*kept + "\n", line(ordinal));
    }
    EXPECT_TRUE(wait_for_the_end());
    EXPECT_EQ(ingestor_->progress().problem, "");
}

TEST_F(IngestorTest, NobodyWaitsForLinesThatDoNotComeAgain) {
    options_.keep_lines = true;
    write(line(0));
    ASSERT_TRUE(writer_->transact([&](store::WriteTxn& txn) {
        store::InputRow row;
        row.path = folder_ / "elsewhere.jsonl";
        row.extents = {{0, 0, 2}};
        return store::put_input(txn, 0, row);
    }));
    ingest();
    begin_life();
    EXPECT_TRUE(wait_for([this] { return !ingestor_->progress().reads_again; }));
}

// While the state's disk is full nothing is lost, other commits have their turn, and it goes on by itself.
TEST_F(IngestorTest, AFullDiskIsWaitedOutBesideTheWritersOtherWork) {
    write(line(0));
    ingest();
    std::string text;
    for (int i = 1; i < 30'000; ++i) {
        text += line(i);
    }
    write(text, true);
    rlimit was{};
    ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &was), 0);
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit tight{fs::file_size(state() / "data.mdb"), was.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &tight), 0);
    begin_life();
    const bool told = wait_for([this] { return faults_ > 0; });
    const bool idle = wait_for([this] { return writer_->backlog() == 0; });
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &was), 0);
    EXPECT_TRUE(told);
    EXPECT_TRUE(idle) << "the writer's thread belongs to all";
    EXPECT_TRUE(wait_for_the_end());
    end_life();
    expect_lines(30'000);
}

}  // namespace
}  // namespace grit::crawl
