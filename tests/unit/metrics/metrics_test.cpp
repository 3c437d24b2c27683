#include "grit/metrics/metrics.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <map>
#include <string>
#include <thread>

#include "exposition_text.hpp"

namespace grit::metrics {
namespace {

using test::families_of;
using test::values_of;

constexpr WallTime kStarted{std::chrono::milliseconds(1'700'000'000'500)};

TEST(Metrics, EveryOutcomeIsThereFromTheStart) {
    const Metrics metrics(kStarted);
    const auto values = values_of(metrics.text());
    for (const Outcome outcome : kAllOutcomes) {
        const auto series = values.find("gritd_fetches_total{outcome=\"" + std::string(name_of(outcome)) + "\"}");
        ASSERT_NE(series, values.end()) << name_of(outcome);
        EXPECT_EQ(series->second, 0);
    }
}

TEST(Metrics, HandlesReachTheirSeries) {
    Metrics metrics(kStarted);
    metrics.fetches(Outcome::http_not_found).add(3);
    metrics.records(RecordState::retry_wait).set(42);
    metrics.connections(ConnectionState::idle).add(2);
    metrics.stored_bytes.add(5'000'000'000'000);
    metrics.last_success.set(WallTime(std::chrono::milliseconds(1'700'000'001'250)));
    metrics.http_responses(code_class_of(503)).add();
    auto values = values_of(metrics.text());
    EXPECT_EQ(values.at("gritd_fetches_total{outcome=\"http_not_found\"}"), 3);
    EXPECT_EQ(values.at("gritd_fetches_total{outcome=\"stored\"}"), 0);
    EXPECT_EQ(values.at("gritd_records{state=\"retry_wait\"}"), 42);
    EXPECT_EQ(values.at("gritd_connections{state=\"idle\"}"), 2);
    EXPECT_EQ(values.at("gritd_stored_bytes_total"), 5e12);
    EXPECT_EQ(values.at("gritd_last_success_timestamp_seconds"), 1'700'000'001.25);
    EXPECT_EQ(values.at("gritd_http_responses_total{code_class=\"5xx\"}"), 1);
}

TEST(Metrics, HistogramsAreCumulativeAndInBaseUnits) {
    Metrics metrics(kStarted);
    metrics.fetch_duration.observe(std::chrono::milliseconds(50));
    metrics.fetch_duration.observe(std::chrono::milliseconds(300));
    metrics.fetch_duration.observe(std::chrono::minutes(5));
    metrics.fetch_stage_duration(FetchStage::tls).observe(std::chrono::milliseconds(2));
    metrics.response_size.observe(4096);
    auto values = values_of(metrics.text());
    EXPECT_EQ(values.at("gritd_fetch_duration_seconds_bucket{le=\"0.05\"}"), 1);
    EXPECT_EQ(values.at("gritd_fetch_duration_seconds_bucket{le=\"0.5\"}"), 2);
    EXPECT_EQ(values.at("gritd_fetch_duration_seconds_bucket{le=\"60\"}"), 2);
    EXPECT_EQ(values.at("gritd_fetch_duration_seconds_bucket{le=\"+Inf\"}"), 3);
    EXPECT_EQ(values.at("gritd_fetch_duration_seconds_count"), 3);
    EXPECT_DOUBLE_EQ(values.at("gritd_fetch_duration_seconds_sum"), 300.35);
    EXPECT_EQ(values.at("gritd_fetch_stage_duration_seconds_bucket{stage=\"tls\",le=\"0.005\"}"), 1);
    EXPECT_EQ(values.at("gritd_fetch_stage_duration_seconds_count{stage=\"dns\"}"), 0);
    EXPECT_EQ(values.at("gritd_response_size_bytes_bucket{le=\"1024\"}"), 0);
    EXPECT_EQ(values.at("gritd_response_size_bytes_bucket{le=\"4096\"}"), 1);
    EXPECT_EQ(values.at("gritd_response_size_bytes_sum"), 4096);
}

TEST(Metrics, ProcessFamiliesTellTheTruth) {
    const Metrics metrics(kStarted);
    const auto before = values_of(metrics.text());
    EXPECT_EQ(before.at("process_start_time_seconds"), 1'700'000'000.5);
    EXPECT_GT(before.at("process_resident_memory_bytes"), 1e6);
    EXPECT_GT(before.at("process_virtual_memory_bytes"), before.at("process_resident_memory_bytes"));
    EXPECT_GE(before.at("process_cpu_seconds_total"), 0);
    EXPECT_GE(before.at("process_max_fds"), before.at("process_open_fds"));
    const int descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC);
    ASSERT_GE(descriptor, 0);
    std::atomic<bool> done = false;
    std::jthread extra([&] { done.wait(false); });
    const auto after = values_of(metrics.text());
    done = true;
    done.notify_all();
    close(descriptor);
    EXPECT_EQ(after.at("process_open_fds"), before.at("process_open_fds") + 1);
    EXPECT_EQ(after.at("process_threads"), before.at("process_threads") + 1);
}

TEST(Metrics, SeriesAreFewAndNamedOnce) {
    const Metrics metrics(kStarted);
    const std::string text = metrics.text();
    EXPECT_LT(values_of(text).size(), 500u);
    std::map<std::string, int> times;
    for (const auto& family : families_of(text)) {
        EXPECT_EQ(++times[family.name], 1) << family.name;
        EXPECT_TRUE(family.name.starts_with("gritd_") || family.name.starts_with("process_")) << family.name;
        EXPECT_FALSE(family.samples.empty()) << family.name;
    }
}

// The judge of the format is Prometheus itself.
TEST(Metrics, PromtoolFindsNothingToSay) {
    constexpr const char* kPromtool = "/usr/bin/promtool";
    if (access(kPromtool, X_OK) != 0) {
        GTEST_SKIP() << kPromtool << " is not installed (Debian: apt install prometheus)";
    }
    const std::string path = testing::TempDir() + "/grit_promtool_" + std::to_string(getpid());
    std::FILE* promtool = popen((std::string(kPromtool) + " check metrics > " + path + " 2>&1").c_str(), "w");
    ASSERT_NE(promtool, nullptr);
    const Metrics metrics(kStarted);
    std::fputs(metrics.text().c_str(), promtool);
    const int status = pclose(promtool);
    std::string said(4096, '\0');
    if (std::FILE* file = std::fopen(path.c_str(), "r")) {
        said.resize(std::fread(said.data(), 1, said.size(), file));
        std::fclose(file);
    }
    unlink(path.c_str());
    EXPECT_EQ(status, 0) << said;
    EXPECT_EQ(said, "");
}

}  // namespace
}  // namespace grit::metrics
