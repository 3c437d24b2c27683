#include "sample.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

namespace grit::testweb {
namespace {

namespace json = boost::json;

class SampleTest : public testing::Test {
  protected:
    ~SampleTest() override { std::filesystem::remove(path_); }

    SampleSummary write(std::uint64_t annotations, std::uint64_t hosts, bool bad_lines) {
        SampleOptions options;
        options.path = path_;
        options.annotations = annotations;
        options.hosts = hosts;
        options.bad_lines = bad_lines;
        return write_sample(options);
    }

    std::vector<std::string> lines() const {
        std::ifstream file(path_);
        std::vector<std::string> all;
        for (std::string line; std::getline(file, line);) {
            all.push_back(line);
        }
        return all;
    }

    const std::string path_ =
        testing::TempDir() + "sample-" + testing::UnitTest::GetInstance()->current_test_info()->name() + ".jsonl";
};

std::string host_of(const std::string& url) {
    const auto from = url.find("://") + 3;
    return url.substr(from, url.find('/', from) - from);
}

TEST_F(SampleTest, LinesAreGritRecords) {
    const SampleSummary summary = write(2500, 300, false);
    std::set<std::string> urls;
    std::map<std::string, int> hosts;
    std::set<std::string> keys;
    int http = 0;
    int odd = 0;
    for (const std::string& line : lines()) {
        const json::object record = json::parse(line).as_object();
        const std::string url(record.at("url").as_string());
        const std::string caption(record.at("caption").as_string());
        urls.insert(url);
        ++hosts[host_of(url)];
        keys.insert(std::string(record.at("key").as_string()));
        http += url.starts_with("http://") ? 1 : 0;
        odd += url.find(' ') != std::string::npos || url.find("&amp;") != std::string::npos ? 1 : 0;
        EXPECT_TRUE(record.at("id").is_int64());
        for (const json::value& value : record.at("noun_chunks").as_array()) {
            const json::array& span = value.as_array();
            ASSERT_EQ(span.size(), 7U);
            EXPECT_LT(span[0].to_number<std::size_t>(), span[1].to_number<std::size_t>());
            EXPECT_LE(span[1].to_number<std::size_t>(), caption.size());
            EXPECT_LT(span[2].as_double(), span[4].as_double());
            EXPECT_LE(span[5].as_double(), 1);
        }
    }
    EXPECT_EQ(summary.annotations, 2500U);
    EXPECT_EQ(summary.distinct_urls, urls.size());
    EXPECT_NEAR(static_cast<double>(summary.duplicate_urls), 25, 15);
    EXPECT_EQ(summary.distinct_urls + summary.duplicate_urls, 2500U);
    EXPECT_EQ(hosts.size(), 300U);
    EXPECT_LT(keys.size(), 2500U);
    EXPECT_GT(http, 250);
    EXPECT_LT(http, 1250);
    EXPECT_GT(odd, 10);
}

TEST_F(SampleTest, BadLinesAreCounted) {
    const SampleSummary summary = write(20'000, 500, true);
    std::uint64_t unreadable = 0;
    for (const std::string& line : lines()) {
        json::error_code error;
        const json::value value = json::parse(line, error);
        const json::value* url = !error && value.is_object() ? value.as_object().if_contains("url") : nullptr;
        unreadable += url == nullptr || !url->is_string() ? 1 : 0;
    }
    EXPECT_EQ(unreadable, summary.bad_lines);
    EXPECT_NEAR(static_cast<double>(summary.bad_lines), 100, 40);
    EXPECT_GT(summary.bad_urls, 0U);
    EXPECT_EQ(summary.distinct_urls + summary.duplicate_urls + summary.bad_lines + summary.bad_urls, 20'000U);
}

TEST_F(SampleTest, SameOptionsSameBytes) {
    write(1000, 50, true);
    const auto first = lines();
    write(1000, 50, true);
    EXPECT_EQ(first, lines());
}

}  // namespace
}  // namespace grit::testweb
