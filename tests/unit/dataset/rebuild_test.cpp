#include "grit/dataset/rebuild.hpp"

#include <gmock/gmock.h>

#include <algorithm>

#include "grit/archive/tar.hpp"
#include "grit/store/journal_rows.hpp"
#include "grit/store/opt_out_rows.hpp"
#include "grit/store/volume_rows.hpp"
#include "rebuild_rig.hpp"

namespace grit::dataset {
namespace {

using testing::HasSubstr;

class RebuildShards : public test::RebuildRig {
  protected:
    /// Shards of three: 0 is sealed, 1 has two.
    void fill() {
        publish({0, 1});
        publish({2, 3, 4});
    }
    void append(std::uint32_t shard, const std::string& bytes) { std::ofstream(file_of(shard), std::ios::app | std::ios::binary) << bytes; }
    [[nodiscard]] std::string file_of(std::uint32_t shard) const { return root() + "/0000" + std::to_string(shard) + ".tar"; }
    void overwrite(std::uint32_t shard, std::uint64_t at, const std::string& bytes) {
        std::fstream file(file_of(shard), std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(static_cast<std::streamoff>(at)) << bytes;
    }
};

TEST_F(RebuildShards, AreFilledAsFarAsTheyWere) {
    fill();
    tell_begin();
    for (Ordinal ordinal = 0; ordinal < 5; ++ordinal) {
        tell_stored(ordinal);
    }
    append(1, std::string(700, 'x') + std::string(700, '\0'));
    const auto report = rebuild();
    ASSERT_TRUE(report) << report.error().what;
    EXPECT_EQ(report->images, 5U);
    EXPECT_EQ(report->lost + report->found + report->unknown, 0U);
    EXPECT_EQ(rows(), marks_);
    EXPECT_EQ(store::get_layout(env_->read().value()).value(), "webdataset");
    EXPECT_THAT(report->problems, testing::ElementsAre(HasSubstr("00001.tar: 1400 bytes behind its last whole image")));
    const archive::Restored restored = start();
    EXPECT_EQ(restored.bytes_cut, 1'400U);
    EXPECT_TRUE(restored.damaged.empty());
    expect_stored({0, 1, 2, 3, 4});
    publish({5});
    expect_stored({3, 4});
    EXPECT_EQ(location_.at(5), "00001.tar#000000005.gif") << "it goes on where it was";
}

TEST_F(RebuildShards, ACleanStopLeavesAnIndexAndAnEndThatAreNoImages) {
    fill();
    images_->close();
    tell_begin();
    for (Ordinal ordinal = 0; ordinal < 5; ++ordinal) {
        tell_stored(ordinal);
    }
    const auto report = rebuild();
    ASSERT_TRUE(report) << report.error().what;
    EXPECT_TRUE(report->problems.empty());
    EXPECT_EQ(rows(), marks_);
    EXPECT_EQ(start().bytes_cut, archive::kTarEndBytes);
    expect_stored({0, 1, 2, 3, 4});
}

TEST_F(RebuildShards, ImagesWithoutALineAreTakenByTheirSidecars) {
    fill();
    tell_begin();
    tell_stored(0);
    const auto report = rebuild();
    ASSERT_TRUE(report) << report.error().what;
    EXPECT_EQ(report->found, 4U);
    EXPECT_EQ(rows(), marks_);
    start();
    expect_stored({0, 1, 2, 3, 4});
    store::Record expected = record_of(4, location_.at(4));
    expected.final_url = "https://other.example/";
    expected.attempts = 3;
    expected.detail = "taken over from its file by a rebuild";
    EXPECT_EQ(record(4).value(), expected);
    EXPECT_EQ(store::get_totals(env_->read().value()).value().next_ordinal, 5U);
}

TEST_F(RebuildShards, TheyAreToldOfInTheJournal) {
    fill();
    tell_begin();
    ASSERT_EQ(rebuild().value().found, 5U);
    env_.reset();
    std::filesystem::remove_all(scratch_ / "state");
    const auto again = rebuild();
    ASSERT_TRUE(again) << again.error().what;
    EXPECT_EQ(again->found, 0U);
    EXPECT_EQ(again->images, 5U);
    EXPECT_EQ(again->lines_missing, 0U);
}

TEST_F(RebuildShards, WithNoJournalTheirSidecarsAreEnough) {
    fill();
    std::filesystem::remove_all(root() + "/outcomes");
    const auto report = rebuild();
    ASSERT_TRUE(report) << report.error().what;
    EXPECT_EQ(report->found, 5U);
    EXPECT_THAT(report->problems, testing::ElementsAre(HasSubstr("has no journal")));
    start();
    expect_stored({0, 1, 2, 3, 4});
}

TEST_F(RebuildShards, AJournalThatIsSwitchedOffIsNotBegun) {
    fill();
    std::filesystem::remove_all(root() + "/outcomes");
    begins_journal_ = false;
    ASSERT_TRUE(rebuild());
    EXPECT_FALSE(std::filesystem::exists(root() + "/outcomes"));
}

TEST_F(RebuildShards, AJournalThatWasSwitchedOffSinceIsStillReadAndCounted) {
    fill();
    tell_begin();
    tell_stored(0);
    begins_journal_ = false;
    ASSERT_EQ(rebuild().value().found, 4U);
    const auto mark = store::get_journal_mark(env_->read().value()).value();
    EXPECT_EQ(mark.next_seq, 7U);
    EXPECT_GT(mark.bytes, 0U) << "or the next start would take it for one that was never committed";
}

TEST_F(RebuildShards, WithNoJournalLinesHaveTheNumbersThatTheirImagesKnow) {
    publish({0, 3});
    publish({5, 6, 8});
    publish({12});
    std::filesystem::remove_all(root() + "/outcomes");
    write_input("first.jsonl", {0, 1, 2, 3, 0, 5, 20, 21});  // the fifth line's URL is the first one's again
    write_input("second.jsonl", {6, 7, 8, 6, 6, 6});
    write_input("third.jsonl", {30, 31});
    write_input("contradicting.jsonl", {99, 98, 3});
    const auto report = rebuild();
    ASSERT_TRUE(report) << report.error().what;
    using Extents = std::vector<store::OrdinalExtent>;
    EXPECT_EQ(extents("first.jsonl"), (Extents{{0, 0, 6}})) << "up to the last line that says so";
    EXPECT_EQ(extents("second.jsonl"), (Extents{{0, 6, 3}}));
    EXPECT_EQ(extents("third.jsonl"), Extents());
    EXPECT_EQ(extents("contradicting.jsonl"), Extents());
    EXPECT_EQ(store::get_totals(env_->read().value()).value().next_ordinal, 13U);
    std::uint64_t restored = 0;
    ASSERT_TRUE(store::for_each_host(env_->read().value(), [&restored](HostId, const store::HostRow& row) {
        restored += row.restored;
        return true;
    }));
    EXPECT_EQ(restored, 5U) << "records whose line is to come: not that of 12";
}

TEST_F(RebuildShards, AJournalKnowsTheNumbersBetter) {
    fill();
    tell_begin();
    tell_stored(0);
    write_input("first.jsonl", {0, 1, 2, 3});
    ASSERT_TRUE(rebuild());
    EXPECT_TRUE(extents("first.jsonl").empty());
}

TEST_F(RebuildShards, WithNoJournalAndNoImageThereIsNothing) {
    const auto report = rebuild();
    ASSERT_FALSE(report);
    EXPECT_THAT(report.error().what, HasSubstr("there is nothing to rebuild from"));
    EXPECT_FALSE(std::filesystem::exists(scratch_ / "state/data.mdb"));
}

TEST_F(RebuildShards, WhatIsNotAsItsSidecarTellsStaysAndItsKeyIsTaken) {
    fill();
    const archive::Extent damaged = images_->find(location_.at(3)).value();
    overwrite(1, damaged.offset + 15, "\x55");  // still a whole image
    tell_begin();
    const auto report = rebuild();
    ASSERT_TRUE(report) << report.error().what;
    EXPECT_EQ(report->found, 4U);
    EXPECT_EQ(report->unknown, 1U);
    EXPECT_EQ(record(3).error(), store::Errc::not_found);
    EXPECT_EQ(rows(), marks_);
    EXPECT_EQ(store::get_removal(env_->read().value(), "#000000003").value(), store::Removal::kept);
}

TEST_F(RebuildShards, AnImageThatWasLetGoIsErased) {
    fill();
    tell_begin();
    for (Ordinal ordinal = 0; ordinal < 5; ++ordinal) {
        tell_stored(ordinal);
    }
    store::Record again = record_of(4, "");
    again.outcome = Outcome::broken_image;
    again.waiting = true;
    again.due_ms = test::kFetchedMs + 1;
    tell_record(journal::Kind::broken, again);
    const auto report = rebuild();
    ASSERT_TRUE(report) << report.error().what;
    EXPECT_EQ(report->removed, 1U);
    EXPECT_EQ(report->waiting, 1U);
    start();
    EXPECT_EQ(images_->find(location_.at(4)).error(), archive::Errc::vanished);
    expect_stored({0, 1, 2, 3});
}

TEST_F(RebuildShards, AnImageThatIsMissingIsAskedForAgain) {
    fill();
    ASSERT_TRUE(images_->remove(std::vector{location_.at(1)}));
    tell_begin();
    for (Ordinal ordinal = 0; ordinal < 5; ++ordinal) {
        tell_stored(ordinal);
    }
    const auto report = rebuild();
    ASSERT_TRUE(report) << report.error().what;
    EXPECT_EQ(report->lost, 1U);
    EXPECT_EQ(record(1).error(), store::Errc::not_found);
    EXPECT_EQ(start().bytes_cut, 0U);
    expect_stored({0, 2, 3, 4});
}

TEST_F(RebuildShards, AnOpenOneThatIsDamagedInTheMiddleIsLeftAsItIs) {
    fill();
    const archive::Extent last = images_->find(location_.at(4)).value();
    overwrite(1, last.offset - archive::kTarBlock, std::string(archive::kTarBlock, '\x7f'));
    tell_begin();
    for (Ordinal ordinal = 0; ordinal < 5; ++ordinal) {
        tell_stored(ordinal);
    }
    const std::uint64_t bytes = std::filesystem::file_size(file_of(1));
    const auto report = rebuild();
    ASSERT_TRUE(report) << report.error().what;
    EXPECT_EQ(report->lost, 1U);
    EXPECT_THAT(report->problems, testing::ElementsAre(HasSubstr("is damaged in the middle")));
    EXPECT_EQ(start().bytes_cut, 0U);
    EXPECT_EQ(std::filesystem::file_size(file_of(1)), bytes);
    expect_stored({0, 1, 2, 3});
    publish({5});
    EXPECT_EQ(location_.at(5), "00002.tar#000000005.gif");
}

TEST_F(RebuildShards, OneWithAnIndexThatIsDamagedInTheMiddleIsLeftAsItIs) {
    publish({0, 1});
    images_->close();
    const archive::Extent first = images_->find(location_.at(0)).value();
    overwrite(0, first.offset - archive::kTarBlock, std::string(archive::kTarBlock, '\x7f'));
    tell_begin();
    tell_stored(0);
    tell_stored(1);
    const std::uint64_t bytes = std::filesystem::file_size(file_of(0));
    const auto report = rebuild();
    ASSERT_TRUE(report) << report.error().what;
    EXPECT_THAT(report->problems, testing::ElementsAre(HasSubstr("is damaged in the middle")));
    EXPECT_TRUE((rows().at({"", 0}).sealed));
    const archive::Restored restored = start();
    EXPECT_EQ(restored.bytes_cut, 0U);
    EXPECT_EQ(std::filesystem::file_size(file_of(0)), bytes);
    expect_stored({0, 1});
    publish({2});
    EXPECT_EQ(location_.at(2), "00001.tar#000000002.gif");
}

TEST_F(RebuildShards, AJournalOfAnotherLayoutIsRefused) {
    fill();
    tell_begin();
    tell_stored(0);
    layout_ = "files";
    const auto by_name = rebuild();
    ASSERT_FALSE(by_name);
    EXPECT_THAT(by_name.error().what, HasSubstr("begun as \"webdataset\""));
    // One from before the layout was told.
    std::filesystem::remove(journal_file());
    seq_ = 0;
    tell_begin(false);
    tell_stored(0);
    const auto by_location = rebuild();
    ASSERT_FALSE(by_location);
    EXPECT_THAT(by_location.error().what, HasSubstr("00000.tar#000000000.gif, which is of another storage.layout"));
}

TEST_F(RebuildShards, EachVolumeHasItsOwn) {
    images_.reset();
    add_volume("b");
    for (Ordinal ordinal = 0; ordinal < 10; ++ordinal) {  // five each: a sealed shard, and two
        publish({ordinal});
    }
    ASSERT_TRUE(std::any_of(location_.begin(), location_.end(), [](const auto& one) { return one.second.starts_with("b/0000"); }));
    tell_begin();
    for (Ordinal ordinal = 0; ordinal < 6; ++ordinal) {
        tell_stored(ordinal);
    }
    const auto report = rebuild();
    ASSERT_TRUE(report) << report.error().what;
    EXPECT_EQ(report->found, 4U);
    EXPECT_EQ(rows(), marks_);
    const auto volumes = store::get_volumes(env_->read().value()).value();
    EXPECT_EQ(volumes, (std::vector<store::VolumeRow>{{"b", false}}));
    EXPECT_EQ(start().bytes_cut, 0U);
    expect_stored({0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
}

TEST_F(RebuildShards, AVolumeThatIsNotThereIsNotLostUntilSomebodySaysSo) {
    images_.reset();
    add_volume("b");
    for (Ordinal ordinal = 0; ordinal < 6; ++ordinal) {
        publish({ordinal});
    }
    tell_begin();
    for (Ordinal ordinal = 0; ordinal < 6; ++ordinal) {
        tell_stored(ordinal);
    }
    std::filesystem::rename(scratch_ / "b", scratch_ / "away");
    std::filesystem::create_directories(scratch_ / "b");
    EXPECT_THAT(rebuild().error().what, HasSubstr("is it mounted?"));
    EXPECT_TRUE(std::filesystem::is_empty(scratch_ / "b"));
    names_.clear();
    EXPECT_THAT(rebuild().error().what, HasSubstr("gritctl rebuild --lost b"));
    lost_ = {"b"};
    const auto report = rebuild();
    ASSERT_TRUE(report) << report.error().what;
    const auto on_b = static_cast<std::uint64_t>(
        std::count_if(location_.begin(), location_.end(), [](const auto& one) { return one.second.starts_with("b/"); }));
    EXPECT_GT(on_b, 0U);
    EXPECT_EQ(report->lost, on_b);
    EXPECT_EQ(report->images, 6 - on_b);
    EXPECT_FALSE(std::filesystem::is_symlink(root() + "/b"));
}

TEST_F(RebuildShards, AVolumeWithNoneOfItsImagesIsRefused) {
    fill();
    tell_begin();
    tell_stored(0);
    std::filesystem::remove(file_of(0));
    EXPECT_THAT(rebuild().error().what, HasSubstr("none of the 1 images on it is there"));
}

class RebuildFolders : public test::RebuildRig {
  protected:
    RebuildFolders() : RebuildRig("img2dataset") {}
};

TEST_F(RebuildFolders, SidecarsTellOfImagesAndAreNone) {
    publish({0, 1, 10'000});
    std::filesystem::remove(root() + "/00000/000000001.json");
    const auto report = rebuild();
    ASSERT_TRUE(report) << report.error().what;
    EXPECT_EQ(report->found, 2U);
    EXPECT_EQ(report->unknown, 1U) << "an image without its sidecar";
    start();
    expect_stored({0, 10'000});
    EXPECT_EQ(record(1).error(), store::Errc::not_found);
    EXPECT_EQ(record(10'000)->image_type, static_cast<std::uint8_t>(media::ImageType::gif)) << "whatever its name says";
}

}  // namespace
}  // namespace grit::dataset
