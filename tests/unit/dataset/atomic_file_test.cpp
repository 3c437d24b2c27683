#include "grit/dataset/atomic_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>

#include "scratch.hpp"

namespace grit::dataset {
namespace {

using test::read_file;
using test::ScratchFolder;
using test::write_file;
using testing::HasSubstr;

class TextSource final : public ExportSource {
  public:
    TextSource(std::string piece, int pieces, bool fails) : piece_(std::move(piece)), left_(pieces), fails_(fails) {}
    Checked<bool> next(std::string& chunk) override {
        chunk = left_ > 0 ? piece_ : std::string();
        if (left_-- > 0) {
            return true;
        }
        return fails_ ? Checked<bool>(Problem{"the source broke"}) : false;
    }

  private:
    std::string piece_;
    int left_;
    bool fails_;
};

TEST(AtomicFile, IsThereOnlyAfterCommit) {
    const ScratchFolder folder;
    const std::string path = folder / "map.json";
    write_file(path, "old");
    auto file = AtomicFile::create(path);
    ASSERT_TRUE(file) << file.error().what;
    ASSERT_TRUE(file->write("new "));
    ASSERT_TRUE(file->write("text"));
    EXPECT_EQ(read_file(path), "old");
    ASSERT_TRUE(file->commit());
    EXPECT_EQ(read_file(path), "new text");
    EXPECT_EQ(folder.entries(), 1u);
}

TEST(AtomicFile, LeavesNothingWhenDropped) {
    const ScratchFolder folder;
    {
        auto file = AtomicFile::create(folder / "a");
        ASSERT_TRUE(file->write("half"));
    }
    EXPECT_EQ(folder.entries(), 0u);
}

TEST(AtomicFile, FailedSourceLeavesTheOldFile) {
    const ScratchFolder folder;
    const std::string path = folder / "a";
    write_file(path, "old");
    TextSource source("x", 3, true);
    const auto written = write_export(source, path);
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().what, "the source broke");
    EXPECT_EQ(read_file(path), "old");
    EXPECT_EQ(folder.entries(), 1u);
}

TEST(AtomicFile, CountsBytes) {
    const ScratchFolder folder;
    TextSource source("abc", 4, false);
    EXPECT_EQ(write_export(source, folder / "a").value(), 12u);
    EXPECT_EQ(read_file(folder / "a"), "abcabcabcabc");
}

// A limit on the size of files stands for a full disk: write(2) fails in the same place.
TEST(AtomicFile, FailedWriteLeavesNothing) {
    const ScratchFolder folder;
    const std::string path = folder / "a";
    rlimit before{};
    ::getrlimit(RLIMIT_FSIZE, &before);
    const rlimit small{1000, before.rlim_max};
    const auto ignore = std::signal(SIGXFSZ, SIG_IGN);
    ::setrlimit(RLIMIT_FSIZE, &small);
    TextSource source(std::string(400, 'x'), 4, false);
    const auto written = write_export(source, path);
    ::setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, ignore);
    ASSERT_FALSE(written);
    EXPECT_THAT(written.error().what, HasSubstr("can not write " + path));
    EXPECT_EQ(folder.entries(), 0u);
}

TEST(AtomicFile, FollowsLinksAndWritesDevicesDirectly) {
    const ScratchFolder folder;
    write_file(folder / "real", "old");
    std::filesystem::create_symlink("real", folder / "link");
    TextSource source("new", 1, false);
    ASSERT_TRUE(write_export(source, folder / "link"));
    EXPECT_TRUE(std::filesystem::is_symlink(folder / "link"));
    EXPECT_EQ(read_file(folder / "real"), "new");

    TextSource again("new", 1, false);
    ASSERT_TRUE(write_export(again, "/dev/null"));
    EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
}

TEST(AtomicFile, SaysWhatIsWrongWithThePath) {
    const ScratchFolder folder;
    const auto missing = AtomicFile::create(folder / "no/such/folder");
    ASSERT_FALSE(missing);
    EXPECT_THAT(missing.error().what, HasSubstr("make the folder first"));
    const auto is_folder = AtomicFile::create(folder.path());
    ASSERT_FALSE(is_folder);
    EXPECT_THAT(is_folder.error().what, HasSubstr("it is a folder"));
}

}  // namespace
}  // namespace grit::dataset
