#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tar_rig.hpp"

namespace grit::archive {
namespace {

namespace fs = std::filesystem;
using test::content_of;
using test::files_in;
using test::TarRig;
using test::TempFolder;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class TarLayoutTest : public testing::Test {
  protected:
    // As after a crash: nothing of the old life but the disk and the state.
    std::unique_ptr<TarRig> restart(Restored* restored = nullptr) {
        auto next = std::make_unique<TarRig>(root());
        next->marks = rig_.marks;
        const auto done = next->layout->restore({}, next->marks_of_start());
        EXPECT_TRUE(done) << done.error().what;
        if (restored != nullptr) {
            *restored = *done;
        }
        return next;
    }
    std::string root() const { return temp_ / "images"; }
    std::string path(const std::string& name) const { return temp_ / ("images/" + name); }

    TempFolder temp_;
    TarRig rig_{temp_ / "images"};
};

TEST_F(TarLayoutTest, ImageAndCompanionAreNeighbours) {
    const auto locations = rig_.store({{120'005, "one"}, {7, "two"}});
    EXPECT_THAT(locations, ElementsAre("00000.tar#000000007.jpg", "00000.tar#000120005.jpg"));
    EXPECT_THAT(rig_.members(0), ElementsAre("000000007.jpg=two", "000000007.json={\"n\":7}", "000120005.jpg=one",
                                             "000120005.json={\"n\":120005}"));
    EXPECT_EQ(rig_.read(locations[1]), "one");
    EXPECT_EQ(files_in(path(".gritd/tmp")), 0U) << "temporaries go when the state has it";
    const std::uint64_t bytes = fs::file_size(path("00000.tar"));
    EXPECT_EQ(rig_.marks.at(0), (ShardMark{0, bytes, 2, false}));
}

TEST_F(TarLayoutTest, TemporariesStayUntilTheStateHasIt) {
    rig_.layout->begin();
    rig_.layout->accept(rig_.arrival(1, "one"));
    ASSERT_TRUE(rig_.layout->publish());
    EXPECT_EQ(files_in(path(".gritd/tmp")), 1U);
    rig_.record();
    EXPECT_EQ(files_in(path(".gritd/tmp")), 0U);
}

TEST_F(TarLayoutTest, AFullShardIsSealedAndIndexed) {
    EXPECT_THAT(rig_.store({{0, "a"}, {1, "b"}, {2, "c"}, {3, "d"}}),
                ElementsAre("00000.tar#000000000.jpg", "00000.tar#000000001.jpg", "00000.tar#000000002.jpg",
                            "00001.tar#000000003.jpg"));
    EXPECT_TRUE(rig_.marks.at(0).sealed);
    EXPECT_FALSE(rig_.marks.at(1).sealed);
    EXPECT_EQ(rig_.members(0, true).size(), 6U) << "with the end-of-archive";
    EXPECT_EQ(rig_.marks.at(0).bytes, fs::file_size(path("00000.tar")));
    EXPECT_THAT(content_of(path("00000.idx")), HasSubstr("v1.2 3\njpg 512 1 000000000.jpg json 1536 7 000000000.json\n"));
    EXPECT_FALSE(fs::exists(path("00001.idx")));
    EXPECT_EQ(rig_.read("00000.tar#000000002.jpg"), "c");
    rig_.store({{4, "e"}, {5, "f"}});
    EXPECT_TRUE(rig_.marks.at(1).sealed) << "the image that fills it seals it";
    EXPECT_THAT(rig_.store({{6, "g"}}), ElementsAre("00002.tar#000000006.jpg"));
}

TEST_F(TarLayoutTest, ALongShardIsSealedBeforeItIsTooLong) {
    TarRig rig(temp_ / "other", nullptr, {100, 10'000});
    rig.store({{1, std::string(4'000, 'x')}});
    rig.store({{2, std::string(4'000, 'x')}, {3, "small"}});
    EXPECT_TRUE(rig.marks.at(0).sealed);
    EXPECT_EQ(rig.marks.at(0).samples, 1U);
    rig.store({{4, std::string(40'000, 'x')}});
    EXPECT_EQ(rig.marks.at(2).samples, 1U) << "one that is too long for any shard has its own";
}

TEST_F(TarLayoutTest, ACopyHasAKeyOfItsOwn) {
    EXPECT_EQ(rig_.layout->claim_of("00012.tar#000000007.jpg"), "#000000007");
    rig_.layout->begin();
    EXPECT_EQ(rig_.layout->accept(rig_.arrival(7, "two", 2)), "00000.tar#000000007-2.jpg");
    ASSERT_TRUE(rig_.layout->publish());
    rig_.record();
    EXPECT_EQ(rig_.read("00000.tar#000000007-2.jpg"), "two");
}

TEST_F(TarLayoutTest, AKeyIsInAShardOnce) {
    rig_.store({{7, "two"}});
    EXPECT_THAT(rig_.store({{7, "again"}}), ElementsAre("00000.tar#000000007-2.jpg"));
}

TEST_F(TarLayoutTest, ACrashBeforeTheRecordsIsCutBack) {
    rig_.store({{1, "one"}});
    rig_.layout->begin();
    for (const Ordinal ordinal : std::vector<Ordinal>{2, 3, 4, 5}) {
        rig_.layout->accept(rig_.arrival(ordinal, "lost"));
    }
    ASSERT_TRUE(rig_.layout->publish());
    ASSERT_TRUE(fs::exists(path("00000.idx")) && fs::exists(path("00001.tar")));
    Restored restored;
    auto next = restart(&restored);
    EXPECT_GT(restored.bytes_cut, 2'000U);
    EXPECT_EQ(restored.files_removed, 1U);
    EXPECT_THAT(restored.damaged, IsEmpty());
    EXPECT_THAT(next->members(0), ElementsAre("000000001.jpg=one", "000000001.json={\"n\":1}"));
    EXPECT_FALSE(fs::exists(path("00001.tar")) || fs::exists(path("00000.idx")));
    EXPECT_THAT(next->store({{2, "two"}}), ElementsAre("00000.tar#000000002.jpg"));
    EXPECT_EQ(next->read("00000.tar#000000001.jpg"), "one");
    EXPECT_EQ(next->read("00000.tar#000000002.jpg"), "two");
}

TEST_F(TarLayoutTest, ACrashInTheFirstShardLeavesNone) {
    rig_.layout->begin();
    rig_.layout->accept(rig_.arrival(1, "lost"));
    ASSERT_TRUE(rig_.layout->publish());
    auto next = restart();
    EXPECT_FALSE(fs::exists(path("00000.tar")));
    EXPECT_THAT(next->store({{1, "one"}}), ElementsAre("00000.tar#000000001.jpg"));
}

// As when a backup is put in the place of the state.
TEST_F(TarLayoutTest, Policy_AStateOlderThanItsImagesIsRefused) {
    TarRig rig(temp_ / "other", nullptr, {1, 1 << 20, 4});
    rig.store({{0, "a"}});
    const auto old = rig.marks_of_start();
    rig.store({{1, "b"}, {2, "c"}, {3, "d"}, {4, "e"}, {5, "f"}, {6, "g"}});
    TarRig still_one_group(temp_ / "other", nullptr, {1, 1 << 20, 5});
    const auto refused = TarRig(temp_ / "other", nullptr, {1, 1 << 20, 3}).layout->restore({}, old);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().what, HasSubstr("6 shards that the state knows nothing of, from 00001.tar on"));
    EXPECT_EQ(rig.read("00006.tar#000000006.jpg"), "g") << "nothing is touched";
    EXPECT_EQ(still_one_group.layout->restore({}, old).value().files_removed, 12U);
}

// Large images, or small shards: a shard each.
TEST_F(TarLayoutTest, AGroupMayBeginAnyNumberOfShards) {
    const TarOptions one_each{1'000, 2'048, 4};
    TarRig rig(temp_ / "other", nullptr, one_each);
    rig.store({{0, "a"}});
    rig.layout->begin();
    EXPECT_THAT(rig.layout->intents(), ElementsAre());
    for (Ordinal ordinal = 1; ordinal < 30; ++ordinal) {
        rig.layout->accept(rig.arrival(ordinal, "image"));
    }
    const auto intents = rig.layout->intents();
    EXPECT_THAT(intents, ElementsAre("00029.tar"));
    ASSERT_TRUE(rig.layout->publish());
    EXPECT_EQ(rig.layout->intents(), intents);
    TarRig without(temp_ / "other", nullptr, one_each);
    EXPECT_FALSE(without.layout->restore({}, rig.marks_of_start())) << "nobody says that they are of one group";
    TarRig next(temp_ / "other", nullptr, one_each);
    EXPECT_TRUE(next.layout->restore(intents, rig.marks_of_start()));
    EXPECT_FALSE(fs::exists(temp_ / "other/00029.tar"));
    EXPECT_EQ(next.read("00000.tar#000000000.jpg"), "a");
    EXPECT_THAT(next.layout->intents(), ElementsAre());
}

TEST_F(TarLayoutTest, Policy_AStateThatKnowsImagesAndNoShardsLeavesThemAlone) {
    rig_.store({{0, "a"}, {1, "b"}, {2, "c"}, {3, "d"}});
    auto options = test::options_for(root());
    options.has_images = true;
    const auto depot = Depot::open(options).value();
    const auto layout = make_tar_layout(*depot, {3, 1 << 20});
    const Restored restored = layout->restore({}, {}).value();
    EXPECT_EQ(restored.damaged.size(), 1U);
    EXPECT_THAT(restored.kept, ElementsAre(ShardMark{1, 0, 0, true, ""})) << "who restores it again has to know them";
    layout->begin();
    EXPECT_EQ(layout->propose(rig_.arrival(4, "e")), "00002.tar#000000004.jpg");
    EXPECT_EQ(rig_.read("00001.tar#000000003.jpg"), "d");
    EXPECT_TRUE(layout->find("00001.tar#000000003.jpg"));
}

TEST_F(TarLayoutTest, AfterASealedShardComesTheNext) {
    rig_.store({{0, "a"}, {1, "b"}, {2, "c"}});
    auto next = restart();
    EXPECT_THAT(next->store({{3, "d"}}), ElementsAre("00001.tar#000000003.jpg"));
    EXPECT_EQ(next->read("00000.tar#000000001.jpg"), "b");
}

TEST_F(TarLayoutTest, WithdrawnImagesAreGone) {
    rig_.store({{1, "one"}});
    rig_.layout->begin();
    rig_.layout->accept(rig_.arrival(2, "two"));
    rig_.layout->accept(rig_.arrival(3, "three"));
    rig_.layout->accept(rig_.arrival(4, "four"));
    ASSERT_TRUE(rig_.layout->publish());
    ASSERT_TRUE(rig_.layout->withdraw());
    EXPECT_TRUE(rig_.layout->marks().empty());
    EXPECT_EQ(rig_.members(0).size(), 2U);
    EXPECT_FALSE(fs::exists(path("00001.tar")));
    EXPECT_THAT(rig_.store({{2, "two"}}), ElementsAre("00000.tar#000000002.jpg"));
}

TEST_F(TarLayoutTest, WhatIsNotWhatWasFetchedIsRefused) {
    rig_.store({{1, "one"}});
    rig_.layout->begin();
    Arrival arrival = rig_.arrival(2, "two");
    std::ofstream(path(".gritd/tmp/" + arrival.temp_name)) << "twX";
    rig_.layout->accept(std::move(arrival));
    const Publishing published = rig_.layout->publish();
    EXPECT_EQ(published.error, Errc::io);
    EXPECT_FALSE(published.again);
    EXPECT_EQ(rig_.members(0).size(), 2U) << "cut back at once";
}

TEST_F(TarLayoutTest, AShardThatLostBytesIsReportedAndLeftAlone) {
    rig_.store({{1, "one"}, {2, "two"}});
    fs::resize_file(path("00000.tar"), 2'500);
    Restored restored;
    auto next = restart(&restored);
    ASSERT_EQ(restored.damaged.size(), 1U);
    EXPECT_THAT(restored.damaged[0], HasSubstr("00000.tar"));
    EXPECT_THAT(next->store({{3, "three"}}), ElementsAre("00001.tar#000000003.jpg"));
    EXPECT_TRUE(next->marks.at(0).sealed);
    EXPECT_EQ(next->read("00000.tar#000000001.jpg"), "one");
    EXPECT_EQ(next->layout->find("00000.tar#000000002.jpg").error(), Errc::vanished);
}

class SickSystem final : public RealFileSystem {
  public:
    int read_at(int descriptor, std::uint64_t offset, std::span<std::byte> bytes, std::size_t& count) override {
        return unreadable ? EIO : RealFileSystem::read_at(descriptor, offset, bytes, count);
    }
    int truncate(int descriptor, std::uint64_t size) override { return uncut ? EIO : RealFileSystem::truncate(descriptor, size); }

    bool unreadable = false;
    bool uncut = false;
};

TEST_F(TarLayoutTest, AnOpenShardThatTheDiskDoesNotGiveBackIsReportedAndGetsNothingMore) {
    rig_.store({{1, "one"}});
    auto owned = std::make_unique<SickSystem>();
    SickSystem& system = *owned;
    TarRig next(root(), std::move(owned));
    next.marks = rig_.marks;
    system.unreadable = true;
    const auto restored = next.layout->restore({}, next.marks_of_start());
    ASSERT_TRUE(restored) << restored.error().what;
    EXPECT_THAT(restored->damaged, ElementsAre(HasSubstr("00000.tar can not be read")));
    system.unreadable = false;
    EXPECT_THAT(next.store({{3, "three"}}), ElementsAre("00001.tar#000000003.jpg"));
    EXPECT_TRUE(next.marks.at(0).sealed);
    EXPECT_EQ(next.read("00000.tar#000000001.jpg"), "one") << "where it can be read again";
}

TEST_F(TarLayoutTest, AnOpenShardThatCanNotBeCutIsRefused) {
    rig_.store({{1, "one"}});
    auto owned = std::make_unique<SickSystem>();
    owned->uncut = true;
    TarRig next(root(), std::move(owned));
    next.marks = rig_.marks;
    const auto restored = next.layout->restore({}, next.marks_of_start());
    ASSERT_FALSE(restored);
    EXPECT_THAT(restored.error().what, HasSubstr("can not be opened"));
}

TEST_F(TarLayoutTest, AShardThatSomebodyRemovedGetsNothingMore) {
    rig_.store({{1, "one"}});
    fs::remove(path("00000.tar"));
    EXPECT_THAT(rig_.store({{2, "two"}}), ElementsAre("00001.tar#000000002.jpg"));
    EXPECT_TRUE(rig_.marks.at(0).sealed);
    EXPECT_EQ(rig_.layout->find("00000.tar#000000001.jpg").error(), Errc::vanished);
    EXPECT_TRUE(rig_.layout->remove(std::vector<std::string>{"00000.tar#000000001.jpg"}));
}

TEST_F(TarLayoutTest, ASampleThatIsNotWhollyThereIsNotThereAndATornShardIsEnded) {
    rig_.store({{1, "one"}, {2, "two"}, {3, "three"}});
    ASSERT_TRUE(rig_.marks.at(0).sealed);
    for (const bool has_index : {true, false}) {
        const std::uint64_t at = (has_index ? 7 : 3) * kTarBlock + 3;  // in a sidecar
        fs::resize_file(path("00000.tar"), at);
        if (!has_index) {
            fs::remove(path("00000.idx"));
        }
        const std::string lost = has_index ? "00000.tar#000000002.jpg" : "00000.tar#000000001.jpg";
        EXPECT_EQ(rig_.layout->find(lost).error(), Errc::vanished);
        EXPECT_EQ(rig_.read("00000.tar#000000001.jpg") == "one", has_index);
        ASSERT_TRUE(rig_.layout->remove(std::vector<std::string>{lost}));
        EXPECT_EQ(rig_.members(0, true).size(), has_index ? 2U : 0U) << "with the end-of-archive";
        EXPECT_THAT(content_of(path("00000.idx")), HasSubstr(has_index ? "v1.2 1\n" : "v1.2 0\n"));
    }
}

TEST_F(TarLayoutTest, SmallImagesWaitInMemoryAsLongAsThereIsRoom) {
    TarOptions options;
    options.held_bytes = 10;
    TarRig rig(temp_ / "other", nullptr, options);
    rig.layout->begin();
    const fs::path temporaries = temp_ / "other/.gritd/tmp";
    rig.layout->accept(rig.arrival(1, "seven b"));
    EXPECT_TRUE(fs::is_empty(temporaries));
    const Arrival spilled = rig.arrival(2, "seven c");
    EXPECT_EQ(files_in(temporaries), 1U) << "no room for it";
    EXPECT_FALSE(rig.depot->held(spilled.temp_name));
    rig.layout->accept(spilled);
    ASSERT_TRUE(rig.layout->publish());
    rig.record();
    EXPECT_TRUE(fs::is_empty(temporaries));
    EXPECT_EQ(rig.read("00000.tar#000000001.jpg"), "seven b");
    EXPECT_EQ(rig.read("00000.tar#000000002.jpg"), "seven c");
    const std::string held = rig.arrival(3, "room again").temp_name;
    EXPECT_TRUE(rig.depot->held(held));
    TempImage late = rig.depot->create();
    ASSERT_TRUE(late.append(test::bytes_of("late")));
    ASSERT_TRUE(late.close());
    rig.depot->hold_up_to(0);
    EXPECT_FALSE(rig.depot->held(held));
    EXPECT_FALSE(rig.depot->held(late.release())) << "nobody would ask for it";
}

TEST_F(TarLayoutTest, AnImageThatGrowsBeyondTheRoomGoesToAFileWithAllOfIt) {
    TarOptions options;
    options.held_bytes = 10;
    TarRig rig(temp_ / "other", nullptr, options);
    const fs::path temporaries = temp_ / "other/.gritd/tmp";
    {
        TempImage image = rig.depot->create();
        ASSERT_TRUE(image.append(test::bytes_of("first")));
        EXPECT_TRUE(fs::is_empty(temporaries));
        ASSERT_TRUE(image.append(test::bytes_of(", second")));
        ASSERT_TRUE(image.close());
        EXPECT_EQ(image.size(), 13U);
        EXPECT_EQ(content_of(temporaries / image.name()), "first, second");
    }
    EXPECT_TRUE(fs::is_empty(temporaries));
    TempImage dropped = rig.depot->create();
    ASSERT_TRUE(dropped.append(test::bytes_of("ten bytes.")));
    EXPECT_TRUE(fs::is_empty(temporaries)) << "what was let go gave its room back";
}

TEST_F(TarLayoutTest, AMissingIndexIsWrittenAnew) {
    rig_.store({{1, "one"}, {2, "two"}, {3, "three"}});
    const std::string index = content_of(path("00000.idx"));
    fs::remove(path("00000.idx"));
    EXPECT_EQ(rig_.read("00000.tar#000000002.jpg"), "two");
    EXPECT_EQ(content_of(path("00000.idx")), index);
}

// Other programs find nothing behind such a header; we do, by the index.
TEST_F(TarLayoutTest, ADamagedHeaderIsToldAndErasedSoThatTheShardCanBeReadOn) {
    rig_.store({{1, "one"}, {2, "two"}, {3, "three"}, {4, "four"}});
    for (const std::uint32_t shard : {0U, 1U}) {  // sealed and open
        const std::string name = shard == 0 ? "000000002" : "000000004";
        const std::string location = "0000" + std::to_string(shard) + ".tar#" + name + ".jpg";
        const std::string before = content_of(path("0000" + std::to_string(shard) + ".tar"));
        EXPECT_TRUE(rig_.layout->check_headers(location));
        for (const char* const member : {".jpg", ".json"}) {
            std::string damaged = before;
            damaged[damaged.find(name + member) + 130] = '7';  // of its size
            std::ofstream(path("0000" + std::to_string(shard) + ".tar"), std::ios::binary) << damaged;
            EXPECT_EQ(rig_.layout->check_headers(location).error(), Errc::bad_header) << location << member;
        }
        ASSERT_TRUE(rig_.layout->remove(std::vector{location}));
    }
    EXPECT_TRUE(rig_.layout->check_headers("00000.tar#000000003.jpg"));
    EXPECT_THAT(rig_.members(0, true), ElementsAre("000000001.jpg=one", "000000001.json={\"n\":1}", "000000003.jpg=three",
                                                   "000000003.json={\"n\":3}"));
    EXPECT_THAT(rig_.members(1), IsEmpty());
    EXPECT_EQ(rig_.layout->check_headers("00009.tar#000000001.jpg").error(), Errc::vanished);
}

TEST_F(TarLayoutTest, AnIndexThatCanNotBeTrueIsMadeAnew) {
    rig_.store({{1, "one"}, {2, "two"}, {3, "three"}});
    const std::string index = content_of(path("00000.idx"));
    std::string wrong = index;
    wrong.replace(wrong.find("2560 3 000000002.jpg"), 4, "3584");
    std::ofstream(path("00000.idx"), std::ios::binary) << wrong;
    TarRig other(root());
    EXPECT_EQ(other.read("00000.tar#000000002.jpg"), "two");
    EXPECT_EQ(content_of(path("00000.idx")), index);
}

TEST_F(TarLayoutTest, ACleanEndIsWellFormedAndGoesOn) {
    rig_.store({{1, "one"}});
    rig_.layout->close();
    EXPECT_EQ(rig_.members(0, true).size(), 2U);
    EXPECT_TRUE(fs::exists(path("00000.idx")));
    Restored restored;
    auto next = restart(&restored);
    EXPECT_EQ(restored.bytes_cut, kTarEndBytes);
    EXPECT_THAT(next->store({{2, "two"}}), ElementsAre("00000.tar#000000002.jpg"));
    EXPECT_EQ(next->members(0).size(), 4U);
}

TEST_F(TarLayoutTest, EveryImageMayBeCalledTheSame) {
    const TempFolder temp;
    TarOptions options;
    options.extension = "jpg";
    TarRig rig(temp / "images", nullptr, options);
    rig.layout->begin();
    Arrival arrival = rig.arrival(7, "a picture");
    arrival.extension = "webp";
    EXPECT_EQ(rig.layout->propose(arrival), "00000.tar#000000007.jpg");
    const std::string location = rig.layout->accept(std::move(arrival));
    EXPECT_EQ(location, "00000.tar#000000007.jpg");
    ASSERT_TRUE(rig.layout->publish());
    rig.record();
    EXPECT_EQ(rig.read(location), "a picture");
}

// A removal that was cut off after the image: what came with it goes, too.
TEST_F(TarLayoutTest, CompanionsWithoutTheirImageAreErasedAtTheStart) {
    rig_.layout->begin();
    Arrival arrival = rig_.arrival(1, "one");
    arrival.companions.push_back({"txt", "a caption"});
    rig_.layout->accept(std::move(arrival));
    ASSERT_TRUE(rig_.layout->publish());
    rig_.record();
    std::fstream shard(path("00000.tar"), std::ios::in | std::ios::out | std::ios::binary);
    std::array<std::byte, kTarBlock> header{};
    shard.read(reinterpret_cast<char*>(header.data()), header.size());
    erase_tar_header(header);
    shard.seekp(0);
    shard.write(reinterpret_cast<const char*>(header.data()), header.size());
    shard.close();
    auto next = restart();
    EXPECT_THAT(next->members(0), testing::IsEmpty());
}

TEST_F(TarLayoutTest, RemovalLeavesNoByteAndNoName) {
    rig_.store({{0, "first"}, {1, "SECRET"}, {2, "third"}, {3, "SECRET TOO"}, {4, "fifth"}});
    const std::vector<std::string> gone{"00000.tar#000000001.jpg", "00001.tar#000000003.jpg"};
    for (int i = 0; i < 2; ++i) {  // repeatable
        ASSERT_TRUE(rig_.layout->remove(gone));
        for (const char* shard : {"00000.tar", "00001.tar"}) {
            EXPECT_THAT(content_of(path(shard)), testing::Not(HasSubstr("SECRET")));
        }
        EXPECT_THAT(rig_.members(0, true), ElementsAre("000000000.jpg=first", "000000000.json={\"n\":0}", "000000002.jpg=third",
                                                       "000000002.json={\"n\":2}"));
        EXPECT_THAT(rig_.members(1), ElementsAre("000000004.jpg=fifth", "000000004.json={\"n\":4}"));
        EXPECT_THAT(content_of(path("00000.idx")), testing::StartsWith("v1.2 2\n"));
        EXPECT_THAT(content_of(path("00000.idx")), testing::Not(HasSubstr("000000001")));
        EXPECT_EQ(rig_.layout->find(gone[0]).error(), Errc::vanished);
        EXPECT_EQ(rig_.layout->find(gone[1]).error(), Errc::vanished);
        EXPECT_EQ(rig_.read("00001.tar#000000004.jpg"), "fifth");
    }
    auto next = restart();
    EXPECT_THAT(next->store({{3, "anew"}}), ElementsAre("00001.tar#000000003.jpg"));
    EXPECT_EQ(next->read("00001.tar#000000003.jpg"), "anew");
    EXPECT_FALSE(next->layout->remove(std::vector<std::string>{"00001/000000003.jpg"}));
}

// The image's header is erased last; a crash in between leaves it without what came with it, or the other way round.
TEST_F(TarLayoutTest, WhatAnErasureLeftOfASampleIsErasedAtTheStart) {
    rig_.store({{1, "one"}, {2, "two"}});
    {
        std::fstream file(path("00000.tar"), std::ios::in | std::ios::out | std::ios::binary);
        std::array<std::byte, kTarBlock> header{};
        file.read(reinterpret_cast<char*>(header.data()), header.size());
        erase_tar_header(header);
        file.seekp(0);
        file.write(reinterpret_cast<const char*>(header.data()), header.size());
    }
    auto next = restart();
    EXPECT_THAT(next->members(0), ElementsAre("000000002.jpg=two", "000000002.json={\"n\":2}"));
}

TEST_F(TarLayoutTest, AnotherProcessFindsImagesInOpenAndSealedShards) {
    rig_.store({{0, "a"}, {1, "b"}, {2, "c"}, {3, "d"}});
    TarRig other(root());  // nothing is restored: it only reads
    EXPECT_EQ(other.read("00000.tar#000000001.jpg"), "b");
    EXPECT_EQ(other.read("00001.tar#000000003.jpg"), "d");
    rig_.store({{4, "e"}});
    EXPECT_EQ(other.read("00001.tar#000000004.jpg"), "e") << "what came after it looked";
    fs::remove(path("00000.idx"));
    EXPECT_EQ(TarRig(root()).read("00000.tar#000000001.jpg"), "b") << "without the index";
    EXPECT_EQ(other.layout->find("00009.tar#000000001.jpg").error(), Errc::vanished);
    EXPECT_EQ(other.layout->find("../00000.tar#000000001.jpg").error(), Errc::bad_path);
    EXPECT_EQ(other.layout->find("00000/000000001.jpg").error(), Errc::bad_path);
}

}  // namespace
}  // namespace grit::archive
