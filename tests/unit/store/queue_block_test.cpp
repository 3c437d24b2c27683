#include "grit/store/queue_block.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "grit/store/codec.hpp"

namespace grit::store {
namespace {

QueueBlock there_and_back(std::string_view host, const std::vector<QueueItem>& items) {
    BlockCodec codec;
    return codec.unpack(host, codec.pack(host, items).value()).value();
}

TEST(QueueBlock, GivesBackAnyBytesAndOrdinals) {
    const std::vector<QueueItem> items{
        {~Ordinal{0}, "http://a.org/"},
        {0, "https://a.org/x"},
        {5, "http://a.org"},
        {5, ""},
        {9, "https://b.org/a.org/y"},
        {3, std::string_view("\0\xff\n", 3)},
        {1ULL << 63, "HTTPS://a.org/"},
        {4, "//a.org/no/scheme.jpg"},
    };
    const QueueBlock block = there_and_back("a.org", items);
    ASSERT_EQ(block.size(), items.size());
    for (std::size_t i = 0; i < items.size(); ++i) {
        EXPECT_EQ(block[i].ordinal, items[i].ordinal);
        EXPECT_EQ(block[i].url, items[i].url);
    }
    EXPECT_TRUE(there_and_back("a.org", {}).empty());
}

TEST(QueueBlock, FullBlockIsCompressed) {
    std::vector<std::string> urls;
    std::vector<QueueItem> items;
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < kMaxBlockEntries; ++i) {
        urls.push_back("https://cdn.example.org/media/catalog/product/cache/" + std::to_string(i * 7919) +
                       "/image.jpg");
        bytes += urls.back().size();
    }
    for (std::size_t i = 0; i < urls.size(); ++i) {
        items.push_back({i * 3'000, urls[i]});
    }
    BlockCodec codec;
    const std::string packed = codec.pack("cdn.example.org", items).value();
    EXPECT_LT(packed.size() * 4, bytes);
    const QueueBlock block = codec.unpack("cdn.example.org", packed).value();
    ASSERT_EQ(block.size(), kMaxBlockEntries);
    EXPECT_EQ(block.back().url, urls.back());
    EXPECT_EQ(block.back().ordinal, 255U * 3'000);
}

TEST(QueueBlock, BoundsAreKept) {
    BlockCodec codec;
    EXPECT_EQ(codec.pack("a", std::vector<QueueItem>(kMaxBlockEntries + 1)).error(), Errc::too_long);
    const std::string huge(kMaxBlockBytes, 'x');
    EXPECT_EQ(codec.pack("a", std::vector<QueueItem>{{0, huge}}).error(), Errc::too_long);
}

// A frame that says it holds more than a block can is refused before it is given memory.
TEST(QueueBlock, CompressedBombIsRefused) {
    BlockCodec codec;
    const std::string frame("\x28\xb5\x2f\xfd\xe0\xff\xff\xff\xff\xff\xff\xff\x7f", 13);  // content size 2^63-1
    EXPECT_EQ(codec.unpack("a", "\x01\x01" + frame).error(), Errc::corrupt);
    EXPECT_EQ(codec.unpack("a", "\x01\x02xx").error(), Errc::corrupt);
    EXPECT_EQ(codec.unpack("a", "\x09\x01xx").error(), Errc::newer_row);
    EXPECT_EQ(codec.unpack("a", "").error(), Errc::corrupt);
}

TEST(Progress, SetsTestsAndCounts) {
    Progress progress;
    EXPECT_TRUE(progress.all(0));
    EXPECT_FALSE(progress.all(1));
    for (const std::size_t entry : {0U, 7U, 8U, 255U}) {
        progress.set(entry);
    }
    EXPECT_EQ(progress.count(), 4U);
    EXPECT_TRUE(progress.test(255));
    EXPECT_FALSE(progress.test(254));
    EXPECT_TRUE(progress.all(1));
    EXPECT_FALSE(progress.all(2));
    EXPECT_EQ(Progress::decode(progress.encode()).value(), progress);
    for (std::size_t i = 0; i < kMaxBlockEntries; ++i) {
        progress.set(i);
    }
    EXPECT_TRUE(progress.all(kMaxBlockEntries));
    EXPECT_EQ(Progress::decode(progress.encode()).value(), progress);
}

TEST(Progress, NothingSetIsOneByteAndTooManyAreDamage) {
    EXPECT_EQ(Progress{}.encode().size(), 1U);
    EXPECT_EQ(Progress::decode("\x01" + std::string(33, '\xff')).error(), Errc::corrupt);
}

}  // namespace
}  // namespace grit::store
