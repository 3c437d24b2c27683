// Files of other programs that become images without a copy.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <memory>
#include <vector>

#include "grit/archive/depot.hpp"
#include "grit/base/file_descriptor.hpp"
#include "temp_root.hpp"

namespace grit::archive {
namespace {

namespace fs = std::filesystem;
using test::bytes_of;
using test::content_of;
using test::files_in;
using test::options_for;
using test::TempFolder;

// A machine whose clones are copies, or refused.
class SharingSystem final : public RealFileSystem {
  public:
    int clone(int from, int to) override {
        ++clones;
        std::array<std::byte, 100> bytes{};
        std::size_t count = 0;
        std::size_t written = 0;
        const int error = clone_error != 0 ? clone_error : read_at(from, 0, bytes, count);
        return error != 0 ? error : write(to, std::span(bytes).first(count), written);
    }
    int link(int descriptor, const std::string& path) override {
        ++links;
        return link_error != 0 ? link_error : RealFileSystem::link(descriptor, path);
    }

    int clone_error = EOPNOTSUPP;
    int link_error = 0;
    int clones = 0;
    int links = 0;
};

class DepotShare : public testing::Test {
  protected:
    void SetUp() override {
        auto system = std::make_unique<SharingSystem>();
        system_ = system.get();
        depot_ = Depot::open(options_for(temp_ / "images"), std::move(system)).value();
        std::ofstream(old_) << "of another program";
    }

    LocalSource source(bool may_link = true) {
        file_ = std::make_unique<FileDescriptor>(::open(old_.c_str(), O_RDONLY));
        struct stat status {};
        EXPECT_EQ(::fstat(file_->get(), &status), 0);
        return LocalSource{file_->get(), status.st_dev, static_cast<std::uint64_t>(status.st_size), may_link};
    }
    std::size_t temporaries() const { return files_in(temp_ / "images/.gritd/tmp"); }
    static std::string read(TempImage& image) {
        std::string text(100, '\0');
        const auto count = image.read(3, std::as_writable_bytes(std::span(text)));
        return count ? text.substr(0, *count) : count.error().message();
    }

    TempFolder temp_;
    std::string old_ = temp_ / "old.jpg";
    SharingSystem* system_ = nullptr;
    std::unique_ptr<Depot> depot_;
    std::unique_ptr<FileDescriptor> file_;
};

TEST_F(DepotShare, AFileGetsASecondNameAndIsPublishedByIt) {
    auto image = depot_->share(source());
    ASSERT_TRUE(image);
    EXPECT_EQ(image->bytes(), TempImage::Bytes::linked);
    EXPECT_EQ(image->size(), 18U);
    EXPECT_EQ(read(*image), "another program");
    ASSERT_TRUE(image->close());
    const std::vector<Move> moves{{image->release(), "00000/000000000.jpg"}};
    ASSERT_TRUE(depot_->sync());
    ASSERT_TRUE(depot_->publish(moves));
    EXPECT_TRUE(fs::equivalent(old_, temp_ / "images/00000/000000000.jpg"));
    ASSERT_TRUE(depot_->remove("00000/000000000.jpg"));
    EXPECT_EQ(content_of(old_), "of another program") << "that name is not ours";
}

TEST_F(DepotShare, BlocksAreSharedWhereTheFileSystemCanDoIt) {
    system_->clone_error = 0;
    {
        auto image = depot_->share(source());
        ASSERT_TRUE(image);
        EXPECT_EQ(image->bytes(), TempImage::Bytes::cloned);
        EXPECT_EQ(read(*image), "another program");
        EXPECT_EQ(system_->links, 0);
        EXPECT_FALSE(fs::equivalent(old_, (temp_ / "images/.gritd/tmp/") + image->name()));
        std::ofstream(old_) << "it is at work again";
        EXPECT_EQ(read(*image), "another program") << "what is judged is what is stored";
    }
    EXPECT_EQ(temporaries(), 0U);
}

TEST_F(DepotShare, AFileThatMayNotBeLinkedIsCopied) {
    EXPECT_FALSE(depot_->share(source(false)));
    EXPECT_EQ(system_->links, 0);
    EXPECT_EQ(temporaries(), 0U);
}

TEST_F(DepotShare, WhatTheFileSystemRefusesIsCopied) {
    for (const int error : {EXDEV, EPERM, EMLINK, ENOSPC}) {
        system_->link_error = error;
        EXPECT_FALSE(depot_->share(source())) << error;
    }
    EXPECT_EQ(temporaries(), 0U);
    EXPECT_EQ(system_->clones, 1) << "a file system that can not clone is asked once";
    EXPECT_EQ(files_in(temp_.path()), 2U);
}

TEST_F(DepotShare, AFileThatCanNotBeClonedSaysNothingOfOthers) {
    system_->clone_error = EXDEV;
    EXPECT_TRUE(depot_->share(source()));
    EXPECT_TRUE(depot_->share(source()));
    EXPECT_EQ(system_->clones, 2);
}

TEST_F(DepotShare, NothingIsTriedWithFilesOfOtherFileSystems) {
    LocalSource elsewhere = source();
    ++elsewhere.device;
    EXPECT_FALSE(depot_->share(elsewhere));
    EXPECT_EQ(system_->clones + system_->links, 0);
}

TEST_F(DepotShare, NothingIsSharedWithALayoutThatCopiesIntoShards) {
    depot_->hold_up_to(1 << 20);
    EXPECT_FALSE(depot_->share(source()));
    EXPECT_EQ(system_->clones + system_->links, 0);
}

TEST_F(DepotShare, AnImageThatIsNotWantedLeavesTheFileAlone) {
    { auto image = depot_->share(source()); }
    EXPECT_EQ(temporaries(), 0U);
    EXPECT_EQ(content_of(old_), "of another program");
}

}  // namespace
}  // namespace grit::archive
