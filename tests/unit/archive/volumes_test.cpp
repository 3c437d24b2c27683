// Several image volumes: each failure of one of two takes out that one, and the other goes on.
#include <fcntl.h>
#include <gmock/gmock.h>

#include <atomic>
#include <cerrno>
#include <fstream>
#include <functional>
#include <map>
#include <thread>

#include "grit/archive/volumes.hpp"
#include "grit/base/file_descriptor.hpp"
#include "manual_clock.hpp"
#include "temp_root.hpp"

namespace grit::archive::test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

// What the disk of one folder does, whoever asks.
struct Disk {
    std::atomic<int> sync_error{0};
    std::atomic<int> write_error{0};
    std::atomic<int> rename_error{0};
    std::atomic<int> link_error{0};
    std::atomic<int> folder_error{0};
    std::atomic<std::uint64_t> free_bytes{1'000'000'000};
    std::atomic<bool> read_only{false};
    std::atomic<std::uint64_t> device{7};
    std::atomic<int> calls{0};
    std::function<void()> on_measure = [] {};
    std::function<void()> on_sync = [] {};
};

using Disks = std::map<std::string, Disk>;

// The machine's file system, with the disks of a test under some folders.
class TestSystem final : public RealFileSystem {
  public:
    explicit TestSystem(Disks& disks) : disks_(disks) {}
    int open_folder(const std::string& path, int& descriptor) override {
        root_ = &disk_of(path);
        return RealFileSystem::open_folder(path, descriptor);
    }
    int write(int descriptor, std::span<const std::byte> bytes, std::size_t& written) override {
        ++root_->calls;
        return root_->write_error != 0 ? root_->write_error.load() : RealFileSystem::write(descriptor, bytes, written);
    }
    int sync_volume(int) override {
        ++root_->calls;
        root_->on_sync();
        return root_->sync_error;
    }
    int rename(const std::string& from, const std::string& to) override {
        ++root_->calls;
        return root_->rename_error != 0 ? root_->rename_error.load() : RealFileSystem::rename(from, to);
    }
    int link(int descriptor, const std::string& path) override {
        return root_->link_error != 0 ? root_->link_error.load() : RealFileSystem::link(descriptor, path);
    }
    int make_folder(const std::string& path, mode_t mode) override {
        ++disk_of(path).calls;
        return disk_of(path).folder_error != 0 ? disk_of(path).folder_error.load() : RealFileSystem::make_folder(path, mode);
    }
    int measure(const std::string& path, Volume& volume) override {
        const int error = RealFileSystem::measure(path, volume);
        disk_of(path).on_measure();
        volume.free_bytes = disk_of(path).free_bytes;
        volume.read_only = disk_of(path).read_only;
        return error;
    }
    int device_of(const std::string& path, std::uint64_t& device) override {
        const int error = RealFileSystem::device_of(path, device);
        device = path.ends_with("/..") ? 1 : disk_of(path).device.load();
        return error;
    }

  private:
    Disk& disk_of(const std::string& path) {
        for (auto& [folder, disk] : disks_) {
            if (path.find("/" + folder) != std::string::npos) {
                return disk;
            }
        }
        return none_;
    }
    Disks& disks_;
    Disk none_;
    Disk* root_ = &none_;
};

class VolumesTest : public ::testing::Test {
  protected:
    VolumesTest() {
        std::filesystem::create_directory(temp_ / "disk_a");
        std::filesystem::create_directory(temp_ / "disk_b");
        a_.free_bytes = 1'000'000'000;
        b_.free_bytes = 1'000'000'000;
    }

    VolumesOptions options() {
        VolumesOptions options;
        options.places = {{"", temp_ / "disk_a"}, {"b", temp_ / "disk_b"}};
        options.dataset_id = options_for("").dataset_id;
        options.min_free_bytes = 1'000;
        options.make_layout = [](Depot& depot) { return make_files_layout(depot); };
        options.make_system = [this] { return std::make_unique<TestSystem>(disks_); };
        return options;
    }
    void open() { open(options()); }
    void open(VolumesOptions options) {
        volumes_.reset();
        auto opened = Volumes::open(std::move(options), clock_);
        ASSERT_TRUE(opened) << opened.error().what;
        volumes_ = std::move(*opened);
    }
    std::string refusal(VolumesOptions options) {
        volumes_.reset();
        auto opened = Volumes::open(std::move(options), clock_);
        return opened ? "(opened)" : opened.error().what;
    }

    /// An image that is fetched. @return its name, or what went wrong.
    std::string stage(std::string_view text) {
        TempImage image = volumes_->create();
        const auto written = image.append(bytes_of(text));
        if (!written || !image.close()) {
            return written ? "close failed" : written.error().message();
        }
        return image.release();
    }
    /// Some images on each of the volumes.
    std::vector<std::string> stage_some(std::size_t count = 4) {
        std::vector<std::string> names;
        for (std::size_t i = 0; i < count; ++i) {
            names.push_back(stage("image " + std::to_string(next_++)));
        }
        return names;
    }

    struct Grouped {
        std::vector<std::string> recorded;
        std::vector<std::string> left_behind;
        std::size_t lost = 0;
        Publishing published;
    };
    /// As the committer does it.
    Grouped commit(const std::vector<std::string>& names) {
        Grouped group;
        EXPECT_TRUE(volumes_->sync());
        volumes_->begin();
        std::vector<std::pair<std::string, std::string>> placed;
        for (const std::string& name : names) {
            if (volumes_->lost(name)) {
                ++group.lost;
                continue;
            }
            Arrival arrival;
            arrival.temp_name = name;
            arrival.ordinal = ordinal_++;
            arrival.extension = "jpg";
            placed.emplace_back(name, volumes_->accept(std::move(arrival)));
        }
        group.published = volumes_->publish();
        for (const auto& [name, location] : placed) {
            if (volumes_->lost(name)) {
                ++group.lost;
                EXPECT_TRUE(volumes_->discard(name));
            } else {
                group.recorded.push_back(location);
            }
        }
        group.left_behind = volumes_->left_behind();
        volumes_->committed();
        return group;
    }
    void look() {
        volumes_->look(0);
        volumes_->look(1);
    }
    VolumeView view(std::size_t index) { return volumes_->views().at(index); }
    std::size_t images_on(const std::string& disk) {
        std::size_t count = 0;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(temp_ / disk)) {
            count += entry.path().extension() == ".jpg" ? 1 : 0;
        }
        return count;
    }
    static std::size_t on_b(const std::vector<std::string>& locations) {
        return static_cast<std::size_t>(
            std::count_if(locations.begin(), locations.end(), [](const auto& one) { return one.starts_with("b/"); }));
    }

    grit::test::TempFolder temp_;
    grit::test::ManualClock clock_;
    Disks disks_;
    Disk& a_ = disks_["disk_a"];
    Disk& b_ = disks_["disk_b"];
    std::unique_ptr<Volumes> volumes_;
    int next_ = 0;
    Ordinal ordinal_ = 0;
};

TEST_F(VolumesTest, EveryLocationIsAFileBelowTheFirstRoot) {
    open();
    const Grouped group = commit(stage_some());
    EXPECT_EQ(group.recorded.size(), 4u);
    EXPECT_EQ(on_b(group.recorded), 2u);
    for (const std::string& location : group.recorded) {
        EXPECT_TRUE(std::filesystem::is_regular_file(std::filesystem::path(volumes_->root()) / location)) << location;
        EXPECT_TRUE(volumes_->find(location)) << location;
        EXPECT_EQ(volumes_->claim_of(location), location);
    }
    EXPECT_EQ(images_on("disk_b"), 2u);
    ASSERT_TRUE(volumes_->remove(group.recorded));
    EXPECT_EQ(images_on("disk_a") + images_on("disk_b"), 0u);
    EXPECT_EQ(volumes_->find(group.recorded.front()).error(), Errc::vanished);
}

TEST_F(VolumesTest, AFileThatIsOnOneOfThemIsSharedThere) {
    b_.device = 8;
    open();
    const std::string old = temp_ / "old.jpg";
    std::ofstream(old) << "of another program";
    const FileDescriptor file(::open(old.c_str(), O_RDONLY));
    const auto share = [&](std::uint64_t device) { return volumes_->share(LocalSource{file.get(), device, 18, true}); };
    EXPECT_FALSE(share(9)) << "of neither";
    for (const int error : {EXDEV, EPERM, EMLINK}) {
        b_.link_error = error;
        EXPECT_FALSE(share(8));
        EXPECT_EQ(view(1).state, VolumeState::in_use) << "that is no fault of the volume";
    }
    b_.link_error = 0;
    auto image = share(8);
    ASSERT_TRUE(image);
    const Grouped group = commit({image->release()});
    ASSERT_EQ(on_b(group.recorded), 1u);
    EXPECT_TRUE(std::filesystem::equivalent(old, std::filesystem::path(volumes_->root()) / group.recorded[0]));
    b_.link_error = EIO;
    EXPECT_FALSE(share(8));
    EXPECT_EQ(view(1).state, VolumeState::out);
    b_.link_error = 0;
    EXPECT_FALSE(share(8)) << "nothing is put on a volume that is out";
}

TEST_F(VolumesTest, FillByFreeSpace) {
    a_.free_bytes = 1'000 + 100'000;
    b_.free_bytes = 1'000 + 300'000;
    open();
    EXPECT_EQ(on_b(commit(stage_some(100)).recorded), 75u);
}

TEST_F(VolumesTest, AFullOneIsPassedOverUntilThereIsAMargin) {
    open();
    b_.free_bytes = 999;
    look();
    EXPECT_EQ(view(1).state, VolumeState::full);
    EXPECT_EQ(on_b(commit(stage_some()).recorded), 0u);
    b_.free_bytes = 1'050;  // the margin is a tenth of so small a floor
    look();
    EXPECT_EQ(view(1).state, VolumeState::full);
    b_.free_bytes = 1'100;
    look();
    EXPECT_EQ(view(1).state, VolumeState::in_use);
    EXPECT_EQ(volumes_->trouble(), "");
    a_.free_bytes = b_.free_bytes = 0;
    look();
    EXPECT_THAT(volumes_->trouble(), HasSubstr("disk_full: no image volume can be used: root: less than"));
    EXPECT_FALSE(volumes_->takes_images());
}

TEST_F(VolumesTest, AWriteThatFailsTakesItOutAndTheNextImageGoesToAnother) {
    open();
    b_.write_error = EIO;
    const auto names = stage_some();
    EXPECT_EQ(view(1).state, VolumeState::out);
    EXPECT_THAT(view(1).why, HasSubstr("writing failed: Input/output error"));
    EXPECT_TRUE(volumes_->has_room_elsewhere());
    EXPECT_EQ(std::count(names.begin(), names.end(), make_error_code(Errc::io).message()), 1);
    EXPECT_EQ(on_b(commit(stage_some()).recorded), 0u);
}

TEST_F(VolumesTest, ASyncThatFailsLosesTheImagesOfThatVolumeAlone) {
    open();
    const auto names = stage_some();
    b_.sync_error = EIO;
    const Grouped group = commit(names);
    EXPECT_TRUE(group.published);
    EXPECT_EQ(group.recorded.size(), 2u);
    EXPECT_EQ(on_b(group.recorded), 0u);
    EXPECT_EQ(group.lost, 2u);
    EXPECT_EQ(view(1).state, VolumeState::out);
    EXPECT_TRUE(volumes_->is_out("b/00000/000000001.jpg"));
    EXPECT_FALSE(volumes_->is_out("00000/000000001.jpg"));
    EXPECT_EQ(volumes_->find("b/00000/000000001.jpg").error(), Errc::volume_out);
}

// By the n-th call that changes something: whatever a group needs of the volume.
TEST_F(VolumesTest, APublishThatFailsLeavesNothingUnknownOnTheVolume) {
    for (const int error : {EROFS, EIO, ENOSPC}) {
        for (std::atomic<int>* const call : {&b_.rename_error, &b_.folder_error}) {
            open();
            const auto names = stage_some();
            *call = error;
            const Grouped group = commit(names);
            EXPECT_TRUE(group.published);
            EXPECT_EQ(on_b(group.recorded), 0u);
            EXPECT_EQ(group.recorded.size() + group.lost, 4u);
            EXPECT_EQ(view(1).state, error == ENOSPC ? VolumeState::full : VolumeState::out);
            *call = 0;
            EXPECT_EQ(images_on("disk_b"), 0u);
            volumes_.reset();
            std::filesystem::remove_all(temp_ / "disk_b/00000");
        }
    }
}

TEST_F(VolumesTest, NothingReachesAVolumeThatIsOut) {
    open();
    b_.read_only = true;
    look();
    EXPECT_EQ(view(1).state, VolumeState::out);
    EXPECT_THAT(view(1).why, HasSubstr("read-only"));
    const int before = b_.calls;
    commit(stage_some());
    EXPECT_FALSE(volumes_->remove(std::vector<std::string>{"b/00000/000000001.jpg"}));
    EXPECT_EQ(b_.calls, before);
}

TEST_F(VolumesTest, ImagesOfOthersAreRemovedAlthoughOneIsOut) {
    open();
    const Grouped group = commit(stage_some());
    b_.read_only = true;
    look();
    const auto removed = volumes_->remove(group.recorded);
    ASSERT_FALSE(removed);
    EXPECT_THAT(removed.error().what, HasSubstr("volume b is out"));
    EXPECT_EQ(images_on("disk_a"), 0u);
    EXPECT_EQ(images_on("disk_b"), 2u);
}

TEST_F(VolumesTest, ItComesBackWithAProbeAndWithoutWhatNoRecordNames) {
    open();
    auto names = stage_some();
    Grouped group = commit(names);
    names = stage_some();
    // Two are renamed, the sync of their names fails.
    ASSERT_TRUE(volumes_->sync());
    b_.sync_error = EIO;
    group = commit(names);
    EXPECT_EQ(group.lost, 2u);
    EXPECT_EQ(group.left_behind.size(), images_on("disk_b") - 2);
    clock_.advance(std::chrono::seconds(10));
    look();
    EXPECT_EQ(view(1).state, VolumeState::out);
    EXPECT_THAT(view(1).why, HasSubstr("can not be synced"));
    b_.sync_error = 0;
    look();
    EXPECT_EQ(view(1).state, VolumeState::in_use);
    EXPECT_EQ(view(1).times_out, 1u);
    EXPECT_EQ(images_on("disk_b"), 2u);
    EXPECT_EQ(files_in(temp_ / "disk_b/.gritd/tmp"), 0u);
    group = commit(stage_some());
    EXPECT_EQ(on_b(group.recorded), 2u);
    EXPECT_THAT(group.left_behind, IsEmpty());
}

TEST_F(VolumesTest, ShardsThatNobodyKnewAtTheStartAreLeftAloneWhenItIsBack) {
    VolumesOptions shards = options();
    shards.make_layout = [](Depot& depot) { return make_tar_layout(depot, TarOptions{}); };
    open(shards);
    for (const char* name : {"disk_a/00000.tar", "disk_a/00001.tar"}) {
        std::ofstream(temp_ / name) << "images";
    }
    shards.has_images = true;
    open(shards);
    EXPECT_EQ(volumes_->restore({}, {}).value().damaged.size(), 1u) << "of the other one there is nothing to be said";
    a_.read_only = true;
    look();
    EXPECT_EQ(view(0).state, VolumeState::out);
    a_.read_only = false;
    clock_.advance(std::chrono::seconds(10));
    look();
    EXPECT_EQ(view(0).state, VolumeState::in_use) << view(0).why;
    EXPECT_TRUE(std::filesystem::exists(temp_ / "disk_a/00000.tar"));
    EXPECT_TRUE(std::filesystem::exists(temp_ / "disk_a/00001.tar"));
}

TEST_F(VolumesTest, ItRestsBeforeItComesBackLongerEachTime) {
    open();
    for (const int rest : {3, 6, 12}) {
        b_.read_only = true;
        look();
        b_.read_only = false;
        clock_.advance(std::chrono::milliseconds(rest * 1000 - 1));
        look();
        EXPECT_EQ(view(1).state, VolumeState::out);
        clock_.advance(std::chrono::milliseconds(1));
        look();
        EXPECT_EQ(view(1).state, VolumeState::in_use) << rest;
    }
}

TEST_F(VolumesTest, WhatWasBegunBeforeIsLostWhenItIsBack) {
    open();
    const auto names = stage_some();
    b_.read_only = true;
    look();
    b_.read_only = false;
    clock_.advance(std::chrono::seconds(10));
    look();
    ASSERT_EQ(view(1).state, VolumeState::in_use);
    EXPECT_EQ(commit(names).lost, 2u);
}

TEST_F(VolumesTest, OneThatGoesOutWhileTheOtherPublishesIsLostWithAllOfTheGroup) {
    open();
    const auto names = stage_some();
    int syncs = 0;
    b_.on_sync = [&] {
        if (++syncs == 2) {  // of its names: the images on the first are in place
            a_.device = 8;
            volumes_->look(0);
        }
    };
    const Grouped group = commit(names);
    b_.on_sync = [] {};
    EXPECT_EQ(view(0).state, VolumeState::out);
    EXPECT_EQ(group.lost, 2u);
    EXPECT_EQ(on_b(group.recorded), 2u) << "none of those on the first is recorded";
    EXPECT_EQ(group.left_behind.size(), 2u) << "and none is forgotten";
    EXPECT_EQ(images_on("disk_a"), 2u);
    clock_.advance(std::chrono::seconds(10));
    look();
    ASSERT_EQ(view(0).state, VolumeState::in_use) << view(0).why;
    EXPECT_EQ(images_on("disk_a"), 0u);
}

TEST_F(VolumesTest, OneThatGoesOutBehindThatHasItsImages) {
    open();
    const auto names = stage_some();
    ASSERT_TRUE(volumes_->sync());
    volumes_->begin();
    for (const std::string& name : names) {
        Arrival arrival;
        arrival.temp_name = name;
        arrival.ordinal = ordinal_++;
        arrival.extension = "jpg";
        volumes_->accept(std::move(arrival));
    }
    ASSERT_TRUE(volumes_->publish());
    b_.read_only = true;
    look();
    ASSERT_EQ(view(1).state, VolumeState::out);
    EXPECT_TRUE(std::none_of(names.begin(), names.end(), [this](const auto& name) { return volumes_->lost(name); }));
    EXPECT_THAT(volumes_->left_behind(), IsEmpty());
    volumes_->committed();
    b_.read_only = false;
    clock_.advance(std::chrono::seconds(10));
    look();
    EXPECT_EQ(images_on("disk_b"), 2u);
}

TEST_F(VolumesTest, AFailureCostsItsOwnGroupAlone) {
    open();
    const auto first = stage_some();
    const auto second = stage_some();
    b_.rename_error = ENOSPC;
    EXPECT_EQ(commit(first).lost, 2u);
    ASSERT_EQ(view(1).state, VolumeState::full);
    b_.rename_error = 0;
    EXPECT_EQ(commit(second).lost, 0u) << "their bytes are sound";
}

TEST_F(VolumesTest, NoDescriptorKeepsOneBusyThatIsOut) {
    open();
    TempImage first = volumes_->create();
    TempImage second = volumes_->create();
    ASSERT_TRUE(first.append(bytes_of("one")));
    ASSERT_TRUE(second.append(bytes_of("one")));
    const auto open_there = [&] {
        std::size_t count = 0;
        std::error_code ignored;
        for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
            count += std::filesystem::read_symlink(entry, ignored).string().find("/disk_b") != std::string::npos ? 1 : 0;
        }
        return count;
    };
    EXPECT_EQ(open_there(), 2u) << "its root, and an image";
    b_.read_only = true;
    look();
    EXPECT_EQ(open_there(), 0u);
}

TEST_F(VolumesTest, AReturnWaitsForTheEndOfTheGroupUnderWay) {
    open();
    b_.read_only = true;
    look();
    b_.read_only = false;
    clock_.advance(std::chrono::seconds(10));
    volumes_->begin();
    std::thread watcher([this] { volumes_->look(1); });
    EXPECT_TRUE(volumes_->publish());
    EXPECT_EQ(view(1).state, VolumeState::out);
    volumes_->committed();
    watcher.join();
    EXPECT_EQ(view(1).state, VolumeState::in_use) << "and is not put off by it";
}

TEST_F(VolumesTest, AnUnmountedOneIsSeenByItsDeviceAndItsMarker) {
    open();
    b_.device = 1;  // that of the folder above
    look();
    EXPECT_EQ(view(1).state, VolumeState::out);
    EXPECT_THAT(view(1).why, HasSubstr("is not mounted any more"));
    clock_.advance(std::chrono::seconds(10));
    look();
    EXPECT_THAT(view(1).why, HasSubstr("is a plain folder"));
    b_.device = 9;  // the same volume by another number
    look();
    EXPECT_EQ(view(1).state, VolumeState::in_use);
    std::filesystem::rename(temp_ / "disk_b/.gritd", temp_ / "gone");
    look();
    EXPECT_EQ(view(1).state, VolumeState::out);
    clock_.advance(std::chrono::seconds(10));
    look();
    EXPECT_THAT(view(1).why, HasSubstr("is its volume mounted?"));
    EXPECT_FALSE(std::filesystem::exists(temp_ / "disk_b/.gritd"));
}

TEST_F(VolumesTest, NothingIsWrittenToWhatLiesUnderAnUnmountedRoot) {
    open();
    const auto names = stage_some();
    std::filesystem::rename(temp_ / "disk_b", temp_ / "mounted");
    std::filesystem::create_directory(temp_ / "disk_b");
    commit(names);  // before anybody has looked
    stage_some();
    EXPECT_EQ(files_in(temp_ / "disk_b"), 0u);
    look();
    EXPECT_EQ(view(1).state, VolumeState::out);
    commit(stage_some());
    EXPECT_EQ(files_in(temp_ / "disk_b"), 0u);
    // What was recorded before is on the volume.
    EXPECT_EQ(images_on("mounted"), 2u);
}

TEST_F(VolumesTest, OneThatDoesNotAnswerIsTakenOut) {
    open();
    b_.on_measure = [this] {
        clock_.advance(Volumes::kAnswerWithin);
        volumes_->tick();
        EXPECT_EQ(view(1).state, VolumeState::in_use);
        clock_.advance(std::chrono::milliseconds(1));
        volumes_->tick();
        EXPECT_EQ(view(1).state, VolumeState::out) << "before the look is over";
        EXPECT_THAT(view(1).why, HasSubstr("has not answered for 10s"));
    };
    volumes_->look(1);
    b_.on_measure = [] {};
    EXPECT_EQ(view(0).state, VolumeState::in_use);
    EXPECT_EQ(view(1).state, VolumeState::out);
    clock_.advance(std::chrono::seconds(10));
    look();
    EXPECT_EQ(view(1).state, VolumeState::in_use);
}

TEST_F(VolumesTest, AloneItFailsAsOneRootDoes) {
    auto alone = options();
    alone.places.pop_back();
    open(std::move(alone));
    auto names = stage_some(2);
    a_.sync_error = EIO;
    EXPECT_FALSE(volumes_->sync());
    EXPECT_EQ(view(0).state, VolumeState::in_use);
    EXPECT_FALSE(volumes_->has_room_elsewhere());
    a_.sync_error = 0;
    a_.free_bytes = 0;
    volumes_->look(0);
    EXPECT_EQ(volumes_->trouble(), "disk_full: less than storage.min_free is free below " + (temp_ / "disk_a"));
}

TEST_F(VolumesTest, AMissingOrForeignVolumeIsRefusedInWords) {
    std::filesystem::remove(temp_ / "disk_b");
    EXPECT_THAT(refusal(options()), HasSubstr("image volume b"));
    EXPECT_FALSE(std::filesystem::exists(temp_ / "disk_b")) << "a mount point is not made";
    std::filesystem::create_directory(temp_ / "disk_b");
    open();
    volumes_.reset();
    std::filesystem::rename(temp_ / "disk_b", temp_ / "mounted");
    std::filesystem::create_directory(temp_ / "disk_b");
    auto known = options();
    known.known = {"b"};
    EXPECT_THAT(refusal(known), HasSubstr("is its volume mounted?"));
    auto swapped = options();
    swapped.places = {{"", temp_ / "mounted"}, {"b", temp_ / "disk_a"}};
    EXPECT_THAT(refusal(swapped), HasSubstr("mixed up"));
    auto foreign = options();
    foreign.dataset_id = std::string(32, 'f');
    EXPECT_THAT(refusal(foreign), HasSubstr("belongs to another dataset"));
    // Moved to another place it is found again, and the link follows.
    auto moved = options();
    moved.known = {"b"};
    moved.places[1].root = temp_ / "mounted";
    open(moved);
    EXPECT_EQ(std::filesystem::read_symlink(temp_ / "disk_a/b"), temp_ / "mounted");
}

TEST_F(VolumesTest, WhatIsInTheWayOfALinkIsNotTouched) {
    open();
    volumes_.reset();
    std::filesystem::remove(temp_ / "disk_a/b");
    std::filesystem::create_directory(temp_ / "disk_a/b");
    EXPECT_THAT(refusal(options()), HasSubstr("is in the way"));
}

TEST_F(VolumesTest, OnlyOneThatIsOutCanBeLost) {
    open();
    const Grouped group = commit(stage_some());
    EXPECT_THAT(volumes_->declare_lost("b").error().what, HasSubstr("only one that is out"));
    EXPECT_FALSE(volumes_->declare_lost("root"));
    EXPECT_FALSE(volumes_->declare_lost("c"));
    b_.read_only = true;
    look();
    b_.read_only = false;
    EXPECT_TRUE(volumes_->declare_lost("b"));
    clock_.advance(std::chrono::seconds(100));
    look();
    EXPECT_EQ(view(1).state, VolumeState::lost);
    EXPECT_TRUE(volumes_->remove(group.recorded)) << "it has nothing left to be removed";
    EXPECT_EQ(images_on("disk_b"), 2u);
    // After a restart without it.
    auto without = options();
    without.places.pop_back();
    without.lost = {"b"};
    open(without);
    EXPECT_TRUE(volumes_->is_out("b/00000/000000001.jpg"));
    EXPECT_TRUE(volumes_->remove(group.recorded));
    EXPECT_FALSE(std::filesystem::exists(std::filesystem::symlink_status(temp_ / "disk_a/b")));
}

TEST_F(VolumesTest, OneWhoseLossCanNotBeNotedIsOutAsBefore) {
    open();
    commit(stage_some());
    b_.read_only = true;
    look();
    b_.read_only = false;
    const std::string why = view(1).why;
    EXPECT_EQ(volumes_->declare_lost("b", [] { return Checked<void>(Problem{"the state is full"}); }).error().what, "the state is full");
    EXPECT_EQ(view(1).state, VolumeState::out);
    EXPECT_EQ(view(1).why, why);
    clock_.advance(std::chrono::seconds(100));
    look();
    EXPECT_EQ(view(1).state, VolumeState::in_use) << "it comes back";
}

}  // namespace
}  // namespace grit::archive::test
