// A web that answers under a virtual clock: who has how many URLs, how fast it answers, what it puts up with; and a
// judge.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <unordered_map>
#include <vector>

#include "grit/base/clock.hpp"

namespace grit::bench {

/// splitmix64: every draw is a function of the seed and of what it is drawn for, so that each model meets the same web.
inline std::uint64_t mix(std::uint64_t seed, std::uint64_t index, std::uint64_t purpose) {
    std::uint64_t z = seed * 0xD1342543DE82EF95ULL + index * 0x9E3779B97F4A7C15ULL + purpose * 0xA24BAED4963EE407ULL;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
}

/// Within (0, 1).
inline double share_of(std::uint64_t bits) {
    return (static_cast<double>(bits >> 11) + 0.5) * 0x1.0p-53;
}

/// A factor around 1, log-normal.
inline double spread(std::uint64_t bits, double sigma) {
    const double radius = std::sqrt(-2 * std::log(share_of(bits)));
    return std::exp(sigma * radius * std::cos(6.283185307179586 * share_of(mix(bits, 1, 1))));
}

struct WebOptions {
    std::uint64_t urls = 1'000'000;
    std::uint32_t hosts = 75'000;  ///< GRIT: 20.5 million URLs at 1.5 million hosts
    double top_ten = 0.167;        ///< share of URLs at the ten largest hosts; the Zipf exponent follows from it
    double limited = 0.05;         ///< share of hosts with a hidden limit, the ten largest excepted
    double limit_low = 1;          ///< requests per second, drawn evenly between these two
    double limit_high = 8;
    std::uint64_t seed = 1;
};

/// What a host is like. Ranks count from 0, the largest host first.
class SimulatedWeb {
  public:
    explicit SimulatedWeb(const WebOptions& options) : options_(options) {
        const double exponent = fit_exponent();
        cumulated_.reserve(options.hosts);
        double sum = 0;
        for (std::uint32_t rank = 0; rank < options.hosts; ++rank) {
            cumulated_.push_back(sum += std::pow(rank + 1.0, -exponent));
        }
        exponent_ = exponent;
        // Most draws are found in a few steps: where each 1/65536th of the probability begins.
        const std::uint32_t steps = 1U << 16;
        for (std::uint32_t step = 0; step <= steps; ++step) {
            const auto at = std::lower_bound(cumulated_.begin(), cumulated_.end(), sum * step / steps);
            starts_.push_back(
                static_cast<std::uint32_t>(std::min<std::ptrdiff_t>(at - cumulated_.begin(), options.hosts - 1)));
        }
    }

    [[nodiscard]] const WebOptions& options() const { return options_; }
    [[nodiscard]] double exponent() const { return exponent_; }

    /// Of the URL with that number, in input order.
    [[nodiscard]] std::uint32_t rank_of(std::uint64_t url) const {
        const double share = share_of(mix(options_.seed, url, 2));
        const auto step = static_cast<std::size_t>(share * (1U << 16));
        const auto end = cumulated_.begin() + starts_[step + 1] + 1;
        return static_cast<std::uint32_t>(
            std::lower_bound(cumulated_.begin() + starts_[step], end, share * cumulated_.back()) - cumulated_.begin());
    }

    /// A tenth of the smaller hosts share domains, fifty each.
    [[nodiscard]] static std::string host_name(std::uint32_t rank) {
        const std::string number = std::to_string(rank);
        return rank >= 1000 && rank % 10 == 0 ? "b" + number + ".blogs" + std::to_string(rank / 500) + ".test"
                                              : "img.site" + number + ".test";
    }

    /// To the first byte and the whole image. Large hosts are CDNs: faster.
    [[nodiscard]] std::int64_t latency_ns(std::uint32_t rank, std::uint64_t request) const {
        const double host = 120e6 * spread(mix(options_.seed, rank, 3), 0.6);
        const double median = rank < 100 ? std::min(host, 100e6) : host;
        return static_cast<std::int64_t>(median * spread(mix(options_.seed, request, 4), 0.3));
    }

    /// Requests per second that the host puts up with; 0: any number.
    [[nodiscard]] double limit(std::uint32_t rank) const {
        if (rank < 10 || share_of(mix(options_.seed, rank, 5)) >= options_.limited) {
            return 0;
        }
        return options_.limit_low + (options_.limit_high - options_.limit_low) * share_of(mix(options_.seed, rank, 6));
    }
    /// What a refusal of that host names; 0: nothing.
    [[nodiscard]] Milliseconds retry_after(std::uint32_t rank) const {
        const std::uint64_t bits = mix(options_.seed, rank, 7);
        return bits % 2 == 0 ? Milliseconds(0) : Milliseconds(1000 * (2 + bits / 2 % 9));
    }

  private:
    [[nodiscard]] double fit_exponent() const {
        double low = 0;
        double high = 3;
        for (int i = 0; i < 40; ++i) {
            const double exponent = (low + high) / 2;
            double ten = 0;
            double all = 0;
            for (std::uint32_t rank = 0; rank < options_.hosts; ++rank) {
                const double weight = std::pow(rank + 1.0, -exponent);
                ten += rank < 10 ? weight : 0;
                all += weight;
            }
            (ten / all < options_.top_ten ? low : high) = exponent;
        }
        return low;
    }

    WebOptions options_;
    double exponent_ = 0;
    std::vector<double> cumulated_;
    std::vector<std::uint32_t> starts_;
};

/// The hidden limit of one host: a bucket of five requests that fills at the limit's rate.
class HiddenLimit {
  public:
    /// @return whether the request is answered; otherwise it is a 429.
    bool admits(std::int64_t now_ns, double per_second) {
        constexpr int kBurst = 5;
        const auto interval = static_cast<std::int64_t>(1e9 / per_second);
        if (full_at_ns_ - now_ns > (kBurst - 1) * interval) {
            return false;
        }
        full_at_ns_ = std::max(full_at_ns_, now_ns) + interval;
        return true;
    }

  private:
    std::int64_t full_at_ns_ = 0;
};

/// Looks at the requests alone, as a host's log would show them, and counts what breaks a rule.
class Judge {
  public:
    Judge(std::uint32_t hosts, Milliseconds min_interval, unsigned per_host, unsigned per_domain)
        : min_interval_ns_(min_interval.count() * 1'000'000),
          per_host_(per_host),
          per_domain_(per_domain),
          hosts_(hosts) {}

    void sent(std::uint32_t rank, std::uint64_t domain, std::int64_t now_ns) {
        Seen& host = hosts_[rank];
        violations_.interval += host.last_ns >= 0 && now_ns - host.last_ns < min_interval_ns_ ? 1 : 0;
        violations_.open_host += ++host.open > per_host_ ? 1 : 0;
        violations_.open_domain += ++domains_[domain] > per_domain_ ? 1 : 0;
        violations_.retry_after += now_ns < host.asked_until_ns ? 1 : 0;
        host.last_ns = now_ns;
    }
    void ended(std::uint32_t rank, std::uint64_t domain) {
        --hosts_[rank].open;
        if (--domains_[domain] == 0) {
            domains_.erase(domain);
        }
    }
    /// The host said when it wants to be asked again.
    void asked_for_peace(std::uint32_t rank, std::int64_t until_ns) { hosts_[rank].asked_until_ns = until_ns; }

    struct Violations {
        std::uint64_t interval = 0;
        std::uint64_t open_host = 0;
        std::uint64_t open_domain = 0;
        std::uint64_t retry_after = 0;
    };
    [[nodiscard]] const Violations& violations() const { return violations_; }

  private:
    struct Seen {
        std::int64_t last_ns = -1;
        std::int64_t asked_until_ns = 0;
        unsigned open = 0;
    };
    std::int64_t min_interval_ns_;
    unsigned per_host_;
    unsigned per_domain_;
    std::vector<Seen> hosts_;
    std::unordered_map<std::uint64_t, unsigned> domains_;
    Violations violations_;
};

}  // namespace grit::bench
