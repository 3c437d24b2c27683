#include <gtest/gtest.h>

#include <array>

#include "grit/archive/image_reader.hpp"
#include "grit/archive/layout.hpp"
#include "temp_root.hpp"

namespace grit::archive {
namespace {

namespace fs = std::filesystem;
using test::content_of;
using test::options_for;
using test::stage;
using test::TempFolder;

class FilesLayout : public testing::Test {
  protected:
    Arrival arrival(Ordinal ordinal, std::string_view text, unsigned copy = 1) {
        Arrival made;
        made.temp_name = stage(*depot_, text);
        made.size = text.size();
        made.ordinal = ordinal;
        made.extension = "jpg";
        made.copy = copy;
        return made;
    }
    std::string path(const std::string& location) { return temp_ / ("images/" + location); }
    std::string read(const std::string& location) {
        const auto extent = layout_->find(location);
        auto reader = extent ? ImageReader::open(*extent) : Result<ImageReader>(extent.error());
        if (!reader) {
            return reader.error().message();
        }
        std::string text;
        std::array<std::byte, 3> some{};
        for (auto count = reader->read(some); count && *count > 0; count = reader->read(some)) {
            text.append(reinterpret_cast<const char*>(some.data()), *count);
        }
        return text;
    }

    TempFolder temp_;
    std::unique_ptr<Depot> depot_ = Depot::open(options_for(temp_ / "images")).value();
    std::unique_ptr<Layout> layout_ = make_files_layout(*depot_);
};

TEST_F(FilesLayout, AGroupIsDecidedThenPublished) {
    layout_->begin();
    EXPECT_TRUE(layout_->empty());
    EXPECT_EQ(layout_->accept(arrival(120'005, "one")), "00012/000120005.jpg");
    EXPECT_EQ(layout_->propose(arrival(7, "two", 2)), "00000/000000007.2.jpg");
    EXPECT_EQ(layout_->accept(arrival(7, "two", 2)), "00000/000000007.2.jpg");
    EXPECT_EQ(layout_->intents(), (std::vector<std::string>{"00012/000120005.jpg", "00000/000000007.2.jpg"}));
    EXPECT_FALSE(fs::exists(path("00012")));
    ASSERT_TRUE(layout_->sync());
    ASSERT_TRUE(layout_->publish());
    layout_->committed();
    EXPECT_TRUE(layout_->empty());
    EXPECT_EQ(content_of(path("00012/000120005.jpg")), "one");
    EXPECT_EQ(read("00012/000120005.jpg"), "one");
    EXPECT_EQ(read("00000/000000007.2.jpg"), "two");
}

TEST_F(FilesLayout, NothingOfAWithdrawnGroupStays) {
    layout_->begin();
    layout_->accept(arrival(1, "one"));
    ASSERT_TRUE(layout_->publish());
    ASSERT_TRUE(layout_->withdraw());
    EXPECT_FALSE(fs::exists(path("00000/000000001.jpg")));
    EXPECT_TRUE(layout_->empty());
}

TEST_F(FilesLayout, IntentsOfACrashAreRemoved) {
    layout_->begin();
    layout_->accept(arrival(1, "one"));
    ASSERT_TRUE(layout_->publish());
    const auto intents = layout_->intents();
    EXPECT_EQ(make_files_layout(*depot_)->restore(intents, {}).value().files_removed, 1U);
    EXPECT_FALSE(fs::exists(path("00000/000000001.jpg")));
}

TEST_F(FilesLayout, RemovalIsRepeatable) {
    layout_->begin();
    const std::vector<std::string> gone{layout_->accept(arrival(1, "one"))};
    ASSERT_TRUE(layout_->publish());
    ASSERT_TRUE(layout_->remove(gone));
    ASSERT_TRUE(layout_->remove(gone));
    EXPECT_EQ(layout_->find(gone[0]).error(), Errc::vanished);
    EXPECT_FALSE(layout_->remove(std::vector<std::string>{"../outside"}));
}

TEST_F(FilesLayout, FindRefusesWhatIsNoFileOfTheRoot) {
    EXPECT_EQ(layout_->find("../outside").error(), Errc::bad_path);
    EXPECT_EQ(layout_->find(".gritd/dataset").error(), Errc::bad_path);
    EXPECT_EQ(layout_->find("00000/000000009.jpg").error(), Errc::vanished);
}

TEST_F(FilesLayout, FilesBesideAnImageComeAndGoWithIt) {
    layout_ = make_img2dataset_layout(*depot_);
    const auto with_files = [this] {
        Arrival made = arrival(120'005, "an image");
        made.extension = "png";
        made.companions = {{"json", "{}"}, {"txt", ""}};
        return made;
    };
    layout_->begin();
    const std::string location = layout_->accept(with_files());
    EXPECT_EQ(location, "00012/000120005.jpg") << "its loaders look for .jpg";
    EXPECT_EQ(layout_->intents(), (std::vector<std::string>{location, "00012/000120005.json", "00012/000120005.txt"}));
    ASSERT_TRUE(layout_->publish());
    EXPECT_EQ(content_of(path("00012/000120005.json")), "{}");
    EXPECT_EQ(content_of(path("00012/000120005.txt")), "");
    ASSERT_TRUE(layout_->withdraw());
    EXPECT_TRUE(fs::is_empty(path("00012")));
    EXPECT_TRUE(fs::is_empty(path(".gritd/tmp")));
    layout_->begin();
    layout_->accept(with_files());
    ASSERT_TRUE(layout_->publish());
    layout_->committed();
    ASSERT_TRUE(layout_->remove(std::vector<std::string>{location}));
    EXPECT_TRUE(fs::is_empty(path("00012")));
}

TEST_F(FilesLayout, AnImageThatIsCutWhileItIsReadIsAnError) {
    layout_->begin();
    const std::string location = layout_->accept(arrival(1, "a longer text"));
    ASSERT_TRUE(layout_->publish());
    const Extent extent = layout_->find(location).value();
    EXPECT_EQ(extent.size, 13U);
    fs::resize_file(path(location), 4);
    auto reader = ImageReader::open(extent).value();
    std::array<std::byte, 64> some{};
    EXPECT_EQ(reader.read(some).value(), 4U);
    EXPECT_EQ(reader.read(some).error(), Errc::io);
}

}  // namespace
}  // namespace grit::archive
