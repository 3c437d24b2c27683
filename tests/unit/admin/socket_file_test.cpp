#include "socket_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "running_server.hpp"

namespace grit::admin {
namespace {

using test::TempFolder;
using test::UnixClient;
using testing::HasSubstr;

mode_t mode_of(const std::string& path) {
    struct stat status{};
    ::lstat(path.c_str(), &status);
    return status.st_mode & 07777;
}

TEST(SocketFile, HasTheModeAndGoesAway) {
    const TempFolder folder;
    const std::string path = folder / "s";
    {
        const auto file = SocketFile::listen(path, 0660);
        ASSERT_TRUE(file) << file.error().what;
        EXPECT_EQ(mode_of(path), 0660u);
        EXPECT_TRUE(UnixClient(path).connected());
    }
    EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(SocketFile, TakesOverFromTheDead) {
    const TempFolder folder;
    const std::string path = folder / "s";
    // What a killed daemon leaves: a socket file that nobody listens on.
    const int dead = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    ASSERT_EQ(::bind(dead, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    ::close(dead);
    ASSERT_FALSE(UnixClient(path).connected());

    const auto file = SocketFile::listen(path, 0600);
    ASSERT_TRUE(file) << file.error().what;
    EXPECT_TRUE(UnixClient(path).connected());
}

TEST(SocketFile, RefusesTheLiving) {
    const TempFolder folder;
    const std::string path = folder / "s";
    const auto living = SocketFile::listen(path, 0600);
    const auto second = SocketFile::listen(path, 0600);
    ASSERT_FALSE(second);
    EXPECT_THAT(second.error().what, HasSubstr("another gritd answers there"));
    EXPECT_THAT(second.error().what, HasSubstr(path));
    EXPECT_TRUE(UnixClient(path).connected());
}

TEST(SocketFile, LeavesOtherFilesAlone) {
    const TempFolder folder;
    const std::string path = folder / "s";
    std::ofstream(path) << "precious";
    const auto file = SocketFile::listen(path, 0600);
    ASSERT_FALSE(file);
    EXPECT_THAT(file.error().what, HasSubstr("file of another kind"));
    EXPECT_EQ(std::filesystem::file_size(path), 8u);
}

TEST(SocketFile, LeavesTheFileOfASuccessor) {
    const TempFolder folder;
    const std::string path = folder / "s";
    auto old = SocketFile::listen(path, 0600);
    ASSERT_TRUE(old);
    ::close(old->release_descriptor());
    auto successor = SocketFile::listen(path, 0600);
    ASSERT_TRUE(successor);
    old->remove();
    EXPECT_TRUE(UnixClient(path).connected());
}

TEST(SocketFile, MakesTheLastFolderOnly) {
    const TempFolder folder;
    EXPECT_TRUE(SocketFile::listen(folder / "run/s", 0600));
    const auto deep = SocketFile::listen(folder / "a/b/s", 0600);
    ASSERT_FALSE(deep);
    EXPECT_THAT(deep.error().what, HasSubstr("folder is missing"));
}

TEST(SocketFile, RefusesPathsThatDoNotFit) {
    EXPECT_FALSE(SocketFile::listen("", 0600));
    EXPECT_FALSE(SocketFile::listen("/tmp/" + std::string(102, 'x'), 0600));
}

}  // namespace
}  // namespace grit::admin
