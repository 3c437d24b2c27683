#include "grit/metrics/handles.hpp"

#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <thread>
#include <vector>

#include "grit/metrics/labels.hpp"

namespace grit::metrics {
namespace {

constexpr std::array<std::uint64_t, 3> kBounds{10, 100, 1000};

TEST(Histogram, BoundBelongsToItsBucket) {
    SizeHistogram histogram(kBounds);
    for (const std::uint64_t value : {0U, 10U, 11U, 100U, 1000U, 1001U, 5000U}) {
        histogram.observe(value);
    }
    const auto snapshot = histogram.snapshot();
    EXPECT_EQ(snapshot.counts[0], 2u);
    EXPECT_EQ(snapshot.counts[1], 2u);
    EXPECT_EQ(snapshot.counts[2], 1u);
    EXPECT_EQ(snapshot.counts[3], 2u);
    EXPECT_EQ(snapshot.sum, 7122u);
}

TEST(Histogram, DurationsAreMicrosecondsAndNeverNegative) {
    DurationHistogram histogram(kBounds);
    histogram.observe(std::chrono::microseconds(100));
    histogram.observe(std::chrono::milliseconds(-5));
    const auto snapshot = histogram.snapshot();
    EXPECT_EQ(snapshot.counts[0], 1u);
    EXPECT_EQ(snapshot.counts[1], 1u);
    EXPECT_EQ(snapshot.sum, 100u);
}

TEST(Histogram, CountsFromManyThreadsAllArrive) {
    constexpr std::uint64_t kThreads = 4;
    constexpr std::uint64_t kEach = 20'000;
    SizeHistogram histogram(kBounds);
    Counter counter;
    {
        std::vector<std::jthread> threads;
        for (std::uint64_t i = 0; i < kThreads; ++i) {
            threads.emplace_back([&] {
                for (std::uint64_t n = 0; n < kEach; ++n) {
                    histogram.observe(50);
                    counter.add();
                }
            });
        }
    }
    EXPECT_EQ(histogram.snapshot().counts[1], kThreads * kEach);
    EXPECT_EQ(histogram.snapshot().sum, kThreads * kEach * 50);
    EXPECT_EQ(counter.value(), kThreads * kEach);
}

TEST(Gauge, GoesUpAndDownAndBelowZero) {
    Gauge gauge;
    gauge.add(3);
    gauge.subtract();
    EXPECT_EQ(gauge.value(), 2);
    gauge.set(-7);
    EXPECT_EQ(gauge.value(), -7);
}

TEST(Labels, StatusCodesHaveClasses) {
    EXPECT_EQ(code_class_of(100), CodeClass::informational);
    EXPECT_EQ(code_class_of(200), CodeClass::success);
    EXPECT_EQ(code_class_of(399), CodeClass::redirection);
    EXPECT_EQ(code_class_of(404), CodeClass::client_error);
    EXPECT_EQ(code_class_of(599), CodeClass::server_error);
    for (const unsigned status : {0U, 99U, 600U, 999U, std::numeric_limits<unsigned>::max()}) {
        EXPECT_EQ(code_class_of(status), CodeClass::other) << status;
    }
}

TEST(Labels, RetryReasonsFollowDispositions) {
    EXPECT_EQ(retry_reason_of(Disposition::retry_url), RetryReason::retry_url);
    EXPECT_EQ(retry_reason_of(Disposition::slow_host), RetryReason::slow_host);
    EXPECT_EQ(retry_reason_of(Disposition::host_down), RetryReason::host_down);
    EXPECT_EQ(retry_reason_of(Disposition::own_fault), RetryReason::own_fault);
}

// The names are a contract with dashboards: an enum that grows must not shift them.
TEST(Labels, NamesStandWhereTheirEnumsDo) {
    EXPECT_EQ(LabelSet<RecordState>::name(LabelSet<RecordState>::index(RecordState::failed)), "failed");
    EXPECT_EQ(LabelSet<HostState>::name(LabelSet<HostState>::index(HostState::open_circuit)), "open_circuit");
    EXPECT_EQ(LabelSet<FetchStage>::name(LabelSet<FetchStage>::index(FetchStage::write)), "write");
    EXPECT_EQ(LabelSet<CodeClass>::name(LabelSet<CodeClass>::index(CodeClass::server_error)), "5xx");
    EXPECT_EQ(LabelSet<DnsResult>::name(LabelSet<DnsResult>::index(DnsResult::timeout)), "timeout");
    EXPECT_EQ(LabelSet<Outcome>::name(LabelSet<Outcome>::index(Outcome::tls_handshake)), "tls_handshake");
}

}  // namespace
}  // namespace grit::metrics
