// What code holds in its hand to count: lock-free, a relaxed atomic addition each.
//
// Threads: every function may be called from any thread at once. A reader sees each number by itself, never torn;
// two numbers of one text may be an update apart.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

#include "grit/base/clock.hpp"

namespace grit::metrics {

/// Only grows.
class Counter {
  public:
    void add(std::uint64_t n = 1) noexcept { value_.fetch_add(n, std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

  private:
    std::atomic<std::uint64_t> value_{0};
};

/// Goes up and down. `set` belongs to a single owner; where shards share a gauge, each adds and subtracts its own part.
class Gauge {
  public:
    void set(std::int64_t value) noexcept { value_.store(value, std::memory_order_relaxed); }
    void add(std::int64_t n = 1) noexcept { value_.fetch_add(n, std::memory_order_relaxed); }
    void subtract(std::int64_t n = 1) noexcept { value_.fetch_sub(n, std::memory_order_relaxed); }
    [[nodiscard]] std::int64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

  private:
    std::atomic<std::int64_t> value_{0};
};

/// When something happened last; 0 (1970) if it never did.
class Timestamp {
  public:
    void set(WallTime when) noexcept { unix_ms_.store(when.time_since_epoch().count(), std::memory_order_relaxed); }
    [[nodiscard]] double seconds() const noexcept {
        return static_cast<double>(unix_ms_.load(std::memory_order_relaxed)) / 1e3;
    }

  private:
    std::atomic<std::int64_t> unix_ms_{0};
};

/// A distribution over fixed buckets of whole numbers. DurationHistogram and SizeHistogram say what the numbers are.
class Histogram {
  public:
    static constexpr std::size_t kMaxBounds = 15;

    /// @param bounds  upper ends of the buckets, each in its bucket ("le"), ascending, at most kMaxBounds. They must
    ///                live as long as the histogram (static tables).
    explicit Histogram(std::span<const std::uint64_t> bounds) noexcept : bounds_(bounds) {}

    struct Snapshot {
        std::array<std::uint64_t, kMaxBounds + 1> counts{};  ///< By bucket, not cumulative; the one past the last bound
                                                             ///< holds what is above it.
        std::uint64_t sum = 0;
    };
    [[nodiscard]] Snapshot snapshot() const noexcept;
    [[nodiscard]] std::span<const std::uint64_t> bounds() const noexcept { return bounds_; }

  protected:
    void observe_value(std::uint64_t value) noexcept;

  private:
    std::span<const std::uint64_t> bounds_;
    std::array<std::atomic<std::uint64_t>, kMaxBounds + 1> counts_{};
    std::atomic<std::uint64_t> sum_{0};
};

/// Bounds and sum in microseconds (a sum of 584,000 years fits). Shown in seconds.
class DurationHistogram : public Histogram {
  public:
    using Histogram::Histogram;
    /// A negative duration (a clock that was set) counts as 0.
    void observe(std::chrono::nanoseconds duration) noexcept {
        observe_value(duration.count() < 0 ? 0 : static_cast<std::uint64_t>(duration.count()) / 1000);
    }
};

/// Bounds and sum in bytes.
class SizeHistogram : public Histogram {
  public:
    using Histogram::Histogram;
    void observe(std::uint64_t bytes) noexcept { observe_value(bytes); }
};

}  // namespace grit::metrics
