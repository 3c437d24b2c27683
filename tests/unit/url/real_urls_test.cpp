// What holds for every URL of a real list, and for the fast path beside the long way.
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "fast_path.hpp"
#include "grit/url/canonical_url.hpp"
#include "grit/url/registrable_domain.hpp"

namespace grit::url {
namespace {

struct List {
    const char* file;
    const char* field;
    std::size_t urls;
    std::size_t no_urls;  ///< lines whose text is none: "UNLIKELY"
};

class RealUrls : public testing::TestWithParam<List> {
  protected:
    void SetUp() override {
        const std::filesystem::path path = std::filesystem::path(GRIT_SHARED_DATA) / GetParam().file;
        if (!std::filesystem::exists(path)) {
            GTEST_SKIP() << "no " << path << ": this test needs the data that lies beside the checkout";
        }
        std::ifstream file(path);
        for (std::string line; std::getline(file, line);) {
            const auto value = boost::json::parse(line);
            raws_.emplace_back(value.as_object().at(GetParam().field).as_string());
        }
    }
    std::vector<std::string> raws_;
};

bool is_printable_ascii(const std::string& text) {
    return text.find_first_not_of(
               "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:/?[]@!$&'()*+,;=%") ==
           std::string::npos;
}

TEST_P(RealUrls, ReachTheirFixpointAtOnce) {
    std::size_t no_urls = 0;
    for (const std::string& raw : raws_) {
        const auto url = canonicalize(raw);
        if (!url) {
            ++no_urls;
            EXPECT_EQ(url.error(), Errc::no_scheme) << raw;
            continue;
        }
        const auto again = canonicalize(url->text);
        ASSERT_TRUE(again) << url->text;
        EXPECT_EQ(again->text, url->text) << raw;
        EXPECT_EQ(again->host, url->host) << raw;
        EXPECT_TRUE(is_printable_ascii(url->text)) << url->text;
        EXPECT_EQ(url->text, std::string(name_of(url->scheme)) + "://" + url->authority() + url->target);
        EXPECT_TRUE(url->host.ends_with(registrable_domain(url->host))) << url->host;
    }
    EXPECT_EQ(raws_.size(), GetParam().urls + GetParam().no_urls);
    EXPECT_EQ(no_urls, GetParam().no_urls);
}

TEST_P(RealUrls, FastPathAndLongWayAgree) {
    std::size_t fast = 0;
    for (const std::string& raw : raws_) {
        const auto plain = canonicalize_plain(raw);
        const auto any = canonicalize_any(raw);
        if (plain) {
            ++fast;
            ASSERT_TRUE(any) << raw;
            EXPECT_EQ(plain->text, any->text);
            EXPECT_EQ(plain->host, any->host);
            EXPECT_EQ(plain->target, any->target);
            EXPECT_EQ(plain->origin(), any->origin());
        }
    }
    EXPECT_GT(fast, raws_.size() * 9 / 10) << "the fast path has stopped to be the usual one";
}

INSTANTIATE_TEST_SUITE_P(Lists, RealUrls,
                         testing::Values(List{"grit_like_10000.jsonl", "url", 10'000, 1},
                                         List{"laion400m_cah_urls_10000.jsonl", "URL", 9'999, 1}),
                         [](const auto& info) { return info.index == 0 ? "Grit" : "Laion"; });

}  // namespace
}  // namespace grit::url
