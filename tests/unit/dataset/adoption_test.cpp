#include "grit/dataset/adoption.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "grit/archive/tar.hpp"
#include "grit/base/clock.hpp"
#include "grit/dataset/waiting_adoptions.hpp"
#include "grit/store/adoption_rows.hpp"
#include "grit/url/canonical_url.hpp"
#include "scratch.hpp"

namespace grit::dataset {
namespace {

using store::Adoption;
using test::ScratchFolder;
using test::write_file;

// A state, and the output of another program beside it.
class AdoptionTest : public testing::Test {
  protected:
    void SetUp() override {
        std::filesystem::create_directories(old_ + "/00000");
        std::filesystem::create_directories(scratch_ / "state");
        env_ = store::Env::open(scratch_ / "state").value();
        writer_ = std::make_unique<store::Writer>(*env_, clock_);
    }

    void write_sample(const std::string& shard, const std::string& key, const std::string& sidecar, const std::string& image = "bytes") {
        std::filesystem::create_directories(old_ + "/" + shard);
        write_file(old_ + "/" + shard + "/" + key + ".json", sidecar);
        if (!image.empty()) {
            write_file(old_ + "/" + shard + "/" + key + ".jpg", image);
        }
    }

    Checked<AdoptionProgress> note(const std::string& failures = {}) {
        return note_adoptions(*writer_, AdoptionOrder{old_, failures, hard_links_}, [&](const AdoptionProgress&) {
            on_look_();
            return ++looks_ < most_looks_;
        });
    }

    static std::int64_t modified_ns(const std::string& file) {
        struct stat status {};
        EXPECT_EQ(::stat(file.c_str(), &status), 0);
        return std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
    }

    Result<Adoption> noted(const std::string& url) {
        const auto txn = env_->read();
        return store::get_adoption(*txn, url::canonicalize(url)->hash());
    }

    ScratchFolder scratch_;
    std::string old_ = scratch_ / "old";
    SystemClock clock_;
    std::unique_ptr<store::Env> env_;
    std::unique_ptr<store::Writer> writer_;
    std::function<void()> on_look_ = [] {};
    bool hard_links_ = true;
    int looks_ = 0;
    int most_looks_ = 1000;
};

TEST_F(AdoptionTest, ImagesAreNotedByTheCanonicalUrlOfTheirSidecar) {
    write_sample("00000", "000000005", R"({"url": "HTTPS://A.example:443/x.jpg", "key": "000000005", "status": "success"})");
    write_sample("00012", "000120005", R"({"url": "http://b.example/y.jpg"})", "more bytes");
    write_file(old_ + "/00000/000000005.txt", "a caption");
    const auto done = note();
    ASSERT_TRUE(done) << done.error().what;
    EXPECT_EQ(done->images, 2U);
    EXPECT_EQ(done->shards, 2U);
    EXPECT_EQ(done->shards_done, 2U);
    const std::string file = old_ + "/00000/000000005.jpg";
    EXPECT_EQ(noted("https://a.example/x.jpg").value(),
              (Adoption{Outcome::stored, file, 0, 5, "adopted from img2dataset: 000000005", modified_ns(file), true}));
    hard_links_ = false;
    ASSERT_TRUE(note());
    EXPECT_FALSE(noted("https://a.example/x.jpg").value().may_link);
    EXPECT_EQ(noted("http://b.example/y.jpg").value().size, 10U);
    EXPECT_EQ(noted("http://c.example/").error(), store::Errc::not_found);
}

TEST_F(AdoptionTest, WhatIsOfNoUseIsCounted) {
    write_sample("00000", "000000001", "{ no json");
    write_sample("00000", "000000002", R"({"key": "000000002"})");
    write_sample("00000", "000000003", R"({"url": "https://a.example/3.jpg"})", "");
    write_sample("00000", "000000004", R"({"url": "https://a.example/4.jpg", "status": "failed_to_download"})");
    write_sample("00000", "000000005", R"({"url": "ftp://a.example/5.jpg"})");
    write_sample("00000", "000000006", "[" + std::string(2 << 20, ' ') + "]");
    write_file(old_ + "/00000/000000007.jpg", "nobody says of which URL");
    write_file(old_ + "/00000_stats.json", R"({"count": 7})");
    const auto done = note();
    ASSERT_TRUE(done) << done.error().what;
    EXPECT_EQ(done->images, 0U);
    EXPECT_EQ(done->damaged, 3U);
    EXPECT_EQ(done->imageless, 2U);
    EXPECT_EQ(done->bad_urls, 1U);
}

TEST_F(AdoptionTest, SymbolicLinksAreNotFollowed) {
    write_file(scratch_ / "secret", "not for others");
    write_sample("00000", "000000001", R"({"url": "https://a.example/1.jpg"})", "");
    std::filesystem::create_symlink(scratch_ / "secret", old_ + "/00000/000000001.jpg");
    std::filesystem::create_directory_symlink(scratch_.path(), old_ + "/00001");
    const auto done = note();
    ASSERT_TRUE(done) << done.error().what;
    EXPECT_EQ(done->images, 0U);
    EXPECT_EQ(done->shards, 1U);
}

TEST_F(AdoptionTest, TarShardsAreReadWhereTheirMembersLie) {
    write_sample("00007", "000070001", R"({"url": "https://a.example/1.jpg"})", "in the folder");
    const std::string tar = "tar -C " + old_ + "/00007 -cf " + old_ + "/00003.tar 000070001.jpg 000070001.json";
    ASSERT_EQ(std::system(tar.c_str()), 0);  // NOLINT: a command of this test
    std::filesystem::remove_all(old_ + "/00007");
    const auto done = note();
    ASSERT_TRUE(done) << done.error().what;
    EXPECT_EQ(done->images, 1U);
    const Adoption row = noted("https://a.example/1.jpg").value();
    EXPECT_EQ(row.file, old_ + "/00003.tar");
    EXPECT_EQ(test::read_file(row.file).substr(row.offset, row.size), "in the folder");
    EXPECT_EQ(row.modified_ns, modified_ns(row.file));
}

// Columns of the input that img2dataset hands on: Python writes numbers that JSON does not have.
TEST_F(AdoptionTest, SidecarsMayHaveNumbersThatOnlyPythonWrites) {
    write_sample("00000", "000000001",
                 R"({"score": NaN, "least": -Infinity, "boxes": [[0.0, NaN]], "caption": "NaN \"NaN", "url": "https://a.example/NaN.jpg"})");
    write_sample("00000", "000000002", R"({"score": NaM, "url": "https://a.example/2.jpg"})");
    const auto done = note();
    ASSERT_TRUE(done) << done.error().what;
    EXPECT_EQ(done->images, 1U);
    EXPECT_EQ(done->damaged, 1U);
    EXPECT_TRUE(noted("https://a.example/NaN.jpg"));
}

// img2dataset was killed: a tar ends anywhere.
TEST_F(AdoptionTest, ATarThatWasCutIsReadAsFarAsItIsWhole) {
    write_sample("00007", "000070001", R"({"url": "https://a.example/1.jpg"})", std::string(5000, 'a'));
    write_sample("00007", "000070002", R"({"url": "https://a.example/2.jpg"})", std::string(5000, 'b'));
    const std::string tar = old_ + "/00003.tar";
    const std::string make = "tar -C " + old_ + "/00007 -cf " + tar + " 000070001.jpg 000070001.json 000070002.json 000070002.jpg";
    ASSERT_EQ(std::system(make.c_str()), 0);  // NOLINT: a command of this test
    std::filesystem::remove_all(old_ + "/00007");
    std::filesystem::resize_file(tar, 9000);
    write_file(old_ + "/00004.tar", "");
    write_file(old_ + "/00005.tar", "nothing of an archive");
    const auto done = note();
    ASSERT_TRUE(done) << done.error().what;
    EXPECT_EQ(done->images, 1U);
    EXPECT_EQ(done->imageless, 1U);
    EXPECT_TRUE(noted("https://a.example/1.jpg"));
}

TEST_F(AdoptionTest, AShardThatCanNotBeReadIsPassedOver) {
    write_sample("00000", "000000001", R"({"url": "https://a.example/1.jpg"})");
    write_sample("00001", "000010001", R"({"url": "https://a.example/2.jpg"})");
    write_sample("00002", "000020001", R"({"url": "https://a.example/3.jpg"})");
    on_look_ = [this] { std::filesystem::remove_all(old_ + "/00001"); };
    const auto done = note();
    ASSERT_TRUE(done) << done.error().what;
    EXPECT_EQ(done->images, 2U);
    EXPECT_EQ(done->damaged_shards, 1U);
    ASSERT_EQ(done->damage.size(), 1U);
    EXPECT_NE(done->damage.front().find("/00001"), std::string::npos);
}

TEST_F(AdoptionTest, FailuresThatAreFinalAreNotedWithTheirWords) {
    const std::string failures = scratch_ / "failures.jsonl";
    write_file(failures, R"({"url": "https://a.example/gone.jpg", "error_message": "HTTP Error 404: Not Found\u001b[2J"}
{"url": "https://a.example/slow.jpg", "error_message": "<urlopen error timed out>"}
{"url": "https://a.example/1.jpg", "error_message": "HTTP Error 403: Forbidden"}
no json
{"error_message": "HTTP Error 404: Not Found"}
)");
    // On another line the URL of a failure was there.
    write_sample("00000", "000000001", R"({"url": "https://a.example/1.jpg"})");
    const auto done = note(failures);
    ASSERT_TRUE(done) << done.error().what;
    EXPECT_EQ(done->final_failures, 2U);
    EXPECT_EQ(done->open_failures, 1U);
    EXPECT_EQ(done->damaged, 2U);
    const Adoption gone = noted("https://a.example/gone.jpg").value();
    EXPECT_EQ(gone.outcome, Outcome::http_not_found);
    EXPECT_EQ(gone.detail, "img2dataset: HTTP Error 404: Not Found?[2J");
    EXPECT_EQ(noted("https://a.example/1.jpg").value().outcome, Outcome::stored);
    EXPECT_EQ(noted("https://a.example/slow.jpg").error(), store::Errc::not_found);
}

TEST_F(AdoptionTest, WhatIsNoSuchFolderIsRefusedInWords) {
    std::filesystem::remove_all(old_);
    EXPECT_NE(note().error().what.find(old_), std::string::npos);
    std::filesystem::create_directories(old_ + "/pictures");
    EXPECT_NE(note().error().what.find("no shards of img2dataset"), std::string::npos);
    std::filesystem::create_directories(old_ + "/00000");
    EXPECT_NE(note(scratch_ / "absent.jsonl").error().what.find("absent.jsonl"), std::string::npos);
}

TEST_F(AdoptionTest, WhatWaitsIsToldByShardsAndForgotten) {
    const std::string failures = scratch_ / "failures.jsonl";
    write_file(failures, R"({"url": "https://a.example/gone.jpg", "error_message": "HTTP Error 404: Not Found"})");
    for (int i = 0; i < 3; ++i) {
        const std::string number = std::to_string(i);
        write_sample("00000", "00000000" + number, R"({"url": "https://a.example/)" + number + R"(.jpg"})");
    }
    write_sample("00001", "000010001", R"({"url": "https://a.example/in.tar.jpg"})");
    const std::string tar = "tar -C " + old_ + "/00001 -cf " + old_ + "/00001.tar 000010001.jpg 000010001.json";
    ASSERT_EQ(std::system(tar.c_str()), 0);  // NOLINT: a command of this test
    std::filesystem::remove_all(old_ + "/00001");
    ASSERT_TRUE(note(failures));
    ASSERT_TRUE(writer_->transact([](store::WriteTxn& txn) -> Result<void> {
        const auto one = store::delete_adoption(txn, url::canonicalize("https://a.example/1.jpg")->hash());  // taken over
        return one ? Result<void>() : Result<void>(one.error());
    }));
    const auto waiting = waiting_adoptions(*env_);
    ASSERT_TRUE(waiting) << waiting.error().what;
    EXPECT_EQ(waiting->images, (std::map<std::string, std::uint64_t>{{old_ + "/00000", 2}, {old_ + "/00001.tar", 1}}));
    EXPECT_EQ(waiting->failures, 1U);
    EXPECT_EQ(forget_adoptions(*writer_, [](std::uint64_t) { return true; }).value(), 4U);
    EXPECT_EQ(noted("https://a.example/0.jpg").error(), store::Errc::not_found);
    EXPECT_TRUE(waiting_adoptions(*env_).value().images.empty());
    EXPECT_EQ(forget_adoptions(*writer_, [](std::uint64_t) { return true; }).value(), 0U) << "repeatable";
}

TEST_F(AdoptionTest, ForgettingTakesTurnsWithTheWriterAndEndsWhenItIsToldTo) {
    constexpr int kRows = 25'000;
    ASSERT_TRUE(writer_->transact([](store::WriteTxn& txn) -> Result<void> {
        for (std::uint64_t i = 0; i < kRows; ++i) {
            if (const auto put = store::put_adoption(txn, UrlHash{i, 1}, Adoption{Outcome::stored, "/old/00000/1.jpg", 0, 1, "", 0, true}); !put) {
                return put;
            }
        }
        return {};
    }));
    EXPECT_EQ(waiting_adoptions(*env_).value().images.at("/old/00000"), kRows);
    std::vector<std::uint64_t> looks;
    const auto look = [&looks](std::uint64_t gone) {
        looks.push_back(gone);
        return looks.size() < 2;
    };
    EXPECT_EQ(forget_adoptions(*writer_, look).value(), 20'000U);
    EXPECT_EQ(looks, (std::vector<std::uint64_t>{10'000, 20'000}));
    EXPECT_EQ(waiting_adoptions(*env_).value().images.at("/old/00000"), 5'000U);
}

TEST_F(AdoptionTest, LinesOfFailuresAreBounded) {
    const std::string failures = scratch_ / "failures.jsonl";
    const std::string last = R"({"url": "https://a.example/2.jpg", "error_message": "HTTP Error 404: Not Found"})";
    write_file(failures, R"({"url": "https://a.example/)" + std::string(2 << 20, 'x') + R"(", "error_message": "HTTP Error 404: Not Found"})" + "\n\n" + last);
    std::filesystem::create_directories(old_ + "/00000");
    const auto done = note(failures);
    ASSERT_TRUE(done) << done.error().what;
    EXPECT_EQ(done->damaged, 2U);
    EXPECT_EQ(done->final_failures, 1U) << "also without a newline at the end";
}

TEST_F(AdoptionTest, AShardIsNotedInPortions) {
    for (int i = 0; i < 1500; ++i) {
        const std::string number = std::to_string(100'000'000 + i);
        write_sample("00000", number, R"({"url": "https://a.example/)" + number + R"(.jpg"})");
    }
    most_looks_ = 1;
    const auto done = note();
    ASSERT_TRUE(done) << done.error().what;
    EXPECT_EQ(done->images, 1000U) << "it was told to end after these";
    EXPECT_EQ(done->shards_done, 0U);
    most_looks_ = 1000;
    EXPECT_EQ(note().value().images, 1500U);
    EXPECT_EQ(waiting_adoptions(*env_).value().images.at(old_ + "/00000"), 1500U);
}

// A hostile tar: millions of members that nothing belongs to are not all kept in memory.
TEST_F(AdoptionTest, ATarOfHalvesIsGivenUp) {
    std::filesystem::create_directories(old_);
    std::ofstream tar(old_ + "/00000.tar", std::ios::binary);
    for (int i = 0; i < 100'002; ++i) {
        tar << archive::tar_header(std::to_string(i) + ".json", 0);
    }
    tar.close();
    const auto done = note();
    ASSERT_TRUE(done) << done.error().what;
    EXPECT_EQ(done->damaged_shards, 1U);
    EXPECT_NE(done->damage.front().find("too many members"), std::string::npos);
}

TEST_F(AdoptionTest, ItEndsWhenItIsToldTo) {
    most_looks_ = 1;
    write_sample("00000", "000000001", R"({"url": "https://a.example/1.jpg"})");
    write_sample("00001", "000010001", R"({"url": "https://a.example/2.jpg"})");
    const auto done = note();
    ASSERT_TRUE(done);
    EXPECT_EQ(done->shards_done, 1U);
    EXPECT_TRUE(noted("https://a.example/1.jpg"));
    EXPECT_FALSE(noted("https://a.example/2.jpg"));
}

}  // namespace
}  // namespace grit::dataset
