#include "script.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>

namespace grit::testweb {
namespace {

double share_of(std::string_view text, std::uint64_t seed) {
    return static_cast<double>(XXH3_64bits_withSeed(text.data(), text.size(), seed) >> 11) * 0x1.0p-53;
}

}  // namespace

bool glob_matches(std::string_view glob, std::string_view text) noexcept {
    std::size_t g = 0;
    std::size_t t = 0;
    std::size_t star = std::string_view::npos;  // the last * met, and where its run would next be longer
    std::size_t retry = 0;
    while (t < text.size()) {
        if (g < glob.size() && glob[g] == '*') {
            star = g++;
            retry = t;
        } else if (g < glob.size() && (glob[g] == '?' || glob[g] == text[t])) {
            ++g;
            ++t;
        } else if (star != std::string_view::npos) {
            g = star + 1;
            t = ++retry;
        } else {
            return false;
        }
    }
    return glob.find_first_not_of('*', g) == std::string_view::npos;
}

Script::Script(std::vector<Rule> rules, std::uint64_t seed, Now started)
    : rules_(std::move(rules)), seed_(seed), started_(started), memory_(rules_.size()) {}

bool Script::applies(const Rule& rule, std::string_view host, std::string_view target, Now now) const {
    if (!glob_matches(rule.host, host) || now < started_ + rule.from || now >= started_ + rule.until) {
        return false;
    }
    if (rule.path && !glob_matches(*rule.path, target)) {
        return false;
    }
    if (rule.fraction >= 1) {
        return true;
    }
    // Salted with the rule's name: two rules of 5 % hit different hosts.
    const std::uint64_t salt = XXH3_64bits_withSeed(rule.name.data(), rule.name.size(), seed_);
    const std::string whole = rule.fraction_of_hosts ? std::string(host) : fmt::format("{}{}", host, target);
    return share_of(whole, salt) < rule.fraction;
}

// What is refused does not count against the limit.
bool Script::within_rate(const Rule& rule, Memory& memory, std::string_view host, Now now) {
    if (rule.rate_limit_burst > 0) {
        Bucket& bucket = memory.buckets.try_emplace(std::string(host), Bucket{rule.rate_limit_burst, now}).first->second;
        const Now filled = std::max(bucket.filled, now);  // another connection's request may be read before an earlier one
        const double gained =
            std::chrono::duration<double>(filled - bucket.filled).count() * rule.rate_limit_per_second;
        bucket = {std::min(bucket.tokens + gained, rule.rate_limit_burst), filled};
        const bool within = bucket.tokens >= 1;
        bucket.tokens -= within ? 1 : 0;
        return within;
    }
    const auto window = std::chrono::duration_cast<Now::duration>(std::chrono::seconds(1));
    std::deque<Now>& passed = memory.passed[std::string(host)];
    while (!passed.empty() && passed.front() + window <= now) {
        passed.pop_front();
    }
    const bool within = static_cast<double>(passed.size()) + 1 <= rule.rate_limit_per_second;
    if (within) {
        passed.push_back(now);
    }
    return within;
}

bool Script::counts_allow(std::size_t rule_index, std::string_view host, std::string_view target, Now now) {
    const Rule& rule = rules_[rule_index];
    if (rule.first_n == 0 && rule.rate_limit_per_second <= 0) {
        return true;
    }
    const std::lock_guard lock(mutex_);
    Memory& memory = memory_[rule_index];
    if (rule.rate_limit_per_second > 0 && within_rate(rule, memory, host, now)) {
        return false;
    }
    if (rule.first_n == 0) {
        return true;
    }
    const std::string key = rule.first_n_of_host ? std::string(host) : fmt::format("{}{}", host, target);
    return memory.seen[key]++ < rule.first_n;
}

namespace {

// What a rule says of the site's file at that target.
const std::optional<Behaviour>& site_file_of(const Rule& rule, std::string_view target) {
    return target == kRobotsPath ? rule.robots : rule.tdmrep;
}

}  // namespace

const Behaviour& Script::behaviour_of(const Rule& rule, std::string_view target) {
    return is_site_file(target) && site_file_of(rule, target) ? *site_file_of(rule, target) : *rule.http;
}

const Rule* Script::for_request(std::string_view host, std::string_view target, Now now) {
    for (std::size_t i = 0; i < rules_.size(); ++i) {
        const Rule& rule = rules_[i];
        const bool speaks =
            is_site_file(target) ? site_file_of(rule, target) || (rule.http && rule.path) : rule.http.has_value();
        if (speaks && applies(rule, host, target, now) && counts_allow(i, host, target, now)) {
            return &rule;
        }
    }
    return nullptr;
}

const Rule* Script::for_handshake(std::string_view host, Now now) {
    for (std::size_t i = 0; i < rules_.size(); ++i) {
        const Rule& rule = rules_[i];
        if ((rule.certificate || rule.stall_handshake) && applies(rule, host, "", now) &&
            counts_allow(i, host, "", now)) {
            return &rule;
        }
    }
    return nullptr;
}

const Rule* Script::for_name(std::string_view host, Now now) {
    for (std::size_t i = 0; i < rules_.size(); ++i) {
        if (rules_[i].dns && applies(rules_[i], host, "", now) && counts_allow(i, host, "", now)) {
            return &rules_[i];
        }
    }
    return nullptr;
}

}  // namespace grit::testweb
