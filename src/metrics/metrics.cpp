#include "grit/metrics/metrics.hpp"

#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>

#include "exposition.hpp"

namespace grit::metrics {
namespace {

// Upper ends in microseconds.
constexpr std::array<std::uint64_t, 11> kFetchBounds{
    50'000, 100'000, 250'000, 500'000, 1'000'000, 2'500'000, 5'000'000, 10'000'000, 20'000'000, 30'000'000, 60'000'000};
constexpr std::array<std::uint64_t, 12> kStageBounds{1'000,   5'000,     10'000,    50'000,    100'000,    250'000,
                                                     500'000, 1'000'000, 2'500'000, 5'000'000, 10'000'000, 30'000'000};
constexpr std::array<std::uint64_t, 10> kWaitBounds{1'000,     10'000,     100'000,     500'000,     1'000'000,
                                                    5'000'000, 30'000'000, 120'000'000, 600'000'000, 3'600'000'000};
constexpr std::array<std::uint64_t, 11> kCommitBounds{1'000,   5'000,   10'000,    25'000,    50'000,    100'000,
                                                      250'000, 500'000, 1'000'000, 2'500'000, 10'000'000};
constexpr std::array<std::uint64_t, 10> kLagBounds{100,    500,     1'000,   5'000,     10'000,
                                                   50'000, 100'000, 500'000, 1'000'000, 5'000'000};
// Upper ends in bytes: 1 KiB to 64 MiB.
constexpr std::array<std::uint64_t, 9> kSizeBounds{1U << 10U, 1U << 12U, 1U << 14U, 1U << 16U, 1U << 18U,
                                                   1U << 20U, 1U << 22U, 1U << 24U, 1U << 26U};

}  // namespace

Histogram::Snapshot Histogram::snapshot() const noexcept {
    Snapshot out;
    std::transform(counts_.begin(), counts_.end(), out.counts.begin(),
                   [](const auto& count) { return count.load(std::memory_order_relaxed); });
    out.sum = sum_.load(std::memory_order_relaxed);
    return out;
}

void Histogram::observe_value(std::uint64_t value) noexcept {
    const auto bucket = std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin();
    counts_[static_cast<std::size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
    sum_.fetch_add(value, std::memory_order_relaxed);
}

Metrics::Metrics(WallTime started)
    : politeness_wait(kWaitBounds),
      schedule_lag(kWaitBounds),
      fetch_duration(kFetchBounds),
      fetch_stage_duration(kStageBounds),
      response_size(kSizeBounds),
      commit_duration(kCommitBounds),
      journal_sync_duration(kCommitBounds),
      event_loop_lag(kLagBounds),
      started_(started) {}

std::string Metrics::text() const {
    return prometheus::TextSerializer().Serialize(Exposition(*this, started_).Collect());
}

}  // namespace grit::metrics
