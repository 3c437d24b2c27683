// [storage.volumes]: names that begin the locations of images, and roots that do not meet.
#include <gmock/gmock.h>

#include "config_support.hpp"

namespace grit::config::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

std::string volumes(const std::string& entries) { return with_least("[storage.volumes]\n" + entries); }

TEST(VolumesConfig, NamesFurtherRoots) {
    const Config config = config_of(volumes("b = \"/mnt/b\"\nslow_disk-2 = \"/mnt/c/grit\"\n"));
    EXPECT_THAT(config.storage.volumes, ElementsAre(Pair("b", "/mnt/b"), Pair("slow_disk-2", "/mnt/c/grit")));
    EXPECT_EQ(config_of(effective_toml(config)), config);
    EXPECT_TRUE(config_of(with_least("")).storage.volumes.empty());
}

TEST(VolumesConfig, ANameIsNeverLikeAShardOrTheFirstVolume) {
    for (const char* const name : {"00012", "B", "\"a.b\"", "\".gritd\"", "\"\"", "\"a/b\"", "abcdefghijklmnopqrstuvwxyz0123456"}) {
        EXPECT_THAT(errors_of(volumes(std::string(name) + " = \"/mnt/b\"\n")), ElementsAre(HasSubstr("is no name of a volume"))) << name;
    }
    EXPECT_THAT(errors_of(volumes("root = \"/mnt/b\"\n")), ElementsAre(HasSubstr("is what the first volume is called")));
}

TEST(VolumesConfig, RootsDoNotMeet) {
    EXPECT_THAT(errors_of(volumes("b = \"/srv/images/\"\n")), ElementsAre(HasSubstr("is the root of storage.root, too")));
    EXPECT_THAT(errors_of(volumes("b = \"/srv/images/b\"\n")), ElementsAre(HasSubstr("one inside the other")));
    EXPECT_THAT(errors_of(volumes("b = \"/srv\"\n")), ElementsAre(HasSubstr("one inside the other")));
    EXPECT_THAT(errors_of(volumes("b = \"/mnt/x/../b\"\nc = \"/mnt/b\"\n")), ElementsAre(HasSubstr("is the root of the volume \"b\", too")));
    EXPECT_THAT(errors_of(volumes("b = \"\"\n")), ElementsAre(HasSubstr("must not be empty")));
    EXPECT_THAT(errors_of(volumes("b = 3\n")), ElementsAre(HasSubstr("expected a text")));
    EXPECT_THAT(errors_of(with_least("storage.volumes = [\"/mnt/b\"]\n")), ElementsAre(HasSubstr("expected a table such as")));
    EXPECT_EQ(config_of(volumes("b = \"/srv/images2\"\n")).storage.volumes.size(), 1u) << "beside it";
}

TEST(VolumesConfig, AReloadDoesNotChangeThem) {
    const Config before = config_of(with_least(""));
    const Config after = config_of(volumes("b = \"/mnt/b\"\n"));
    EXPECT_THAT(restart_only_changes(before, after), ElementsAre("storage.volumes"));
}

}  // namespace
}  // namespace grit::config::test
