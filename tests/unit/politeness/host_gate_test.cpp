#include "grit/politeness/host_gate.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

namespace grit::politeness {
namespace {

constexpr std::array<Milliseconds, 2> kSchedule{Milliseconds(1000), Milliseconds(10'000)};

class HostGateTest : public ::testing::Test {
  protected:
    Manners manners_{.connections_per_host = 2,
                     .connections_per_domain = 8,
                     .min_interval = Milliseconds(100),
                     .max_interval = Milliseconds(1600),
                     .down_schedule = kSchedule};
    SteadyTime now_{std::chrono::hours(1)};
    WallTime wall_{std::chrono::hours(1000)};
    std::minstd_rand random_{7};

    void ask(HostGate& gate) {
        gate.lease();
        gate.sent(now_, manners_);
    }
    Milliseconds refuse(HostGate& gate, std::optional<Milliseconds> retry_after) {
        ask(gate);
        const Milliseconds wait = gate.throttled(retry_after, now_, manners_, random_);
        gate.answered(Answer::none, Milliseconds(0), now_, manners_);
        return wait;
    }
};

TEST_F(HostGateTest, KeepsTheIntervalBetweenRequests) {
    HostGate gate;
    EXPECT_TRUE(gate.open_at(now_, manners_));
    ask(gate);
    EXPECT_FALSE(gate.open_at(now_ + Milliseconds(99), manners_));
    EXPECT_TRUE(gate.open_at(now_ + Milliseconds(100), manners_));
}

TEST_F(HostGateTest, TheIntervalCountsFromWhenTheRequestHasLeft) {
    HostGate gate;
    ask(gate);
    now_ += Milliseconds(40);  // the process had to wait for the processor
    gate.written(now_, manners_);
    EXPECT_FALSE(gate.open_at(now_ + Milliseconds(99), manners_));
    EXPECT_TRUE(gate.open_at(now_ + Milliseconds(100), manners_));
    EXPECT_EQ(gate.interval(manners_), Milliseconds(100)) << "the pace stays";
}

TEST_F(HostGateTest, NeverHasMoreOpenThanItsConnections) {
    HostGate gate;
    ask(gate);
    now_ += Milliseconds(1000);
    ask(gate);
    now_ += Milliseconds(1000);
    EXPECT_FALSE(gate.open_at(now_, manners_));
    gate.answered(Answer::good, Milliseconds(10), now_, manners_);
    EXPECT_TRUE(gate.open_at(now_, manners_));
}

TEST_F(HostGateTest, ThePaceCountsFromTheMomentOfSending) {
    HostGate gate;
    gate.lease();
    now_ += Milliseconds(5000);  // the connection took its time
    EXPECT_FALSE(gate.open_at(now_, manners_)) << "one request at a time is on its way out";
    gate.sent(now_, manners_);
    EXPECT_FALSE(gate.open_at(now_ + Milliseconds(99), manners_));
    EXPECT_TRUE(gate.open_at(now_ + Milliseconds(100), manners_));
}

TEST_F(HostGateTest, ARequestThatIsSentAgainWaitsItsTurn) {
    HostGate gate;
    ask(gate);
    EXPECT_FALSE(gate.sent_again(now_ + Milliseconds(99), manners_));
    EXPECT_TRUE(gate.sent_again(now_ + Milliseconds(100), manners_));
    EXPECT_FALSE(gate.open_at(now_ + Milliseconds(199), manners_));
}

TEST_F(HostGateTest, ARequestThatWasNeverSentCostsNothing) {
    HostGate gate;
    gate.lease();
    gate.withdrawn();
    EXPECT_TRUE(gate.open_at(now_, manners_));
    EXPECT_EQ(gate.open_requests(), 0u);
}

TEST_F(HostGateTest, StrainHalvesThePaceAndGoodAnswersEarnItBackStepByStep) {
    HostGate gate;
    ask(gate);
    gate.answered(Answer::strained, Milliseconds(0), now_, manners_);
    EXPECT_EQ(gate.interval(manners_), Milliseconds(200));
    for (int i = 0; i < 10; ++i) {
        ask(gate);
        gate.answered(Answer::strained, Milliseconds(0), now_, manners_);
    }
    EXPECT_EQ(gate.interval(manners_), manners_.max_interval);
    Milliseconds before = gate.interval(manners_);
    int answers = 0;
    while (gate.interval(manners_) > manners_.min_interval) {
        ask(gate);
        gate.answered(Answer::good, Milliseconds(10), now_, manners_);
        EXPECT_LE(gate.interval(manners_), before);
        before = gate.interval(manners_);
        ASSERT_LT(++answers, 30);
    }
    EXPECT_GE(answers, 15);  // additive: about twenty steps from the slowest to the fastest pace
}

TEST_F(HostGateTest, RisingLatencyEarnsNoFasterPace) {
    HostGate gate;
    ask(gate);
    gate.answered(Answer::good, Milliseconds(10), now_, manners_);
    ask(gate);
    gate.answered(Answer::strained, Milliseconds(0), now_, manners_);
    const Milliseconds slowed = gate.interval(manners_);
    ask(gate);
    gate.answered(Answer::good, Milliseconds(5000), now_, manners_);
    EXPECT_EQ(gate.interval(manners_), slowed);
}

TEST_F(HostGateTest, RetryAfterHoldsTheHost) {
    HostGate gate;
    EXPECT_EQ(gate.throttled(Milliseconds(7000), now_, manners_, random_), Milliseconds(7000));
    EXPECT_FALSE(gate.open_at(now_ + Milliseconds(6999), manners_));
    EXPECT_TRUE(gate.open_at(now_ + Milliseconds(7000), manners_));
}

TEST_F(HostGateTest, WithoutRetryAfterTheWaitDoublesToADayWithTenPercentJitter) {
    HostGate gate;
    double expected = 60'000;
    for (int i = 0; i < 15; ++i) {
        const auto wait = static_cast<double>(refuse(gate, std::nullopt).count());
        EXPECT_GE(wait, expected * 0.899);
        EXPECT_LE(wait, expected * 1.101);
        expected = std::min(expected * 2, 86'400'000.0);
    }
    EXPECT_TRUE(gate.throttled_for_good());
}

TEST_F(HostGateTest, Policy_AHostThatOnlyRefusesIsAskedEverLessWhateverItsRetryAfter) {
    HostGate gate;
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(refuse(gate, Milliseconds(1000)), Milliseconds(1000));
    }
    EXPECT_EQ(refuse(gate, Milliseconds(1000)), Milliseconds(60'000));
    EXPECT_EQ(refuse(gate, Milliseconds(1000)), Milliseconds(120'000));
}

TEST_F(HostGateTest, RequestsThatAreRefusedTogetherAreOneRefusal) {
    HostGate gate;
    ask(gate);
    ask(gate);
    for (int i = 0; i < 2; ++i) {
        const Milliseconds wait = gate.throttled(std::nullopt, now_, manners_, random_);
        EXPECT_LE(wait, Milliseconds(66'000)) << "the first level both times";
        gate.answered(Answer::strained, Milliseconds(0), now_, manners_);
    }
}

TEST_F(HostGateTest, AGoodAnswerForgetsRefusals) {
    HostGate gate;
    for (int i = 0; i < 3; ++i) {
        refuse(gate, std::nullopt);
    }
    ask(gate);
    gate.answered(Answer::good, Milliseconds(5), now_, manners_);
    const Milliseconds wait = refuse(gate, std::nullopt);
    EXPECT_LE(wait, Milliseconds(66'000));
}

TEST_F(HostGateTest, CrawlDelayIsTheFastestPaceUpToTheCap) {
    HostGate gate;
    gate.slow_to(Milliseconds(700));
    ask(gate);
    for (int i = 0; i < 30; ++i) {
        gate.answered(Answer::good, Milliseconds(1), now_, manners_);
        ask(gate);
    }
    EXPECT_EQ(gate.interval(manners_), Milliseconds(700));
    gate.slow_to(Milliseconds(99'000'000));
    EXPECT_EQ(gate.interval(manners_), manners_.max_interval);
}

TEST_F(HostGateTest, DownFollowsItsScheduleThenIsGone) {
    HostGate gate;
    const auto first = gate.down(now_, manners_, random_);
    ASSERT_TRUE(first);
    EXPECT_NEAR(static_cast<double>(first->count()), 1000, 101);
    EXPECT_TRUE(gate.is_down());
    EXPECT_TRUE(gate.down(now_, manners_, random_));
    EXPECT_FALSE(gate.down(now_, manners_, random_));
}

TEST_F(HostGateTest, MemoryHoldsOverARestart) {
    HostGate gate;
    ask(gate);
    gate.answered(Answer::strained, Milliseconds(0), now_, manners_);
    gate.throttled(Milliseconds(5000), now_, manners_, random_);
    const GateMemory memory = gate.memory(now_, wall_);
    const SteadyTime later_start{std::chrono::hours(9)};
    const HostGate again(memory, manners_, later_start, wall_ + Milliseconds(2000));
    EXPECT_FALSE(again.open_at(later_start + Milliseconds(2999), manners_));
    EXPECT_TRUE(again.open_at(later_start + Milliseconds(3002), manners_));
    EXPECT_EQ(again.interval(manners_), gate.interval(manners_));
}

TEST_F(HostGateTest, ACrawlDelayHoldsOverARestartAndForgiveness) {
    HostGate gate;
    gate.slow_to(Milliseconds(1000));
    ask(gate);
    gate.answered(Answer::good, Milliseconds(1), now_, manners_);
    const HostGate again(gate.memory(now_, wall_), manners_, now_, wall_);
    EXPECT_EQ(again.interval(manners_), Milliseconds(1000));
    gate.hold_until(now_ + Milliseconds(9000));
    gate.forgive(now_);
    EXPECT_FALSE(gate.open_at(now_ + Milliseconds(999), manners_));
    EXPECT_TRUE(gate.open_at(now_ + Milliseconds(1000), manners_));
}

TEST_F(HostGateTest, AfterARestartEveryHostAskedBeforeWaitsItsIntervalAndOthersDoNot) {
    const HostGate asked_before(GateMemory{0, 400, 0, 0}, manners_, now_, wall_);
    EXPECT_FALSE(asked_before.open_at(now_ + Milliseconds(399), manners_));
    EXPECT_TRUE(asked_before.open_at(now_ + Milliseconds(400), manners_));
    const HostGate never(GateMemory{}, manners_, now_, wall_);
    EXPECT_TRUE(never.open_at(now_, manners_));
}

TEST_F(HostGateTest, AWallClockSetBackSilencesNobodyForEver) {
    const HostGate gate(GateMemory{wall_.time_since_epoch().count() + 10 * 86'400'000LL, 100, 1, 0}, manners_, now_,
                        wall_);
    EXPECT_TRUE(gate.open_at(now_ + std::chrono::hours(27), manners_));
}

static_assert(sizeof(HostGate) <= 32, "there is one per host of the data set");

// A host with a limit that it does not tell, asked through its gate for so long as the clock is let run.
class HiddenLimitTest : public HostGateTest {
  protected:
    enum class Kind { bucket, window };
    struct Site {
        Kind kind;
        double per_second;
        double seconds;  // of the window; or what the bucket holds, in seconds of its rate
        std::optional<Milliseconds> retry_after;
    };
    struct Seen {
        std::uint64_t requests = 0;
        std::uint64_t refused = 0;
        double lowest_rate = 1e9;  // of what the pace was, after the first quarter
        double highest_rate = 0;
        double seconds = 0;
        [[nodiscard]] double refused_share() const {
            return static_cast<double>(refused) / static_cast<double>(requests);
        }
        [[nodiscard]] double served_per_second() const { return static_cast<double>(requests - refused) / seconds; }
    };

    HiddenLimitTest() { manners_.max_interval = Milliseconds(30'000); }

    bool admits(const Site& site) {
        const double now = std::chrono::duration<double>(now_.time_since_epoch()).count();
        if (site.kind == Kind::window) {
            const auto window = static_cast<std::int64_t>(now / site.seconds);
            count_ = std::exchange(window_, window) == window ? count_ + 1 : 1;
            return count_ <= site.per_second * site.seconds;
        }
        const double capacity = std::max(1.0, site.per_second * site.seconds);
        level_ = std::min(capacity, level_ + (now - filled_) * site.per_second);
        filled_ = now;
        if (level_ + 1e-9 < 1) {
            return false;
        }
        level_ -= 1;
        return true;
    }

    /// One request at a time, as soon as it may go, answered after 50 ms.
    Seen ask_for(HostGate& gate, const Site& site, std::chrono::seconds time) {
        Seen seen;
        const SteadyTime begin = now_;
        while (now_ < begin + time) {
            now_ = std::max(now_, gate.next_at());
            ask(gate);
            ++seen.requests;
            const bool good = admits(site);
            now_ += Milliseconds(50);
            if (good) {
                gate.answered(Answer::good, Milliseconds(50), now_, manners_);
            } else {
                ++seen.refused;
                gate.throttled(site.retry_after, now_, manners_, random_);
                gate.answered(Answer::strained, Milliseconds(50), now_, manners_);
            }
            const double rate = 1000.0 / static_cast<double>(gate.interval(manners_).count());
            seen.highest_rate = std::max(seen.highest_rate, rate);
            seen.lowest_rate = good ? std::min(seen.lowest_rate, rate) : seen.lowest_rate;
        }
        seen.seconds = std::chrono::duration<double>(now_ - begin).count();
        return seen;
    }

    double level_ = 0;
    double filled_ = 0;
    std::int64_t window_ = 0;
    int count_ = 0;
};

TEST_F(HiddenLimitTest, ThePaceSettlesALittleBelowAndIsRefusedRarely) {
    for (const Kind kind : {Kind::bucket, Kind::window}) {
        for (const double seconds : {1.0, 10.0, 60.0}) {
            for (const double limit : {0.5, 1.0, 2.0, 3.0, 5.0, 7.5, 9.0}) {
                for (const std::optional<Milliseconds> retry_after :
                     {std::optional<Milliseconds>(), std::optional(Milliseconds(3000))}) {
                    if (kind == Kind::window && limit * seconds < 4) {
                        continue;  // in a window of one or two requests a pace can not be told from a burst
                    }
                    SCOPED_TRACE(testing::Message() << (kind == Kind::bucket ? "bucket of " : "window of ") << seconds
                                                    << " s, " << limit << "/s, Retry-After " << (retry_after ? 3 : 0));
                    HostGate gate;
                    const Site site{kind, limit, seconds, retry_after};
                    ask_for(gate, site, std::chrono::hours(1));
                    const Seen settled = ask_for(gate, site, std::chrono::hours(4));
                    EXPECT_LT(settled.refused_share(), 0.02);
                    EXPECT_GE(settled.served_per_second(), limit * 0.8);
                    EXPECT_LE(settled.highest_rate, limit * 1.2);
                }
            }
        }
    }
}

TEST_F(HiddenLimitTest, ALimitThatIsLiftedIsFoundOutWithinAnHourOfAnswers) {
    HostGate gate;
    ask_for(gate, Site{Kind::bucket, 2, 1, std::nullopt}, std::chrono::hours(1));
    ASSERT_GT(gate.interval(manners_), Milliseconds(490));
    ask_for(gate, Site{Kind::bucket, 1000, 1, std::nullopt}, std::chrono::minutes(65));
    EXPECT_EQ(gate.interval(manners_), manners_.min_interval);
}

// Without its memory the gate would go up to the limit once more after each restart, and rest there anew.
TEST_F(HiddenLimitTest, ARestartDoesNotRunIntoTheLimitAgain) {
    const Site site{Kind::bucket, 3, 1, std::nullopt};
    HostGate gate;
    ask_for(gate, site, std::chrono::hours(1));
    std::uint64_t refused = 0;
    for (int restart = 0; restart < 20; ++restart) {
        gate = HostGate(gate.memory(now_, wall_), manners_, now_, wall_);
        refused += ask_for(gate, site, std::chrono::minutes(1)).refused;
    }
    EXPECT_LE(refused, 1u);
}

TEST_F(HiddenLimitTest, TheTimeUnderACeilingGoesOnOverRestarts) {
    HostGate gate;
    ask_for(gate, Site{Kind::bucket, 2, 1, std::nullopt}, std::chrono::hours(1));
    for (int restart = 0; restart < 65; ++restart) {
        gate = HostGate(gate.memory(now_, wall_), manners_, now_, wall_);
        ask_for(gate, Site{Kind::bucket, 1000, 1, std::nullopt}, std::chrono::minutes(1));
    }
    EXPECT_EQ(gate.interval(manners_), manners_.min_interval) << "a limit that is lifted is found out all the same";
}

TEST_F(HiddenLimitTest, ALimitThatIsLoweredIsFoundAgain) {
    HostGate gate;
    ask_for(gate, Site{Kind::bucket, 8, 1, std::nullopt}, std::chrono::hours(1));
    const Seen fallen = ask_for(gate, Site{Kind::bucket, 1, 1, std::nullopt}, std::chrono::hours(1));
    EXPECT_LE(fallen.refused, 10u);
    EXPECT_LT(ask_for(gate, Site{Kind::bucket, 1, 1, std::nullopt}, std::chrono::hours(1)).refused_share(), 0.02);
    EXPECT_LE(gate.interval(manners_), Milliseconds(1250));
}

// It refuses for another reason than its pace: once it answers again it is not kept slow.
TEST_F(HiddenLimitTest, ABanThatEndsLeavesNoLowCeiling) {
    HostGate gate;
    ask_for(gate, Site{Kind::bucket, 1000, 1, std::nullopt}, std::chrono::minutes(1));
    for (int i = 0; i < 7; ++i) {
        now_ = std::max(now_, gate.next_at());
        refuse(gate, std::nullopt);
        now_ = std::max(now_, gate.next_at());
        ask(gate);
        gate.answered(Answer::strained, Milliseconds(50), now_, manners_);
    }
    ASSERT_GE(gate.interval(manners_), Milliseconds(10'000));
    for (int i = 0; i < 20; ++i) {
        ask(gate);
        gate.answered(Answer::good, Milliseconds(50), now_, manners_);
    }
    EXPECT_LE(gate.interval(manners_), Milliseconds(118)) << "a little below the pace of the first refusal";
}

TEST_F(HostGateTest, RequestsThatAreRefusedTogetherHalveThePaceOnce) {
    HostGate gate;
    ask(gate);
    ask(gate);
    for (int i = 0; i < 2; ++i) {
        gate.throttled(Milliseconds(1000), now_, manners_, random_);
        gate.answered(Answer::strained, Milliseconds(5), now_, manners_);
    }
    EXPECT_EQ(gate.interval(manners_), Milliseconds(200));
}

TEST_F(HostGateTest, AnAnswerToWhatWasSentBeforeARefusalEarnsNoFasterPace) {
    HostGate gate;
    ask(gate);
    ask(gate);
    gate.throttled(Milliseconds(1000), now_, manners_, random_);
    gate.answered(Answer::strained, Milliseconds(5), now_, manners_);
    gate.answered(Answer::good, Milliseconds(5), now_, manners_);
    EXPECT_EQ(gate.interval(manners_), Milliseconds(200));
}

TEST_F(HostGateTest, TheTimePerRequestIsThePaceOrWhatItsConnectionsCanDo) {
    HostGate gate;
    EXPECT_EQ(gate.time_per_request(manners_), Milliseconds(100));
    ask(gate);
    gate.answered(Answer::good, Milliseconds(900), now_, manners_);
    EXPECT_EQ(gate.time_per_request(manners_), Milliseconds(450)) << "two connections";
}

}  // namespace
}  // namespace grit::politeness
