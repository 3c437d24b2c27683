#include "grit/archive/tar.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "grit/archive/shard_index.hpp"
#include "temp_root.hpp"

namespace grit::archive {
namespace {

using test::TempFolder;

// A file of these bytes, open.
class TarFile : public testing::Test {
  protected:
    ~TarFile() override { close(); }
    void write(const std::string& bytes) {
        close();
        std::ofstream(temp_ / "a.tar", std::ios::binary) << bytes;
        size_ = bytes.size();
        ASSERT_EQ(system_.open_file(temp_ / "a.tar", false, descriptor_), 0);
    }
    void close() {
        if (descriptor_ >= 0) {
            system_.close(descriptor_);
        }
    }
    std::vector<std::string> names(std::uint64_t limit = ~std::uint64_t{0}) {
        std::vector<std::string> found;
        const auto end = for_each_tar_member(system_, descriptor_, std::min(limit, size_), [&](const TarMember& member) {
            found.push_back(member.name + "@" + std::to_string(member.offset) + "+" + std::to_string(member.size));
            return true;
        });
        end_ = end.value();
        return found;
    }

    TempFolder temp_;
    RealFileSystem system_;
    int descriptor_ = -1;
    std::uint64_t size_ = 0;
    std::uint64_t end_ = 0;
};

std::string member(std::string_view name, std::string_view bytes) {
    std::string out = tar_header(name, bytes.size());
    out.append(bytes).resize(out.size() + tar_padded(bytes.size()) - bytes.size());
    return out;
}

using Names = std::vector<std::string>;

TEST_F(TarFile, MembersAreFoundInTheirOrder) {
    write(member("000000001.jpg", "one") + member("000000001.json", "{}") + member("000000002.jpg", std::string(512, 'x')) +
          std::string(kTarEndBytes, '\0'));
    EXPECT_EQ(names(), (Names{"000000001.jpg@512+3", "000000001.json@1536+2", "000000002.jpg@2560+512"}));
    EXPECT_EQ(end_, 3072U);
    EXPECT_EQ(names(2'000), (Names{"000000001.jpg@512+3"}));
    EXPECT_EQ(end_, 1024U);
}

TEST_F(TarFile, HeadersAreTheSameEachTime) {
    const std::string header = tar_header("000000001.jpg", 7);
    EXPECT_EQ(header.size(), kTarBlock);
    EXPECT_EQ(header, tar_header("000000001.jpg", 7));
    EXPECT_EQ(header.substr(257, 5), "ustar");
}

// Eleven octal digits end at 8 GiB: a pax header says it then.
TEST_F(TarFile, SizesOver8GiBAreWhole) {
    const std::uint64_t size = (std::uint64_t{8} << 30) + 5;
    const std::string header = tar_header("000000001.jpg", size);
    EXPECT_GT(header.size(), kTarBlock);
    EXPECT_EQ(header.size() % kTarBlock, 0U);
    write(header);
    size_ = header.size() + tar_padded(size);  // holes are bytes, too
    std::filesystem::resize_file(temp_ / "a.tar", size_);
    EXPECT_EQ(names(), (Names{"000000001.jpg@" + std::to_string(header.size()) + "+" + std::to_string(size)}));
    EXPECT_EQ(end_, size_);
}

TEST_F(TarFile, AnErasedMemberIsPassedOver) {
    std::string tar = member("000000001.jpg", "one") + member("000000002.jpg", "two");
    erase_tar_header(std::as_writable_bytes(std::span(tar)).first<kTarBlock>());
    write(tar);
    EXPECT_EQ(names(), (Names{"000000002.jpg@1536+3"}));
    EXPECT_EQ(end_, tar.size());
}

TEST_F(TarFile, ATornMemberEndsTheWalk) {
    const std::string tar = member("000000001.jpg", "one") + member("000000002.jpg", std::string(3'000, 'x'));
    for (std::size_t size = 0; size <= tar.size(); size += 100) {
        write(tar.substr(0, size));
        EXPECT_EQ(names().size(), size < 1024 ? 0U : 1U) << size;
    }
}

TEST(TarHeader, IsOfItsMemberOnly) {
    const std::string header = tar_header("000000001.jpg", 700);
    const auto block = [](const std::string& bytes) { return std::as_bytes(std::span(bytes)).last<kTarBlock>(); };
    EXPECT_TRUE(is_header_of(block(header), {"000000001.jpg", 512, 700}));
    EXPECT_FALSE(is_header_of(block(header), {"000000002.jpg", 512, 700}));
    EXPECT_FALSE(is_header_of(block(header), {"000000001.jpg", 512, 701}));
    for (std::size_t at = 0; at < kTarBlock; ++at) {
        std::string damaged = header;
        damaged[at] = static_cast<char>(damaged[at] ^ 0x11);
        const bool is_read = at != 155;  // what stands behind the checksum is no matter to anybody
        EXPECT_EQ(is_header_of(block(damaged), {"000000001.jpg", 512, 700}), !is_read) << at;
    }
    std::string erased = header;
    erase_tar_header(std::as_writable_bytes(std::span(erased)).first<kTarBlock>());
    EXPECT_FALSE(is_header_of(block(erased), {std::string(kErasedName), 512, 700}));
    const std::uint64_t large = std::uint64_t{9} << 30;
    EXPECT_TRUE(is_header_of(block(tar_header("000000001.jpg", large)), {"000000001.jpg", 1536, large}));
}

TEST_F(TarFile, DamageIsNoMember) {
    std::string tar = member("000000001.jpg", "one") + member("000000002.jpg", "two");
    for (const std::size_t at : std::vector<std::size_t>{1024, 1150, 1172, 1024 + 156}) {
        std::string damaged = tar;
        damaged[at] = static_cast<char>(damaged[at] ^ 0x55);
        write(damaged);
        EXPECT_EQ(names(), (Names{"000000001.jpg@512+3"})) << at;
    }
    write(std::string(4'096, '\xff'));
    EXPECT_EQ(names(), Names{});
}

TEST(ShardIndex, KeyEndsAtTheFirstDot) {
    EXPECT_EQ(sample_name("000120005.jpg").key, "000120005");
    EXPECT_EQ(sample_name("000120005.seg.png").extension, "seg.png");
    EXPECT_EQ(sample_name("000120005").extension, "");
}

TEST(ShardIndex, TextIsThatOfDali) {
    ShardIndex index;
    index.add({"000000007.jpg", 512, 3});
    index.add({"000000007.json", 1536, 2});
    index.add({"000000001.png", 2560, 9});
    const std::string text =
        "v1.2 2\njpg 512 3 000000007.jpg json 1536 2 000000007.json\npng 2560 9 000000001.png\n";
    EXPECT_EQ(index.text(), text);
    auto parsed = ShardIndex::parse(text);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->text(), text);
    EXPECT_EQ(parsed->find("000000007.json")->offset, 1536U);
    EXPECT_EQ(parsed->find("000000007.gif"), nullptr);
    parsed->erase("000000007");
    EXPECT_EQ(parsed->text(), "v1.2 1\npng 2560 9 000000001.png\n");
    index.cut(2560);
    EXPECT_EQ(index.size(), 1U);
}

TEST(ShardIndex, WhatIsNoIndexIsNone) {
    for (const char* text : {"", "v1.2 1\n", "v1.1 0\n", "v1.2 1\njpg 512 3 000000007.jpg", "v1.2 1\njpg 5x 3 a.jpg\n",
                             "v1.2 1\njpg 0 3 a.jpg\n", "v1.2 2\njpg 512 3 a.jpg\n", "v1.2 1\njpg 513 3 a.jpg\n",
                             "v1.2 1\njpg 512 18446744073709551615 a.jpg\n", "v1.2 1\njpg 18446744073709551104 3 a.jpg\n",
                             "v1.2 2\njpg 512 513 a.jpg\njpg 1536 3 b.jpg\n", "v1.2 2\njpg 1024 3 a.jpg\njpg 512 3 b.jpg\n"}) {
        EXPECT_FALSE(ShardIndex::parse(text)) << text;
    }
    EXPECT_TRUE(ShardIndex::parse("v1.2 0\n"));
    EXPECT_TRUE(ShardIndex::parse("v1.2 2\njpg 512 512 a.jpg\njpg 1536 3 b.jpg\n")) << "side by side";
}

}  // namespace
}  // namespace grit::archive
