// Repairs that are stopped, cut and taken up again, volumes that are out meanwhile, and opt-outs that meet both.
#include "grit/crawl/verify.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <optional>

#include "grit/archive/volumes.hpp"
#include "grit/crawl/opt_out.hpp"
#include "grit/crawl/removals.hpp"
#include "grit/store/opt_out_rows.hpp"
#include "grit/store/volume_rows.hpp"

#include "crawl_rig.hpp"

namespace grit::crawl {
namespace {

using store::Removal;
using test::CrawlRig;
using test::TaskPtr;
using testing::HasSubstr;

constexpr std::size_t kB = 1;
constexpr std::size_t kC = 2;

class PutBack final : public RequeueListener {
  public:
    void put_back(std::uint64_t count, const std::vector<LinesBack>&) override {
        records += count;
        if (on_call) {
            on_call();
        }
    }
    std::atomic<std::uint64_t> records{0};
    std::function<void()> on_call;
};

// Volumes take turns by what is free, and other programs change that: here each has as much as the others, always.
class EvenDisks final : public archive::RealFileSystem {
  public:
    int measure(const std::string& path, archive::Volume& volume) override {
        const int error = RealFileSystem::measure(path, volume);
        volume.free_bytes = std::uint64_t{1} << 40;
        return error;
    }
};

class VerifyTest : public CrawlRig {
  protected:
    void SetUp() override {
        committer_.reset();
        archive::VolumesOptions options;
        options.places = {{"", (dir_ / "images").string()}, {"b", root_of("b").string()}, {"c", root_of("c").string()}};
        for (const char* const name : {"b", "c"}) {
            std::filesystem::create_directory(root_of(name));
        }
        options.dataset_id = env_->dataset_id();
        options.make_layout = [](archive::Depot& depot) { return archive::make_files_layout(depot); };
        options.make_system = [] { return std::make_unique<EvenDisks>(); };
        auto opened = archive::Volumes::open(std::move(options), clock_);
        ASSERT_TRUE(opened) << opened.error().what;
        volumes_ = opened->get();
        layout_ = std::move(*opened);
        open_committer();
        removals_ = std::make_unique<Removals>(*env_, writer_, *layout_, log_);
        const auto submitted = [this] { return committer_->submitted(); };
        const auto recorded = [this] { return committer_->recorded(); };
        verify_ = std::make_unique<Verify>(Verify::Parts{*env_, writer_, *volumes_, clock_, clock_, log_, put_back_, *removals_,
                                                         submitted, recorded, journal_.get()});
        opt_out_ = std::make_unique<OptOut>(
            OptOut::Parts{*env_, writer_, *layout_, hosts_, clock_, log_, *removals_, submitted, recorded, journal_.get()});
        ASSERT_TRUE(writer_.transact([](store::WriteTxn& txn) { return store::put_volumes(txn, {{"b"}, {"c"}}); }));
    }
    void TearDown() override {
        verify_.reset();
        opt_out_.reset();
        removals_.reset();
    }
    [[nodiscard]] std::filesystem::path root_of(const std::string& volume) const { return dir_ / ("volume_" + volume); }

    /// Each URL is stored with the bytes beside it, one after the other.
    void crawl(const std::vector<std::pair<std::string, std::string>>& images) {
        for (const auto& [url, bytes] : images) {
            add_counted({url});
            fetch::Image made{volumes_->create(), bytes.size(), {}, media::ImageType::jpeg, 4, 3};
            media::Digest digest;
            digest.update(std::as_bytes(std::span(bytes)));
            made.sha256 = digest.finish();
            ASSERT_TRUE(made.file.append(std::as_bytes(std::span(bytes))) && made.file.close());
            Settlement settled = settlement(take(), Outcome::stored);
            settled.image = std::move(made);
            committer_->submit(std::move(settled));
            commit();
        }
    }
    [[nodiscard]] std::filesystem::path file_of(const std::string& url) { return dir_ / "images" / record_of(url).location; }
    /// As long as it was, of other bytes.
    void damage(const std::string& url) {
        std::fstream file(file_of(url), std::ios::in | std::ios::out);
        ASSERT_TRUE(file.put('#'));
    }

    VerifyState finish() {
        for (int i = 0; i < 2'000 && verify_->running(); ++i) {
            std::this_thread::sleep_for(std::chrono::milliseconds(5));  // another thread is at it
        }
        return verify_->state().value();
    }
    VerifyState run(const VerifyOrder& order) {
        pass(Milliseconds(1));  // a verify is known by its time
        const auto begun = verify_->begin(order);
        EXPECT_TRUE(begun) << (begun ? "" : begun.error().what);
        return finish();
    }
    VerifyState repair(std::uint64_t sample = 0) { return run({sample, true, 0, {}, false}); }
    /// Stopped as soon as something was given up.
    void cut_repair() {
        put_back_.on_call = [this] { verify_->cancel(); };
        const VerifyState state = repair();
        put_back_.on_call = nullptr;
        ASSERT_TRUE(state.stopped);
        ASSERT_GT(state.requeued, 0u);
    }

    /// Every file that a record or the map names is there, and what is counted is so.
    void expect_whole() {
        expect_nothing_lost();
        std::set<std::string> named;
        const store::ReadTxn txn = env_->read().value();
        ASSERT_TRUE(store::for_each_record(txn, [&](const store::RecordKey&, const store::Record& record) {
            if (!record.location.empty()) {
                named.insert(record.location);
                EXPECT_TRUE(std::filesystem::exists(dir_ / "images" / record.location)) << record.url << ": " << record.location;
            }
            return true;
        }));
        EXPECT_TRUE(store::for_each_url_to_path(txn, [&](std::string_view url, std::string_view path) {
            EXPECT_TRUE(named.contains(std::string(path))) << url << " leads to " << path;
            return true;
        }));
    }
    [[nodiscard]] std::optional<Removal> removal_of(const std::string& location) {
        const auto found = store::get_removal(env_->read().value(), location);
        return found ? std::optional(*found) : std::nullopt;
    }
    [[nodiscard]] std::uint64_t removals() { return env_->read().value().count(store::Table::removals).value(); }

    void take_out(std::size_t index) {
        const std::string name(1, static_cast<char>('a' + index));
        std::filesystem::rename(root_of(name), dir_ / ("away_" + name));
        std::filesystem::create_directory(root_of(name));
        volumes_->look(index);
        ASSERT_EQ(volumes_->views()[index].state, archive::VolumeState::out);
    }
    void bring_back(std::size_t index) {
        const std::string name(1, static_cast<char>('a' + index));
        std::filesystem::remove(root_of(name));
        std::filesystem::rename(dir_ / ("away_" + name), root_of(name));
        clock_.advance(std::chrono::seconds(600));
        volumes_->look(index);
        ASSERT_EQ(volumes_->views()[index].state, archive::VolumeState::in_use) << volumes_->views()[index].why;
    }
    /// Files without a record, that are to be removed.
    void make_due(const std::string& volume, int count) {
        std::filesystem::create_directories(root_of(volume) / "00000");
        ASSERT_TRUE(writer_.transact([&](store::WriteTxn& txn) -> Result<void> {
            for (int i = 0; i < count; ++i) {
                const std::string path = fmt::format("00000/{:09}.jpg", 900'000 + i);
                std::ofstream(root_of(volume) / path) << "of nobody";
                if (const auto put = store::put_removal(txn, volume + "/" + path, Removal::due); !put) {
                    return put;
                }
            }
            return {};
        }));
    }
    [[nodiscard]] DueFiles remove_due() {
        const auto done = removals_->remove_due([] { return false; });
        EXPECT_TRUE(done) << (done ? "" : done.error().what);
        return done ? *done : DueFiles();
    }

    archive::Volumes* volumes_ = nullptr;
    PutBack put_back_;
    std::unique_ptr<Removals> removals_;
    std::unique_ptr<Verify> verify_;
    std::unique_ptr<OptOut> opt_out_;
};

TEST_F(VerifyTest, ASampleThatGivesAFileUpAsksAllWhoNameIt) {
    constexpr int kSharers = 30;
    std::vector<std::pair<std::string, std::string>> images{{"http://whole.example.com/1.jpg", "whole"}};
    for (int i = 0; i <= kSharers; ++i) {
        images.emplace_back("http://h" + std::to_string(i) + ".example.org/1.jpg", "shared");
    }
    crawl(images);
    ASSERT_EQ(outcomes(Outcome::duplicate_content), static_cast<std::uint64_t>(kSharers));
    damage("http://h0.example.org/1.jpg");
    const std::filesystem::path file = file_of("http://h0.example.org/1.jpg");
    VerifyState state;
    for (int tries = 0; tries < 20 && state.requeued == 0; ++tries) {  // one in 32 draws is the image that is whole
        state = repair(1);
    }
    EXPECT_EQ(state.problem, "");
    EXPECT_EQ(state.requeued, kSharers + 1u);
    EXPECT_EQ(put_back_.records, kSharers + 1u);
    committer_->add_waiting(static_cast<std::int64_t>(put_back_.records));
    EXPECT_FALSE(std::filesystem::exists(file));
    EXPECT_EQ(removals(), 0u);
    EXPECT_EQ(totals().stored_bytes, 5u) << "those of the image that is whole";
    EXPECT_EQ(outcomes(Outcome::duplicate_content), 0u);
    expect_whole();
}

class CutRepair : public VerifyTest {
  protected:
    void SetUp() override {
        VerifyTest::SetUp();
        crawl({{kOwner, "shared"}, {kFirst, "shared"}, {kSecond, "shared"}, {"http://whole.example.com/1.jpg", "whole"}});
        damage(kOwner);
        path_ = record_of(kOwner).location;
        cut_repair();
        committer_->add_waiting(static_cast<std::int64_t>(put_back_.records));
    }
    [[nodiscard]] bool is_there() const { return std::filesystem::exists(dir_ / "images" / path_); }
    void resume() {
        const std::uint64_t before = put_back_.records;
        const VerifyState state = run({0, true, 0, {}, true});
        EXPECT_EQ(state.problem, "");
        EXPECT_EQ(state.checked, 0u) << "nothing is read for it";
        committer_->add_waiting(static_cast<std::int64_t>(put_back_.records - before));
    }
    void opt_out(const std::string& domain) {
        ASSERT_TRUE(opt_out_->begin({domain, "asked by mail", 0, true, false}));
        for (int i = 0; i < 2'000 && opt_out_->running(); ++i) {
            std::this_thread::sleep_for(std::chrono::milliseconds(5));  // another thread is at it
        }
        ASSERT_EQ(opt_out_->state()->problem, "");
        ASSERT_FALSE(opt_out_->running());
    }

    const std::string kOwner = "http://a.example.org/1.jpg";
    const std::string kFirst = "http://b.example.net/1.jpg";
    const std::string kSecond = "http://c.example.com/1.jpg";
    std::string path_;
};

TEST_F(CutRepair, LeavesTheFileToTheOthersUntilItIsFinished) {
    EXPECT_EQ(removal_of(path_), Removal::broken);
    EXPECT_EQ(record_of(kOwner).location, "");
    EXPECT_EQ(record_of(kFirst).location, path_) << "as it was";
    EXPECT_EQ(totals().stored_bytes, 5u);
    expect_whole();
    EXPECT_EQ(remove_due().removed, 0u);
    EXPECT_TRUE(is_there());
    resume();
    EXPECT_FALSE(is_there());
    EXPECT_EQ(removals(), 0u);
    EXPECT_TRUE(record_of(kFirst).waiting && record_of(kSecond).waiting);
    EXPECT_EQ(totals().stored_bytes, 5u);
    expect_whole();
    expect_journal_agrees();
}

TEST_F(CutRepair, IsFinishedByAnyLaterOne) {
    crawl({{"http://whole.example.com/2.jpg", "another"}});
    const std::uint64_t before = put_back_.records;
    const VerifyState state = repair(1);
    EXPECT_EQ(state.problem, "");
    EXPECT_EQ(state.order.sample, 1u);
    committer_->add_waiting(static_cast<std::int64_t>(put_back_.records - before));
    EXPECT_FALSE(is_there());
    EXPECT_EQ(record_of(kSecond).location, "");
    expect_whole();
}

TEST_F(CutRepair, IsNoPlaceForANewImage) {
    crawl({{"http://d.example.org/1.jpg", "shared"}});
    EXPECT_NE(record_of("http://d.example.org/1.jpg").location, path_) << "nobody comes to name a broken file";
    EXPECT_EQ(record_of("http://d.example.org/1.jpg").outcome, Outcome::stored);
    expect_whole();
}

TEST_F(CutRepair, AnOptOutLeavesAFileThatOthersNameToIt) {
    opt_out("example.net");
    EXPECT_EQ(removal_of(path_), Removal::broken);
    EXPECT_EQ(store::get_content(env_->read().value(), record_of(kSecond).sha256).error(), store::Errc::not_found);
    EXPECT_EQ(record_of(kFirst).outcome, Outcome::opted_out);
    expect_whole();
    resume();
    EXPECT_FALSE(is_there());
    EXPECT_TRUE(record_of(kSecond).waiting);
    EXPECT_EQ(record_of(kFirst).outcome, Outcome::opted_out);
    EXPECT_EQ(totals().stored_bytes, 5u);
    expect_whole();
}

TEST_F(CutRepair, AnOptOutRemovesAFileThatNobodyElseNames) {
    opt_out("example.net");
    opt_out("example.com");  // and what is whole
    EXPECT_FALSE(is_there());
    EXPECT_EQ(removals(), 0u);
    EXPECT_EQ(totals().stored_bytes, 0u);
    expect_whole();
    resume();
    expect_whole();
}

TEST_F(VerifyTest, ARepairMeetsAFileThatAnOptOutKept) {
    crawl({{"http://a.example.org/1.jpg", "shared"}, {"http://b.example.net/1.jpg", "shared"}, {"http://c.example.com/1.jpg", "shared"}});
    const std::filesystem::path file = file_of("http://a.example.org/1.jpg");
    ASSERT_TRUE(opt_out_->begin({"example.org", "", 0, true, false}));
    for (int i = 0; i < 2'000 && opt_out_->running(); ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    ASSERT_EQ(removals(), 1u);
    EXPECT_EQ(totals().stored_bytes, 6u);
    damage("http://b.example.net/1.jpg");
    EXPECT_EQ(repair().requeued, 2u);
    committer_->add_waiting(2);
    EXPECT_FALSE(std::filesystem::exists(file));
    EXPECT_EQ(totals().stored_bytes, 0u);
    EXPECT_EQ(removals(), 0u);
    expect_whole();
}

// Volumes that are out -----------------------------------------------------------------------------------------------

TEST_F(VerifyTest, FilesOnAVolumeThatIsOutHinderNoOther) {
    make_due("b", 600);  // more than a portion, and first in order
    make_due("c", 3);
    take_out(kB);
    const DueFiles done = remove_due();
    EXPECT_EQ(done.removed, 3u);
    EXPECT_EQ(done.left, 600u);
    EXPECT_THAT(done.why_left, HasSubstr("volume b is out"));
    EXPECT_FALSE(std::filesystem::exists(root_of("c") / "00000/000900000.jpg"));
    EXPECT_EQ(removals(), 600u);
    bring_back(kB);
    removals_->begin();
    for (int i = 0; i < 2'000 && removals() > 0; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));  // another thread is at it
    }
    EXPECT_EQ(removals(), 0u);
    EXPECT_TRUE(std::filesystem::is_empty(root_of("b") / "00000"));
}

TEST_F(VerifyTest, OfALostVolumeOnlyTheRowsGo) {
    make_due("b", 3);
    take_out(kB);
    ASSERT_TRUE(volumes_->declare_lost("b"));
    const DueFiles done = remove_due();
    EXPECT_EQ(done.removed, 3u);
    EXPECT_EQ(done.left, 0u);
    EXPECT_EQ(removals(), 0u);
}

TEST_F(VerifyTest, ARepairGoesOnInSpiteOfWhatIsLeftOnAnother) {
    make_due("c", 2);
    take_out(kC);
    crawl({{"http://a.example.org/1.jpg", "one"}, {"http://a.example.org/2.jpg", "two"}});
    damage("http://a.example.org/1.jpg");
    const std::filesystem::path file = file_of("http://a.example.org/1.jpg");
    const VerifyState state = repair();
    EXPECT_EQ(state.problem, "");
    EXPECT_EQ(state.requeued, 1u);
    EXPECT_EQ(state.files_left, 2u);
    EXPECT_FALSE(std::filesystem::exists(file));
}

TEST_F(VerifyTest, ALostVolumeIsForgottenThoughAnotherIsOut) {
    std::vector<std::pair<std::string, std::string>> images;
    for (int i = 0; i < 12; ++i) {
        images.emplace_back("http://a.example.org/" + std::to_string(i) + ".jpg", "image " + std::to_string(i));
        images.emplace_back("http://b.example.org/" + std::to_string(i) + ".jpg", "image " + std::to_string(i));
    }
    crawl(images);
    std::uint64_t held = 0;
    for (const auto& [url, bytes] : images) {
        held += record_of(url).location.starts_with("b/") ? 1 : 0;
    }
    ASSERT_GT(held, 0u);
    make_due("c", 2);
    take_out(kC);
    take_out(kB);
    ASSERT_TRUE(volumes_->declare_lost("b"));
    const VerifyState state = run({0, true, 0, {"b"}, false});
    EXPECT_EQ(state.problem, "");
    EXPECT_EQ(state.requeued, held);
    EXPECT_EQ(state.files_left, 2u);
    EXPECT_EQ(store::get_volumes(env_->read().value()).value(), (std::vector<store::VolumeRow>{{"c"}}));
    EXPECT_EQ(removals(), 2u);
    for (const auto& [url, bytes] : images) {
        EXPECT_FALSE(record_of(url).location.starts_with("b/")) << url;
    }
}

TEST_F(VerifyTest, AnOptOutWaitsForAVolumeWithoutReadingAllAgain) {
    crawl({{"http://a.example.org/1.jpg", "one"}});
    make_due("c", 2);
    take_out(kC);
    ASSERT_TRUE(opt_out_->begin({"example.org", "", 0, true, false}));
    for (int i = 0; i < 2'000 && opt_out_->state()->problem.empty(); ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));  // another thread is at it
    }
    EXPECT_THAT(opt_out_->state()->problem, HasSubstr("2 files are left to be removed: volume c is out"));
    EXPECT_TRUE(opt_out_->running() && opt_out_->state()->only_files_left);
    EXPECT_EQ(opt_out_->state()->row.deleted, 1u);
    // One that reads the records again finds this one.
    crawl({{"http://a.example.org/2.jpg", "two"}});
    bring_back(kC);
    opt_out_->try_again();
    for (int i = 0; i < 2'000 && opt_out_->running(); ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    EXPECT_EQ(opt_out_->state()->problem, "");
    EXPECT_EQ(opt_out_->state()->row.deleted, 1u);
    EXPECT_EQ(record_of("http://a.example.org/2.jpg").outcome, Outcome::stored);
    EXPECT_EQ(removals(), 0u);
}

// A damaged row may have forgotten what it counted.
TEST_F(VerifyTest, CountersNeverFallBelowNothing) {
    crawl({{"http://a.example.org/1.jpg", "one"}});
    ASSERT_TRUE(writer_.transact([&](store::WriteTxn& txn) -> Result<void> {
        store::Totals totals = store::get_totals(txn).value();
        totals.outcomes[index_of(Outcome::stored)] = totals.stored_bytes = 0;
        store::HostRow host = store::get_host(txn, id("a.example.org")).value();
        host.stored = 0;
        const auto put = store::put_totals(txn, totals);
        return put ? store::put_host(txn, id("a.example.org"), host) : put;
    }));
    ASSERT_TRUE(opt_out_->begin({"example.org", "", 0, true, false}));
    for (int i = 0; i < 2'000 && opt_out_->running(); ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));  // another thread is at it
    }
    EXPECT_EQ(outcomes(Outcome::stored), 0u);
    EXPECT_EQ(outcomes(Outcome::opted_out), 1u);
    EXPECT_EQ(totals().stored_bytes, 0u);
    EXPECT_EQ(store::get_host(env_->read().value(), id("a.example.org"))->stored, 0u);
}

}  // namespace
}  // namespace grit::crawl
