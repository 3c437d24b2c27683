// A state, a writer and a journal beside it.
#pragma once

#include "grit/journal/files.hpp"
#include "grit/journal/journal.hpp"
#include "grit/journal/reader.hpp"
#include "grit/metrics/metrics.hpp"
#include "grit/store/writer.hpp"

#include "manual_clock.hpp"
#include "temp_folder.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

namespace grit::journal::test {

class JournalRig : public ::testing::Test {
  protected:
    JournalRig() { open(); }
    ~JournalRig() override { journal_.reset(); }

    void open() {
        journal_.reset();
        auto opened = Journal::open(options_, *env_, metrics_, clock_, log_);
        ASSERT_TRUE(opened) << opened.error().what;
        journal_ = std::move(*opened);
    }
    static std::vector<std::string> lines(int count, const std::string& name = "x") {
        std::vector<std::string> texts;
        for (int i = 0; i < count; ++i) {
            Line line;
            line.kind = Kind::duplicate;
            line.record.url = "http://" + name + "/" + std::to_string(i);
            texts.push_back(text_of(line));
        }
        return texts;
    }
    Result<void> write(const std::vector<std::string>& some, bool commits = true) {
        return writer_.transact([&](store::WriteTxn& txn) -> Result<void> {
            const auto written = journal_->write(txn, some);
            return written && !commits ? Result<void>(store::Errc::io) : written;
        });
    }
    store::JournalMark mark() { return store::get_journal_mark(env_->read().value()).value(); }

    struct Read {
        JournalReport report;
        std::vector<Line> lines;
    };
    /// Without the lines that begin files.
    Read read() {
        Read all;
        all.report = read_journal(folder_path_, [&all](Line& line, std::uint64_t) {
                         if (line.kind != Kind::begin) {
                             all.lines.push_back(std::move(line));
                         }
                         return true;
                     }).value();
        return all;
    }
    std::vector<std::string> names() {
        std::vector<std::string> found;
        for (const auto& entry : std::filesystem::directory_iterator(folder_path_)) {
            found.push_back(entry.path().filename().string());
        }
        std::sort(found.begin(), found.end());
        return found;
    }
    std::string path(const std::string& name) { return (folder_path_ / name).string(); }
    static std::string bytes_of(const std::string& file) {
        std::ifstream in(file, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    static void put_bytes(const std::string& file, const std::string& bytes) { std::ofstream(file, std::ios::binary) << bytes; }
    void seal() {
        clock_.advance(std::chrono::hours(2));
        journal_->seal_if_due();
        drain();
    }
    /// What is being sealed is.
    void drain() { open(); }

    grit::test::TempFolder folder_;
    std::filesystem::path folder_path_ = folder_.path() / "outcomes";
    grit::test::ManualClock clock_;
    std::string log_text_;
    Logger log_{LogLevel::debug, log_text_};
    metrics::Metrics metrics_{WallTime(std::chrono::seconds(1'700'000'000))};
    std::unique_ptr<store::Env> env_ = store::Env::open(folder_.path() / "state").value();
    store::Writer writer_{*env_, clock_};
    JournalOptions options_{folder_path_};
    std::unique_ptr<Journal> journal_;
};

}  // namespace grit::journal::test
