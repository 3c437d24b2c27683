// When one host may be asked, and how its pace follows its answers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <span>

#include "grit/base/clock.hpp"

namespace grit::politeness {

/// Bounds that every host of the crawl is held to.
struct Manners {
    unsigned connections_per_host = 2;
    unsigned connections_per_domain = 8;
    Milliseconds min_interval{100};
    Milliseconds max_interval{30'000};
    /// Waits of a host that is down, one per attempt; after the last its URLs are gone.
    std::span<const Milliseconds> down_schedule;
};

/// What the state keeps of a gate, so that manners survive a restart.
struct GateMemory {
    std::int64_t not_before_ms = 0;  ///< wall time; 0 is "at once"
    std::uint32_t interval_ms = 0;   ///< 0 is "never asked": the lower bound
    std::uint8_t throttle_level = 0;
    std::uint8_t down_attempts = 0;
    std::uint32_t ceiling_ms = 0;     ///< the interval at which it last refused; 0 if it has not
    std::uint16_t good_answers = 0;   ///< since that refusal
    bool near_ceiling = false;        ///< it refused close to the ceiling before
};

/// How a request went, as far as the host's pace goes.
enum class Answer : std::uint8_t {
    good,      ///< it answered, whatever the status, and was not overloaded
    strained,  ///< a timeout, a reset, a server error: it is asked half as often
    none,      ///< says nothing of the host: nothing was sent, or the fault is ours
};

/// One host's gate: how many requests are open, how far apart they are, and until when the host is left alone.
///
/// Pace: the rate goes up by a twentieth of the highest rate per good answer and is halved by a strained one, within
/// [1 / max_interval, 1 / min_interval] (AIMD). The rate at which a host last refused (429, 503) is a ceiling: the rate
/// comes back to a little below it at once, stays there for twenty minutes' worth of answers, then creeps up, and the
/// ceiling is forgotten once it has been passed unpunished. So a host with a hidden limit refuses rarely, and a limit
/// that is lifted is found out within an hour. Small on purpose (32 bytes): there is one per host of the data set.
/// Threads: its shard's only.
class HostGate {
  public:
    HostGate() = default;
    /// A gate as the state remembers it. The host counts as asked just now: what the last process asked in its last
    /// moment is unknown.
    HostGate(const GateMemory& memory, const Manners& manners, SteadyTime now, WallTime wall_now);

    /// True if one more request may be prepared now: a connection takes its time, and the pace counts from the moment
    /// of sending, so one request at a time is on its way there.
    [[nodiscard]] bool open_at(SteadyTime now, const Manners& manners) const noexcept {
        return has_room(manners) && now >= next_at_;
    }
    /// As open_at, whatever the time. A host that is down gets one request at a time until it has answered one.
    [[nodiscard]] bool has_room(const Manners& manners) const noexcept {
        return open_ < (is_down() ? 1U : manners.connections_per_host) && !unsent_;
    }
    /// The earliest time for the next request, as far as pace and back-off go.
    [[nodiscard]] SteadyTime next_at() const noexcept { return next_at_; }
    [[nodiscard]] unsigned open_requests() const noexcept { return open_; }
    [[nodiscard]] Milliseconds interval(const Manners& manners) const noexcept;

    /// A request is being prepared: it takes a place.
    void lease() noexcept;

    /// The request that was leased goes out now.
    void sent(SteadyTime now, const Manners& manners);
    /// The request that was sent has been written by now: the interval counts from here, too.
    void written(SteadyTime now, const Manners& manners);
    /// A request that was sent has to be sent once more. @return whether it may be now; then it counts as sent.
    [[nodiscard]] bool sent_again(SteadyTime now, const Manners& manners);

    /// The request that was leased has ended without being sent.
    void withdrawn() noexcept;
    /// A request that was sent has ended.
    /// @param latency  to the first byte; judged against the host's usual one: while it rises, the pace does not.
    void answered(Answer answer, Milliseconds latency, SteadyTime now, const Manners& manners);

    /// The host asked for less (429, 503).
    /// @param retry_after  what it asked for, already checked and capped; nothing: 60 s doubling to 24 h, 10 % jitter.
    /// From the fourth such answer in a row the doubling holds also against a shorter Retry-After, so that a host that
    /// only ever refuses is asked ever less. Requests that were open together and are refused together are one refusal.
    /// @return how long it is left alone.
    Milliseconds throttled(std::optional<Milliseconds> retry_after, SteadyTime now, const Manners& manners,
                           std::minstd_rand& random);
    /// True once a host has refused so often in a row, over days, that its URLs are given up.
    [[nodiscard]] bool throttled_for_good() const noexcept;

    /// The host could not be reached, or not be trusted.
    /// @return how long it is left alone; nothing if the schedule is used up and its URLs are gone.
    std::optional<Milliseconds> down(SteadyTime now, const Manners& manners, std::minstd_rand& random);

    /// The host is asked again as if nothing had been (an operator's retry).
    void forgive(SteadyTime now);

    /// The host asks for at least this interval (Crawl-delay), until it asks for another; 0 is none. `max_interval`
    /// caps it.
    void slow_to(Milliseconds least_interval);

    /// Leaves the host alone until then, without judging it.
    void hold_until(SteadyTime at);

    [[nodiscard]] GateMemory memory(SteadyTime now, WallTime wall_now) const;
    [[nodiscard]] bool in_back_off(SteadyTime now) const noexcept { return throttle_level_ > 0 && now < next_at_; }
    [[nodiscard]] bool is_down() const noexcept { return down_attempts_ > 0; }

    /// The shortest time between two requests that the host's pace and its usual latency allow.
    [[nodiscard]] Milliseconds time_per_request(const Manners& manners) const noexcept;

  private:
    void speed_up(const Manners& manners);
    void slow_down(const Manners& manners);
    void lower_ceiling(const Manners& manners);
    [[nodiscard]] double rate_under_ceiling() noexcept;

    SteadyTime next_at_{};
    std::uint32_t interval_ms_ = 0;
    std::uint32_t floor_ms_ = 0;
    std::uint32_t ceiling_ms_ = 0;    // the interval at which it refused; 0 if it has not
    std::uint16_t good_answers_ = 0;  // since then; capped
    std::uint16_t open_ = 0;
    std::uint16_t usual_latency_ms_ = 0;
    bool unsent_ = false;
    bool refused_ = false;  // since the last request was sent
    bool slowed_ = false;   // for that refusal
    bool near_ceiling_ =
        false;  // it refused when it was asked a little more often than for long: the limit is right there
    std::uint8_t throttle_level_ = 0;
    std::uint8_t down_attempts_ = 0;
};

}  // namespace grit::politeness
