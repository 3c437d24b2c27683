// What holds for every type alike.
#include "grit/media/inspector.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <random>

#include "sample_images.hpp"

namespace grit::media {
namespace {

using namespace std::string_literals;

TEST(Inspector, WholeImagesAreWhole) {
    for (const Sample& sample : all_samples()) {
        const Answer answer = inspect(sample.bytes);
        EXPECT_EQ(answer.verdict, Verdict::whole) << sample.name;
        EXPECT_EQ(answer.type, sample.type) << sample.name;
        EXPECT_EQ(answer.dimensions.has_value(), sample.type != ImageType::svg) << sample.name;
    }
}

TEST(Inspector, EveryTruncationIsTruncated) {
    for (const Sample& sample : all_samples()) {
        for (std::size_t cut = 1; cut < sample.bytes.size(); ++cut) {
            // A byte order mark, or "<", is the least that tells an SVG from white space.
            EXPECT_EQ(inspect(std::string_view(sample.bytes).substr(0, cut)).verdict, Verdict::truncated)
                << sample.name << " cut to " << cut << " of " << sample.bytes.size();
        }
    }
}

TEST(Inspector, BytesBehindTheEndDoNotMatter) {
    for (const Sample& sample : all_samples()) {
        for (const std::string& more : {"\0"s, "\r\n"s, "<html>"s, std::string(1000, '\xff')}) {
            EXPECT_EQ(inspect(sample.bytes + more).verdict, Verdict::whole) << sample.name;
        }
    }
}

TEST(Inspector, CutsDoNotMatter) {
    for (const Sample& sample : all_samples()) {
        for (const std::size_t kept : {sample.bytes.size(), sample.bytes.size() / 2, std::size_t{20}}) {
            const std::string_view body = std::string_view(sample.bytes).substr(0, kept);
            for (const std::size_t piece : {1UL, 2UL, 3UL, 7UL, 64UL, 511UL}) {
                EXPECT_EQ(inspect(body, piece), inspect(body)) << sample.name << " in pieces of " << piece;
            }
        }
    }
}

// Damaged bytes anywhere: no crash, and the same answer however they come.
TEST(Inspector, DamageIsTakenAlikeInAnyCuts) {
    std::mt19937_64 random(11);
    for (const Sample& sample : all_samples()) {
        for (int round = 0; round < 300; ++round) {
            std::string body = sample.bytes;
            for (std::uint64_t flips = 1 + random() % 4; flips > 0; --flips) {
                body[random() % body.size()] = static_cast<char>(random());
            }
            const Answer answer = inspect(body);
            EXPECT_EQ(inspect(body, 1), answer) << sample.name;
            EXPECT_EQ(inspect(body, 1 + random() % 50), answer) << sample.name;
        }
    }
}

TEST(Inspector, NothingIsEmpty) {
    EXPECT_EQ(inspect("").verdict, Verdict::empty);
    Inspector inspector;
    inspector.feed({});
    EXPECT_EQ(inspector.finish(), Verdict::empty);
    EXPECT_FALSE(inspector.refused());
}

// The commonest lie of all: an error page with status 200.
TEST(Inspector, HtmlIsRefusedAtItsFirstBytes) {
    Inspector inspector;
    inspector.feed(bytes_of("<!DOC"));
    EXPECT_FALSE(inspector.refused()) << "may become an SVG's DOCTYPE";
    inspector.feed(bytes_of("TYPE html>"));
    EXPECT_TRUE(inspector.refused());
    inspector.feed(bytes_of(png_of(3, 3)));
    EXPECT_EQ(inspector.finish(), Verdict::not_an_image);
    EXPECT_EQ(inspector.type(), ImageType::unknown);
    for (const char* body : {"<html><body><svg></svg>", "\n<html>", "{\"error\":true}", "Not found", "<", "  \n "}) {
        const bool open = body == "<"s;
        EXPECT_EQ(inspect(body).verdict, open ? Verdict::truncated : Verdict::not_an_image) << body;
    }
}

TEST(Inspector, WhatStaysUndecidedIsRefusedAt512Bytes) {
    Inspector inspector;
    inspector.feed(bytes_of("<!--" + std::string(507, ' ')));
    EXPECT_FALSE(inspector.refused());
    inspector.feed(bytes_of(" "));
    EXPECT_TRUE(inspector.refused());
    EXPECT_EQ(inspector.finish(), Verdict::not_an_image);
}

TEST(Inspector, ImagesAreNeverRefused) {
    for (const Sample& sample : all_samples()) {
        Inspector inspector;
        for (const char& byte : sample.bytes) {
            inspector.feed(bytes_of({&byte, 1}));
            ASSERT_FALSE(inspector.refused()) << sample.name;
        }
    }
}

TEST(Inspector, DimensionsAreThereAsSoonAsTheHeaderIs) {
    const auto after = [](const std::string& body, std::size_t bytes) {
        Inspector inspector;
        inspector.feed(bytes_of(std::string_view(body).substr(0, bytes)));
        return inspector.dimensions();
    };
    EXPECT_EQ(after(png_of(13, 7), 32), std::nullopt);
    EXPECT_EQ(after(png_of(13, 7), 33), (Dimensions{13, 7}));
    EXPECT_EQ(after(gif_of(5, 3), 13), (Dimensions{5, 3}));
    EXPECT_EQ(after(bmp_of(5, -4), 54), (Dimensions{5, 4}));
}

TEST(Inspector, DimensionsAreTheHeaders) {
    EXPECT_EQ(inspect(jpeg_of(17, 9)).dimensions, (Dimensions{17, 9}));
    EXPECT_EQ(inspect(jpeg_of(33, 20, true)).dimensions, (Dimensions{33, 20}));
    EXPECT_EQ(inspect(webp_of(24, 10, false)).dimensions, (Dimensions{24, 10}));
    EXPECT_EQ(inspect(webp_of(25, 11, true)).dimensions, (Dimensions{25, 11}));
    EXPECT_EQ(inspect(webp_extended(70000, 11)).dimensions, (Dimensions{70000, 11}));
    EXPECT_EQ(inspect(avif_of()).dimensions, (Dimensions{800, 600}));
    EXPECT_EQ(inspect(tiff_of(true, false)).dimensions, (Dimensions{10, 4}));
    EXPECT_EQ(inspect(ico_of()).dimensions, (Dimensions{48, 48}));
}

TEST(Inspector, MayBeAskedBeforeTheEnd) {
    const std::string body = png_of(13, 7);
    Inspector inspector;
    EXPECT_EQ(inspector.finish(), Verdict::empty);
    inspector.feed(bytes_of(std::string_view(body).substr(0, 3)));
    EXPECT_EQ(inspector.finish(), Verdict::truncated);
    inspector.feed(bytes_of(std::string_view(body).substr(3)));
    EXPECT_EQ(inspector.finish(), Verdict::whole);
}

// 16 MiB of the least structure that each format allows. The bound is loose: it tells linear from quadratic.
TEST(Inspector, EndlessStructureCostsBoundedTime) {
    constexpr std::size_t kBytes = std::size_t{16} << 20;
    const auto endless = [](std::string front, const std::string& unit) {
        front.reserve(kBytes + unit.size());
        while (front.size() < kBytes) {
            front += unit;
        }
        return front;
    };
    const std::string jpeg = jpeg_of(17, 9);
    const std::string png = png_of(13, 7);
    const std::string gif = gif_of(5, 3);
    const std::string avif = avif_of();
    const std::vector<std::string> bodies{
        endless(jpeg.substr(0, jpeg.size() - 2), "\xff\0"s),
        endless(jpeg.substr(0, 2), "\xff\xe0\0\2"s),
        endless(jpeg.substr(0, 2), "\xff"s),
        endless(png.substr(0, 33), png_chunk("teXt", "")),
        endless(png.substr(0, 33), png_chunk("IDAT", "")),
        endless(gif.substr(0, gif.size() - 2), "\x01x"),
        endless(gif.substr(0, 25), "\x21\xfe\0"s),
        endless(avif.substr(0, 28), be32_of(8) + "free"),
        endless(avif.substr(0, 28), be32_of(8) + "meta"),
        endless("<svg>", "<!---->"),
        endless("<svg>", "<a/>"),
    };
    for (std::size_t i = 0; i < bodies.size(); ++i) {
        const auto start = std::chrono::steady_clock::now();
        const Verdict verdict = inspect(bodies[i], 16384).verdict;
        EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10)) << i;
        EXPECT_TRUE(verdict == Verdict::truncated || verdict == Verdict::broken) << i;
    }
}

}  // namespace
}  // namespace grit::media
