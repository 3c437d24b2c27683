#include "grit/politeness/host_gate.hpp"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <cmath>
#include <limits>
#include <utility>

namespace grit::politeness {
namespace {

constexpr Milliseconds kFirstBackOff{60'000};
constexpr Milliseconds kMaxBackOff{24 * 3'600'000};
// 60 s doubled 11 times is beyond 24 h; twice at the cap (two days of nothing but refusals) and the host is given up.
constexpr std::uint8_t kLastThrottleLevel = 13;
// So many refusals in a row may name their own, shorter Retry-After.
constexpr std::uint8_t kTrustedRetryAfters = 3;
// Steps from half the highest rate back to it: ten good answers.
constexpr double kIncreaseShare = 1.0 / 20;
// A first byte that takes this much longer than usual is a sign of strain.
constexpr unsigned kLatencyRise = 3;
constexpr unsigned kLatencySlackMs = 100;

Milliseconds back_off(unsigned level) {
    const unsigned doublings = std::min(level == 0 ? 0U : level - 1, 20U);
    return std::min(kMaxBackOff, Milliseconds(kFirstBackOff.count() << doublings));
}

// +-10 %, so that hosts that failed together are not asked together.
Milliseconds jittered(Milliseconds wait, std::minstd_rand& random) {
    std::uniform_real_distribution<double> share(0.9, 1.1);
    return Milliseconds(static_cast<std::int64_t>(static_cast<double>(wait.count()) * share(random)));
}

// Under a ceiling: where the rate comes back to. Far below a ceiling that was met while the rate was still going up,
// since the limit may lie much lower; close below one that was met while creeping up to it.
constexpr double kBelowCeiling = 0.85;
constexpr double kCloseBelowCeiling = 0.95;
// How long it stays there: each step beyond may cost a refusal, which is a minute without any answer.
constexpr Milliseconds kCeilingRest{20 * 60'000};
constexpr std::int64_t kLeastRest = 256;        // answers: so refusals stay below half a percent at any pace
constexpr std::int64_t kMostRest = 0xFFFF / 3;  // three times as many are counted in 16 bits

std::int64_t rest_under(std::uint32_t ceiling_ms) {
    return std::clamp<std::int64_t>(kCeilingRest.count() / ceiling_ms, kLeastRest, kMostRest);
}

}  // namespace

HostGate::HostGate(const GateMemory& memory, const Manners& manners, SteadyTime now, WallTime wall_now)
    : interval_ms_(memory.interval_ms),
      ceiling_ms_(memory.ceiling_ms),
      good_answers_(memory.good_answers),
      near_ceiling_(memory.near_ceiling),
      throttle_level_(memory.throttle_level),
      down_attempts_(memory.down_attempts) {
    // A wall clock that was set back must not silence a host for ever: nothing is held longer than the cap.
    const Milliseconds held = std::clamp(Milliseconds(memory.not_before_ms) - wall_now.time_since_epoch(),
                                         Milliseconds(0), kMaxBackOff + kMaxBackOff / 10);
    next_at_ = now + std::max(held, memory.interval_ms == 0 ? Milliseconds(0) : interval(manners));
}

Milliseconds HostGate::interval(const Manners& manners) const noexcept {
    return std::clamp(Milliseconds(std::max(interval_ms_, floor_ms_)), manners.min_interval, manners.max_interval);
}

Milliseconds HostGate::time_per_request(const Manners& manners) const noexcept {
    return std::max(interval(manners), Milliseconds(usual_latency_ms_ / std::max(manners.connections_per_host, 1U)));
}

void HostGate::lease() noexcept {
    ++open_;
    unsent_ = true;
}

void HostGate::sent(SteadyTime now, const Manners& manners) {
    unsent_ = false;
    refused_ = false;
    slowed_ = false;
    interval_ms_ = static_cast<std::uint32_t>(interval(manners).count());
    next_at_ = std::max(next_at_, now + interval(manners));
}

void HostGate::written(SteadyTime now, const Manners& manners) {
    hold_until(now + interval(manners));
}

bool HostGate::sent_again(SteadyTime now, const Manners& manners) {
    if (now < next_at_) {
        return false;
    }
    next_at_ = now + interval(manners);
    return true;
}

void HostGate::withdrawn() noexcept {
    assert(open_ > 0 && unsent_);
    --open_;
    unsent_ = false;
}

void HostGate::answered(Answer answer, Milliseconds latency, SteadyTime now, const Manners& manners) {
    assert(open_ > 0);
    --open_;
    if (answer == Answer::none) {
        return;
    }
    if (answer == Answer::strained) {
        slow_down(manners);
        next_at_ = std::max(next_at_, now + interval(manners));
        return;
    }
    throttle_level_ = 0;
    down_attempts_ = 0;
    const auto seen = static_cast<unsigned>(std::clamp<std::int64_t>(latency.count(), 0, 60'000));
    const bool steady = usual_latency_ms_ == 0 || seen <= usual_latency_ms_ * kLatencyRise + kLatencySlackMs;
    usual_latency_ms_ = static_cast<std::uint16_t>(usual_latency_ms_ == 0 ? seen : (usual_latency_ms_ * 7U + seen) / 8);
    if (ceiling_ms_ > 0 && good_answers_ < 3 * rest_under(ceiling_ms_)) {
        ++good_answers_;
    }
    if (steady && !refused_) {
        speed_up(manners);
    }
}

void HostGate::speed_up(const Manners& manners) {
    const double highest_rate = 1.0 / static_cast<double>(std::max<std::int64_t>(manners.min_interval.count(), 1));
    const double rate = 1.0 / static_cast<double>(std::max<std::int64_t>(interval(manners).count(), 1));
    double faster = rate + highest_rate * kIncreaseShare;
    if (ceiling_ms_ > 0) {
        faster = std::max(rate, std::min(faster, rate_under_ceiling()));
    }
    // Rounded up under a ceiling: a millisecond too little may be a refusal.
    const auto milliseconds =
        static_cast<std::int64_t>(ceiling_ms_ > 0 ? std::ceil(1.0 / faster - 1e-6) : std::round(1.0 / faster));
    interval_ms_ = static_cast<std::uint32_t>(
        std::clamp(Milliseconds(milliseconds), manners.min_interval, manners.max_interval).count());
}

// Requests that were open together and are refused together halve the rate once.
void HostGate::slow_down(const Manners& manners) {
    if (refused_ && std::exchange(slowed_, true)) {
        return;
    }
    interval_ms_ = static_cast<std::uint32_t>(
        std::clamp(interval(manners) * 2, manners.min_interval, manners.max_interval).count());
}

// A host that has not answered since its last refusal refuses for another reason than its pace.
void HostGate::lower_ceiling(const Manners& manners) {
    if (ceiling_ms_ > 0 && good_answers_ == 0) {
        return;
    }
    near_ceiling_ = ceiling_ms_ > 0 && good_answers_ >= rest_under(ceiling_ms_);
    ceiling_ms_ = static_cast<std::uint32_t>(std::max<std::int64_t>(interval(manners).count(), 1));
    good_answers_ = 0;
}

// The highest rate that is dared so many answers after the refusal.
double HostGate::rate_under_ceiling() noexcept {
    const std::int64_t rest = rest_under(ceiling_ms_);
    const double ceiling = 1.0 / ceiling_ms_;
    if (good_answers_ >= 3 * rest) {
        ceiling_ms_ = 0;
        return std::numeric_limits<double>::infinity();
    }
    const double start = near_ceiling_ ? kCloseBelowCeiling : kBelowCeiling;
    const double crept =
        static_cast<double>(std::max<std::int64_t>(0, good_answers_ - rest)) / static_cast<double>(rest);
    return ceiling * (start + (1 - start) * crept);
}

Milliseconds HostGate::throttled(std::optional<Milliseconds> retry_after, SteadyTime now, const Manners& manners,
                                 std::minstd_rand& random) {
    if (!std::exchange(refused_, true)) {
        lower_ceiling(manners);
        throttle_level_ = std::min<std::uint8_t>(static_cast<std::uint8_t>(throttle_level_ + 1), kLastThrottleLevel);
    }
    Milliseconds wait = jittered(back_off(throttle_level_), random);
    if (retry_after) {
        const Milliseconds least =
            throttle_level_ <= kTrustedRetryAfters ? Milliseconds(0) : back_off(throttle_level_ - kTrustedRetryAfters);
        wait = std::clamp(*retry_after, least, kMaxBackOff);
    }
    hold_until(now + std::max(wait, interval(manners)));
    return wait;
}

bool HostGate::throttled_for_good() const noexcept {
    return throttle_level_ >= kLastThrottleLevel;
}

std::optional<Milliseconds> HostGate::down(SteadyTime now, const Manners& manners, std::minstd_rand& random) {
    if (down_attempts_ >= manners.down_schedule.size()) {
        return std::nullopt;
    }
    const Milliseconds wait = jittered(manners.down_schedule[down_attempts_], random);
    ++down_attempts_;
    hold_until(now + wait);
    return wait;
}

void HostGate::forgive(SteadyTime now) {
    throttle_level_ = 0;
    down_attempts_ = 0;
    next_at_ = std::min(next_at_, now + Milliseconds(std::max(interval_ms_, floor_ms_)));
}

void HostGate::slow_to(Milliseconds least_interval) {
    floor_ms_ = static_cast<std::uint32_t>(std::clamp<std::int64_t>(least_interval.count(), 0, kMaxBackOff.count()));
}

void HostGate::hold_until(SteadyTime at) {
    next_at_ = std::max(next_at_, at);
}

GateMemory HostGate::memory(SteadyTime now, WallTime wall_now) const {
    // The pace goes on learning beneath a Crawl-delay, which is not known after a restart until robots.txt was read again.
    GateMemory memory{0,           std::max(interval_ms_, floor_ms_), throttle_level_, down_attempts_,
                      ceiling_ms_, good_answers_,                     near_ceiling_};
    if (next_at_ > now) {
        const auto left = std::chrono::duration_cast<Milliseconds>(next_at_ - now) + Milliseconds(1);
        memory.not_before_ms = (wall_now.time_since_epoch() + left).count();
    }
    return memory;
}

}  // namespace grit::politeness
