// The commit protocol over two volumes, of which one fails at every call of it.
#include "crawl_rig.hpp"

#include "grit/archive/tar.hpp"
#include "grit/archive/volumes.hpp"

#include <fstream>
#include <iterator>
#include <limits>
#include <tuple>

namespace grit::crawl {
namespace {

using archive::VolumeState;
using test::CrawlRig;
using test::TaskPtr;

// Of the volume b alone, whatever part of gritd asks.
struct Faults {
    std::atomic<int> calls{0};
    std::atomic<int> from{std::numeric_limits<int>::max()};  // every call from this one on fails
    std::atomic<int> error{EIO};
};

class VolumeSystem final : public archive::RealFileSystem {
  public:
    explicit VolumeSystem(Faults& faults) : faults_(faults) {}
    int open_folder(const std::string& path, int& descriptor) override {
        is_b_ = path.ends_with("volume_b");
        return RealFileSystem::open_folder(path, descriptor);
    }
    int create(const std::string& path, mode_t mode, int& descriptor) override {
        return around([&] { return RealFileSystem::create(path, mode, descriptor); });
    }
    int write(int descriptor, std::span<const std::byte> bytes, std::size_t& written) override {
        return around([&] { return RealFileSystem::write(descriptor, bytes, written); });
    }
    int rename(const std::string& from, const std::string& to) override {
        return around([&] { return RealFileSystem::rename(from, to); });
    }
    int unlink(const std::string& path) override {
        if (faults_.error == ENOSPC) {
            return RealFileSystem::unlink(path);  // needs no space
        }
        return around([&] { return RealFileSystem::unlink(path); });
    }
    int make_folder(const std::string& path, mode_t mode) override {
        return around([&] { return RealFileSystem::make_folder(path, mode); });
    }
    int sync_volume(int descriptor) override {
        return around([&] { return RealFileSystem::sync_volume(descriptor); });
    }
    int write_at(int descriptor, std::uint64_t offset, std::span<const std::byte> bytes, std::size_t& written) override {
        return around([&] { return RealFileSystem::write_at(descriptor, offset, bytes, written); });
    }
    int sync_data(int descriptor) override {
        return around([&] { return RealFileSystem::sync_data(descriptor); });
    }
    int truncate(int descriptor, std::uint64_t size) override {
        if (faults_.error == ENOSPC) {
            return RealFileSystem::truncate(descriptor, size);
        }
        return around([&] { return RealFileSystem::truncate(descriptor, size); });
    }

  private:
    template <class Call>
    int around(Call call) {
        return is_b_ && ++faults_.calls >= faults_.from ? faults_.error.load() : call();
    }
    Faults& faults_;
    bool is_b_ = false;
};

class CommitterVolumesTest : public CrawlRig {
  protected:
    static constexpr int kUrls = 8;

    [[nodiscard]] virtual std::unique_ptr<archive::Layout> layout_of(archive::Depot& depot) const {
        return archive::make_files_layout(depot);
    }

    void SetUp() override {
        committer_.reset();
        std::filesystem::create_directory(dir_ / "volume_b");
        archive::VolumesOptions options;
        options.places = {{"", (dir_ / "images").string()}, {"b", (dir_ / "volume_b").string()}};
        options.dataset_id = env_->dataset_id();
        options.make_layout = [this](archive::Depot& depot) { return layout_of(depot); };
        options.make_system = [this] { return std::make_unique<VolumeSystem>(faults_); };
        auto opened = archive::Volumes::open(std::move(options), clock_);
        ASSERT_TRUE(opened) << opened.error().what;
        volumes_ = opened->get();
        layout_ = std::move(*opened);
        open_committer();
        std::vector<std::string> urls;
        for (int i = 0; i < kUrls; ++i) {
            urls.push_back("a.example.org/" + std::to_string(i));
        }
        add_counted(urls);
    }

    // Three of them have the same bytes as another one.
    void fetch(TaskPtr task) {
        const int number = task->url.text.back() - '0';
        fetch_bytes(std::move(task), "image " + std::to_string(number % 5));
    }
    void fetch_bytes(TaskPtr task, const std::string& bytes) {
        for (int attempt = 0; attempt < 3; ++attempt) {
            fetch::Image made{volumes_->create(), bytes.size(), {}, media::ImageType::jpeg, 4, 3};
            media::Digest digest;
            digest.update(std::as_bytes(std::span(bytes)));
            made.sha256 = digest.finish();
            if (made.file.append(std::as_bytes(std::span(bytes))) && made.file.close()) {
                Settlement settled = settlement(std::move(task), Outcome::stored);
                settled.image = std::move(made);
                committer_->submit(std::move(settled));
                return;
            }
            EXPECT_TRUE(volumes_->has_room_elsewhere());
        }
        ADD_FAILURE() << "no place for an image";
    }
    void fetch_all() {
        for (int i = 0; i < kUrls; ++i) {
            fetch(take());
        }
    }
    void drive() {
        for (int turn = 0; turn < 10 && (committer_->uncommitted() > 0 || !listener_.back.empty()); ++turn) {
            for (TaskPtr& task : std::exchange(listener_.back, {})) {
                frontier_->push(std::move(task));
                fetch(take());
            }
            commit();
        }
    }
    /// What is below a folder: files, members of shards, and what is behind the last whole member (as one more).
    static std::size_t images_in(const std::filesystem::path& root) {
        std::size_t count = 0;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
            count += entry.path().extension() == ".jpg" ? 1 : 0;
            if (entry.path().extension() == ".tar") {
                count += members_of(entry.path()).size();
            }
        }
        return count;
    }
    /// {name: bytes} of the images.
    static std::map<std::string, std::string> members_of(const std::filesystem::path& shard) {
        std::map<std::string, std::string> found;
        const std::string content = content_of(shard);
        archive::RealFileSystem system;
        int descriptor = -1;
        EXPECT_EQ(system.open_file(shard.string(), false, descriptor), 0);
        const auto end = archive::for_each_tar_member(system, descriptor, content.size(), [&](const archive::TarMember& member) {
            if (member.name.ends_with(".jpg")) {
                found[member.name] = content.substr(member.offset, member.size);
            }
            return true;
        });
        system.close(descriptor);
        if (content.find_first_not_of('\0', end.value()) != content.npos) {
            found["torn"];
        }
        return found;
    }
    static std::string content_of(const std::filesystem::path& file) {
        std::ifstream in(file, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    /// On both volumes.
    std::size_t images_on_disk() { return images_in(dir_ / "images") + images_in(dir_ / "volume_b"); }
    /// The bytes of an image, as anybody finds them.
    std::string bytes_at(const std::string& location) {
        const std::size_t mark = std::min(location.find('#'), location.size());
        const auto file = dir_ / "images" / location.substr(0, mark);
        return mark == location.size() ? content_of(file) : members_of(file)[location.substr(mark + 1)];
    }
    void expect_all_is_stored() {
        EXPECT_EQ(committer_->uncommitted(), 0u);
        EXPECT_EQ(outcomes(Outcome::stored), 5u);
        EXPECT_EQ(outcomes(Outcome::duplicate_content), 3u);
        for (int i = 0; i < kUrls; ++i) {
            const store::Record record = record_of("http://a.example.org/" + std::to_string(i));
            EXPECT_EQ(record.attempts, 1u) << "a fault of ours is charged to nobody";
            EXPECT_EQ(bytes_at(record.location), "image " + std::to_string(i % 5)) << record.location;
        }
        expect_nothing_lost();
        expect_journal_agrees();
    }
    void heal() {
        faults_.from = std::numeric_limits<int>::max();
        clock_.advance(std::chrono::seconds(60));
        volumes_->look(1);
        EXPECT_EQ(volumes_->views()[1].state, VolumeState::in_use) << volumes_->views()[1].why;
    }
    std::vector<std::string> intents() { return store::get_intents(env_->read().value()).value(); }

    Faults faults_;
    archive::Volumes* volumes_ = nullptr;
};

TEST_F(CommitterVolumesTest, ImagesGoToBothAndAreFoundBelowTheFirst) {
    fetch_all();
    drive();
    expect_all_is_stored();
    EXPECT_EQ(images_on_disk(), 5u);
    EXPECT_GT(faults_.calls, 5);
    EXPECT_TRUE(listener_.faults.empty());
}

// One of its calls after the other is the last one that works.
class FromEachCall : public CommitterVolumesTest, public ::testing::WithParamInterface<std::tuple<int, int>> {
  protected:
    void try_it();
};

void FromEachCall::try_it() {
    const auto [call, error] = GetParam();
    faults_.error = error;
    faults_.from = faults_.calls + call;
    fetch_all();
    drive();
    const bool was_met = faults_.calls >= faults_.from;
    expect_all_is_stored();
    EXPECT_TRUE(listener_.faults.empty()) << "nobody waits for the broken volume";
    if (was_met) {
        EXPECT_NE(volumes_->views()[1].state, VolumeState::in_use);
    }
    heal();
    EXPECT_EQ(images_on_disk(), 5u) << "what no record names is removed when it is back";
    expect_all_is_stored();
    EXPECT_TRUE(volumes_->sweep_temporaries());
}

TEST_P(FromEachCall, TheOtherVolumeTakesWhatIsLost) { try_it(); }

INSTANTIATE_TEST_SUITE_P(Calls, FromEachCall, ::testing::Combine(::testing::Range(1, 30), ::testing::Values(EIO, EROFS, ENOSPC)));

// Shards of two images, so that groups seal some and begin others.
class ShardsFromEachCall : public FromEachCall {
    std::unique_ptr<archive::Layout> layout_of(archive::Depot& depot) const override {
        archive::TarOptions options;
        options.shard_images = 2;
        return archive::make_tar_layout(depot, options);
    }
};

TEST_P(ShardsFromEachCall, TheOtherVolumeTakesWhatIsLost) { try_it(); }

INSTANTIATE_TEST_SUITE_P(Calls, ShardsFromEachCall, ::testing::Combine(::testing::Range(1, 45), ::testing::Values(EIO, EROFS, ENOSPC)));

TEST_F(CommitterVolumesTest, WhatCouldNotBeTakenBackStaysAmongTheIntents) {
    fetch_all();
    // The images are synced, the first is renamed, and no more.
    const int before = faults_.calls;
    faults_.from = before + 4;
    commit();
    const std::vector<std::string> left = intents();
    EXPECT_FALSE(left.empty());
    for (const std::string& path : left) {
        EXPECT_TRUE(path.starts_with("b/")) << path;
    }
    drive();
    EXPECT_EQ(intents(), left) << "until it is back";
    heal();
    add_counted({"a.example.org/9"});
    fetch(take());
    drive();
    EXPECT_TRUE(intents().empty());
    EXPECT_EQ(outcomes(Outcome::stored) + outcomes(Outcome::duplicate_content), 9u);
}

TEST_F(CommitterVolumesTest, EqualBytesOnAVolumeThatIsOutAreNoReasonToThrowTheseAway) {
    fetch_all();
    drive();
    int on_b = 0;
    while (!record_of("http://a.example.org/" + std::to_string(on_b)).location.starts_with("b/")) {
        ASSERT_LT(++on_b, kUrls);
    }
    faults_.from = 0;
    TaskPtr other = [this] { add_counted({"a.example.org/other"}); return take(); }();
    static_cast<void>(volumes_->remove(std::vector<std::string>{"b/00000/000009999.jpg"}));  // meets the fault
    ASSERT_EQ(volumes_->views()[1].state, VolumeState::out);
    const std::string bytes = "image " + std::to_string(on_b % 5);
    fetch_bytes(std::move(other), bytes);
    drive();
    const store::Record record = record_of("http://a.example.org/other");
    EXPECT_EQ(record.outcome, Outcome::stored);
    EXPECT_FALSE(record.location.starts_with("b/")) << record.location;
    EXPECT_TRUE(std::filesystem::is_regular_file(dir_ / "images" / record.location));
    heal();
    expect_nothing_lost();
}

}  // namespace
}  // namespace grit::crawl
