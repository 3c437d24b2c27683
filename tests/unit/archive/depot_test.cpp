#include "grit/archive/depot.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cerrno>
#include <limits>
#include <thread>
#include <vector>

#include "grit/archive/names.hpp"
#include "temp_root.hpp"

namespace grit::archive {
namespace {

namespace fs = std::filesystem;
using test::bytes_of;
using test::content_of;
using test::files_in;
using test::options_for;
using test::stage;
using test::TempFolder;
using testing::HasSubstr;

std::string refusal(const DepotOptions& options) {
    const auto depot = Depot::open(options);
    return depot ? "(opened)" : depot.error().what;
}

TEST(Depot, MakesAMissingRootUnderAnExistingParent) {
    const TempFolder temp;
    ASSERT_EQ(refusal(options_for(temp / "images/")), "(opened)");
    EXPECT_EQ(content_of(temp / "images/.gritd/dataset"), "00112233445566778899aabbccddeeff\n");
    struct stat status{};
    ASSERT_EQ(stat((temp / "images").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0007U, 0U);
    EXPECT_EQ(refusal(options_for(temp / "images")), "(opened)") << "again";
}

TEST(Depot, MissingParentIsAVolumeThatIsNotMounted) {
    const TempFolder temp;
    EXPECT_THAT(refusal(options_for(temp / "no/images")), HasSubstr("is the volume mounted?"));
    EXPECT_FALSE(fs::exists(temp / "no"));
}

// The mount point of a volume that is not mounted is an empty folder: filling it would fill the system's disk.
TEST(Depot, EmptyRootIsRefusedWhenTheStateNamesImages) {
    const TempFolder temp;
    auto options = options_for(temp / "images");
    options.has_images = true;
    EXPECT_THAT(refusal(options), HasSubstr("is missing, but the state names images"));
    fs::create_directory(temp / "images");
    EXPECT_THAT(refusal(options), HasSubstr("no marker of this dataset, but the state names images"));
    EXPECT_EQ(files_in(temp / "images"), 0U);
}

TEST(Depot, RootOfAnotherDatasetIsRefused) {
    const TempFolder temp;
    ASSERT_EQ(refusal(options_for(temp / "images")), "(opened)");
    auto other = options_for(temp / "images");
    other.dataset_id = "ffffffffffffffffffffffffffffffff";
    EXPECT_THAT(refusal(other), HasSubstr("belongs to another dataset (00112233445566778899aabbccddeeff"));
}

TEST(Depot, RootWithForeignFilesIsRefused) {
    const TempFolder temp;
    fs::create_directories(temp / "images");
    std::ofstream(temp / "images/holiday.jpg") << "x";
    EXPECT_THAT(refusal(options_for(temp / "images")), HasSubstr("holiday.jpg"));
    EXPECT_FALSE(fs::exists(temp / "images/.gritd"));
}

TEST(Depot, FreshVolumeAndHalfMadeRootAreOurs) {
    const TempFolder temp;
    fs::create_directories(temp / "images/lost+found");
    fs::create_directories(temp / "images/.gritd");
    std::ofstream(temp / "images/.gritd/dataset.new") << "0011";
    EXPECT_EQ(refusal(options_for(temp / "images")), "(opened)");
}

TEST(TempImage, FileComesWithTheFirstByteAndGoesWithTheObject) {
    const TempFolder temp;
    const auto depot = Depot::open(options_for(temp / "images")).value();
    {
        TempImage image = depot->create();
        EXPECT_EQ(files_in(temp / "images/.gritd/tmp"), 0U);
        EXPECT_TRUE(image.name().empty());
        ASSERT_TRUE(image.append(bytes_of("abc")));
        ASSERT_TRUE(image.append(bytes_of("de")));
        EXPECT_EQ(image.size(), 5U);
        EXPECT_EQ(content_of(temp / "images/.gritd/tmp/" + image.name()), "abcde");
        TempImage moved = std::move(image);
        EXPECT_EQ(files_in(temp / "images/.gritd/tmp"), 1U);
        ASSERT_TRUE(moved.close());
        EXPECT_EQ(moved.append(bytes_of("x")).error(), Errc::io) << "after close";
    }
    EXPECT_EQ(files_in(temp / "images/.gritd/tmp"), 0U);
}

TEST(TempImage, NothingAppendedMakesNoFile) {
    const TempFolder temp;
    const auto depot = Depot::open(options_for(temp / "images")).value();
    TempImage image = depot->create();
    EXPECT_TRUE(image.close());
    EXPECT_EQ(image.release(), "");
    EXPECT_EQ(files_in(temp / "images/.gritd/tmp"), 0U);
}

TEST(TempImage, MoveAssignmentDropsTheOldFile) {
    const TempFolder temp;
    const auto depot = Depot::open(options_for(temp / "images")).value();
    TempImage image = depot->create();
    ASSERT_TRUE(image.append(bytes_of("old")));
    image = depot->create();
    EXPECT_EQ(files_in(temp / "images/.gritd/tmp"), 0U);
    EXPECT_TRUE(image.append(bytes_of("new"))) << "the new one is open";
}

TEST(Depot, PublishesUnderShardFolders) {
    const TempFolder temp;
    const auto depot = Depot::open(options_for(temp / "images")).value();
    const std::vector<Move> moves{{stage(*depot, "one"), path_for(5, "jpg")},
                                  {stage(*depot, "two"), path_for(120'005, "png")},
                                  {stage(*depot, "three"), path_for(120'006, "png")}};
    ASSERT_TRUE(depot->sync());
    const Published published = depot->publish(moves);
    ASSERT_TRUE(published);
    EXPECT_EQ(published.done, 3U);
    EXPECT_EQ(content_of(temp / "images/00000/000000005.jpg"), "one");
    EXPECT_EQ(content_of(temp / "images/00012/000120005.png"), "two");
    EXPECT_EQ(files_in(temp / "images/.gritd/tmp"), 0U);
    EXPECT_TRUE(depot->publish(moves)) << "repeatable";
    EXPECT_EQ(content_of(temp / "images/00012/000120006.png"), "three");
}

TEST(Depot, PublishTellsWhichMoveFailed) {
    const TempFolder temp;
    const auto depot = Depot::open(options_for(temp / "images")).value();
    const std::vector<Move> moves{{stage(*depot, "one"), "00000/1.jpg"}, {"gone.part", "00000/2.jpg"}};
    const Published published = depot->publish(moves);
    EXPECT_EQ(published.error, Errc::vanished);
    EXPECT_EQ(published.done, 1U);
    EXPECT_EQ(content_of(temp / "images/00000/1.jpg"), "one");
}

TEST(Depot, ShardFolderThatSomebodyRemovedIsMadeAgain) {
    const TempFolder temp;
    const auto depot = Depot::open(options_for(temp / "images")).value();
    ASSERT_TRUE(depot->publish(std::vector<Move>{{stage(*depot, "one"), "00000/1.jpg"}}));
    fs::remove_all(temp / "images/00000");
    ASSERT_TRUE(depot->publish(std::vector<Move>{{stage(*depot, "two"), "00000/2.jpg"}}));
    EXPECT_EQ(content_of(temp / "images/00000/2.jpg"), "two");
}

// The state may be damaged: no path of it leads out of the root.
TEST(Depot, PathsThatLeaveTheRootAreRefused) {
    const TempFolder temp;
    const auto depot = Depot::open(options_for(temp / "images")).value();
    std::ofstream(temp / "outside") << "x";
    for (const char* path :
         {"", "/etc/x", "../outside", "00000/../../outside", "./x", "a//b", ".gritd/dataset", "a/"}) {
        EXPECT_EQ(depot->remove(path).error(), Errc::bad_path) << path;
        EXPECT_EQ(depot->publish(std::vector<Move>{{"t.part", path}}).error, Errc::bad_path) << path;
    }
    EXPECT_EQ(depot->discard("../dataset").error(), Errc::bad_path);
    EXPECT_EQ(depot->publish(std::vector<Move>{{"../dataset", "00000/1.jpg"}}).error, Errc::bad_path);
    EXPECT_TRUE(fs::exists(temp / "outside"));
}

TEST(Depot, RemoveAndDiscardAreRepeatable) {
    const TempFolder temp;
    const auto depot = Depot::open(options_for(temp / "images")).value();
    const std::string name = stage(*depot, "one");
    EXPECT_TRUE(depot->discard(name));
    EXPECT_TRUE(depot->discard(name));
    ASSERT_TRUE(depot->publish(std::vector<Move>{{stage(*depot, "two"), "00000/2.jpg"}}));
    EXPECT_TRUE(depot->remove("00000/2.jpg"));
    EXPECT_TRUE(depot->remove("00000/2.jpg"));
    EXPECT_FALSE(fs::exists(temp / "images/00000/2.jpg"));
}

TEST(Depot, SweepTakesLeftOversAndSparesItsOwn) {
    const TempFolder temp;
    {
        const auto crashed = Depot::open(options_for(temp / "images")).value();
        (void)stage(*crashed, "left");
        (void)stage(*crashed, "over");
    }
    const auto depot = Depot::open(options_for(temp / "images")).value();
    const std::string live = stage(*depot, "live");
    EXPECT_EQ(depot->sweep_temporaries().value(), 2U);
    EXPECT_EQ(content_of(temp / "images/.gritd/tmp/" + live), "live");
    EXPECT_EQ(depot->sweep_temporaries().value(), 0U);
}

TEST(Depot, IntentsThatNoRecordNamesAreRemoved) {
    const TempFolder temp;
    const auto depot = Depot::open(options_for(temp / "images")).value();
    ASSERT_TRUE(depot->publish(
        std::vector<Move>{{stage(*depot, "one"), "00000/1.jpg"}, {stage(*depot, "two"), "00000/2.jpg"}}));
    const std::vector<std::string> intents{"00000/1.jpg", "00000/2.jpg", "00000/3.jpg"};
    const auto removed = depot->resolve_intents(intents, [](const std::string& path) { return path == "00000/1.jpg"; });
    EXPECT_EQ(removed.value(), 1U);
    EXPECT_TRUE(fs::exists(temp / "images/00000/1.jpg"));
    EXPECT_FALSE(fs::exists(temp / "images/00000/2.jpg"));
}

TEST(Depot, TemporariesOfManyThreadsDoNotMeet) {
    const TempFolder temp;
    const auto depot = Depot::open(options_for(temp / "images")).value();
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; i < 50; ++i) {
                const std::string text = std::to_string(t * 1000 + i);
                const Move move{stage(*depot, text), path_for(static_cast<Ordinal>(t * 1000 + i), "jpg")};
                ASSERT_TRUE(depot->publish(std::span(&move, 1)));
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    EXPECT_EQ(files_in(temp / "images/00000"), 200U);
    EXPECT_EQ(content_of(temp / "images/00000/000003049.jpg"), "3049");
}

// --- free space -----------------------------------------------------------------------------------------------------

struct ScriptedVolume final : RealFileSystem {
    explicit ScriptedVolume(Volume& v) : volume(v) {}
    int measure(const std::string&, Volume& out) override {
        out = volume;
        return volume.total_bytes == 0 ? EIO : 0;
    }
    Volume& volume;
};

TEST(FreeSpace, PauseAndResumeHaveAGapBetween) {
    constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;
    const TempFolder temp;
    Volume volume{.free_bytes = 0, .total_bytes = 1000 * kGiB, .free_inodes = 1'000'000};
    auto options = options_for(temp / "images");
    options.min_free_bytes = 20 * kGiB;
    const auto depot = Depot::open(options, std::make_unique<ScriptedVolume>(volume)).value();
    volume.free_bytes = 20 * kGiB - 1;
    EXPECT_TRUE(depot->below_floor());
    volume.free_bytes = 20 * kGiB;
    EXPECT_FALSE(depot->below_floor());
    EXPECT_FALSE(depot->above_resume_level());
    volume.free_bytes = 21 * kGiB;
    EXPECT_TRUE(depot->above_resume_level());
    volume.free_inodes = 999;
    EXPECT_TRUE(depot->below_floor()) << "inodes run out too";
    EXPECT_FALSE(depot->above_resume_level());
}

TEST(FreeSpace, VolumeThatDoesNotAnswerIsNotFree) {
    const TempFolder temp;
    Volume volume;
    const auto depot = Depot::open(options_for(temp / "images"), std::make_unique<ScriptedVolume>(volume)).value();
    EXPECT_TRUE(depot->below_floor());
    EXPECT_FALSE(depot->above_resume_level());
    EXPECT_EQ(depot->free_space().error(), Errc::io);
}

TEST(FreeSpace, ResumeLevelGrowsWithTheFloor) {
    constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
    EXPECT_EQ(Depot::resume_bytes(0), 0U);
    EXPECT_EQ(Depot::resume_bytes(10 * kMiB), 11 * kMiB);
    EXPECT_EQ(Depot::resume_bytes(1024 * kMiB), 2048 * kMiB);
    EXPECT_EQ(Depot::resume_bytes(102'400 * kMiB), 104'448 * kMiB);
}

TEST(FreeSpace, RealVolumeHasBytesAndInodes) {
    const TempFolder temp;
    const auto depot = Depot::open(options_for(temp / "images")).value();
    EXPECT_GT(depot->free_space().value().free_bytes, 0U);
    EXPECT_GE(depot->free_space().value().total_bytes, depot->free_space().value().free_bytes);
    EXPECT_GT(depot->free_space().value().free_inodes, 0U);
}

TEST(ArchiveError, IsClassifiedOnce) {
    EXPECT_EQ(outcome_of(Errc::disk_full), Outcome::disk_full);
    EXPECT_EQ(outcome_of(Errc::out_of_descriptors), Outcome::out_of_descriptors);
    for (const Errc error : {Errc::read_only, Errc::io, Errc::vanished, Errc::bad_path}) {
        EXPECT_EQ(outcome_of(error), Outcome::store_error);
    }
    EXPECT_EQ(errc_of_errno(EDQUOT), Errc::disk_full);
    EXPECT_EQ(errc_of_errno(EROFS), Errc::read_only);
    EXPECT_EQ(errc_of_errno(EMFILE), Errc::out_of_descriptors);
    EXPECT_EQ(errc_of_errno(EIO), Errc::io);
}

}  // namespace
}  // namespace grit::archive
