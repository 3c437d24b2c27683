#include "grit/politeness/site_policies.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace grit::politeness {
namespace {

// List node and map node, roughly: what an entry costs besides its rules.
constexpr std::size_t kEntryOverheadBytes = 160;

bool is_current(const FileKnowledge& file, SteadyTime now) {
    return file.known && now < file.ask_at;
}

std::int64_t wall_ms_of(SteadyTime time, SteadyTime now, WallTime wall_now) {
    return (wall_now.time_since_epoch() + std::chrono::duration_cast<Milliseconds>(time - now)).count();
}

store::SiteFileRow row_of(const FileKnowledge& file, std::string rules, SteadyTime now, WallTime wall_now) {
    if (!file.known) {
        return {};
    }
    return {wall_ms_of(file.fetched, now, wall_now), wall_ms_of(file.ask_at, now, wall_now), file.status,
            std::move(rules)};
}

// How far a copy of the state is to be believed; nothing if not at all.
std::optional<FileKnowledge> knowledge_of(const store::SiteFileRow& row, SteadyTime now, WallTime wall_now) {
    const std::int64_t wall_ms = wall_now.time_since_epoch().count();
    if (row.fetched_ms <= 0 || row.fetched_ms > wall_ms) {
        return std::nullopt;
    }
    const Milliseconds age(wall_ms - row.fetched_ms);
    if (age >= SitePolicies::kMaxAge) {
        return std::nullopt;
    }
    const Milliseconds left(std::clamp<std::int64_t>(row.ask_ms, wall_ms, wall_ms + SitePolicies::kLifetime.count()) -
                            wall_ms);
    FileKnowledge file;
    file.known = true;
    file.status = row.status;
    file.fetched = now - age;
    file.ask_at = now + left;
    return file;
}

}  // namespace

std::string_view target_of(SiteFile file) noexcept {
    return file == SiteFile::robots ? "/robots.txt" : robots::kTdmRepTarget;
}

std::string_view name_of(SiteFile file) noexcept {
    return file == SiteFile::robots ? "robots.txt" : "tdmrep.json";
}

SiteWord word_of_none(SiteFile file) {
    return file == SiteFile::robots ? SiteWord(robots::Rules::allow_all()) : SiteWord(robots::TdmRules());
}

const SitePolicy* SitePolicies::find(const store::OriginKey& origin) {
    const auto found = by_origin_.find(origin);
    if (found == by_origin_.end()) {
        return nullptr;
    }
    entries_.splice(entries_.begin(), entries_, found->second);
    return &found->second->policy;
}

void SitePolicies::load(const store::OriginKey& origin, const store::SiteRow& row, SteadyTime now, WallTime wall_now) {
    if (by_origin_.contains(origin)) {
        return;
    }
    SitePolicy policy;
    const auto robots = knowledge_of(row.robots, now, wall_now);
    if (auto rules = robots ? robots::Rules::of_text(row.robots.rules) : std::nullopt) {
        policy.robots = *robots;
        policy.rules = std::move(*rules);
    }
    const auto tdmrep = knowledge_of(row.tdmrep, now, wall_now);
    if (auto rules = tdmrep ? robots::TdmRules::of_text(row.tdmrep.rules) : std::nullopt) {
        policy.tdmrep = *tdmrep;
        policy.reservations = std::move(*rules);
    }
    if (policy.robots.known || policy.tdmrep.known) {
        Entry& entry = entry_of(origin);
        entry.policy = std::move(policy);
        recount(entry);
    }
}

std::optional<SiteFile> SitePolicies::missing(const SitePolicy* policy, SteadyTime now) const {
    if (obeyed_.robots && (policy == nullptr || !is_current(policy->robots, now))) {
        return SiteFile::robots;
    }
    if (!obeyed_.tdmrep || (policy != nullptr && is_current(policy->tdmrep, now))) {
        return std::nullopt;
    }
    const bool may_be_asked = !obeyed_.robots || policy->rules.allows(robots::kTdmRepTarget);
    return may_be_asked ? std::optional(SiteFile::tdmrep) : std::nullopt;
}

std::optional<SiteRefusal> SitePolicies::refusal(const SitePolicy& policy, std::string_view target) const {
    if (obeyed_.robots && !policy.rules.allows(target)) {
        return SiteRefusal{Outcome::robots_denied, name_of(SiteFile::robots)};
    }
    if (obeyed_.tdmrep && policy.reservations.reserves(target)) {
        return SiteRefusal{Outcome::opted_out, name_of(SiteFile::tdmrep)};
    }
    return std::nullopt;
}

void SitePolicies::put(const store::OriginKey& origin, SiteWord word, std::uint16_t status, SteadyTime now) {
    const FileKnowledge file{true, 0, status, now, now + kLifetime};
    Entry& entry = entry_of(origin);
    if (auto* const rules = std::get_if<robots::Rules>(&word)) {
        entry.policy.rules = std::move(*rules);
        entry.policy.robots = file;
    } else {
        entry.policy.reservations = std::get<robots::TdmRules>(std::move(word));
        entry.policy.tdmrep = file;
    }
    recount(entry);
}

bool SitePolicies::unreachable(const store::OriginKey& origin, SiteFile file, bool put_off, SteadyTime now) {
    SitePolicy& policy = entry_of(origin).policy;
    FileKnowledge& known = file == SiteFile::robots ? policy.robots : policy.tdmrep;
    const unsigned doublings = std::min<unsigned>(known.failures, 8);  // beyond a day
    known.failures += known.failures < std::numeric_limits<std::uint8_t>::max() ? 1 : 0;
    if (known.known && now - known.fetched < kMaxAge) {
        known.ask_at = std::min(now + std::min(kFirstRetry * (1U << doublings), kLifetime), known.fetched + kMaxAge);
        return true;
    }
    if (file == SiteFile::robots || (put_off && known.failures < kTdmRepTries)) {
        return false;
    }
    put(origin, robots::TdmRules(), 0, now);
    return true;
}

Milliseconds SitePolicies::crawl_delay(HostId host, SteadyTime now) const {
    Milliseconds longest{0};
    for (auto at = by_origin_.lower_bound(store::OriginKey{host, false, 0});
         at != by_origin_.end() && at->first.host == host; ++at) {
        const SitePolicy& policy = at->second->policy;
        if (is_current(policy.robots, now)) {
            longest = std::max(longest, policy.rules.crawl_delay().value_or(Milliseconds(0)));
        }
    }
    return longest;
}

store::SiteRow SitePolicies::row(const store::OriginKey& origin, SteadyTime now, WallTime wall_now) const {
    const auto found = by_origin_.find(origin);
    if (found == by_origin_.end()) {
        return {};
    }
    const SitePolicy& policy = found->second->policy;
    return {row_of(policy.robots, policy.rules.text(), now, wall_now),
            row_of(policy.tdmrep, policy.reservations.text(), now, wall_now)};
}

SitePolicies::Entry& SitePolicies::entry_of(const store::OriginKey& origin) {
    if (const auto known = by_origin_.find(origin); known != by_origin_.end()) {
        entries_.splice(entries_.begin(), entries_, known->second);
        return *known->second;
    }
    entries_.push_front(Entry{origin, {}, 0});
    by_origin_.emplace(origin, entries_.begin());
    recount(entries_.front());
    return entries_.front();
}

void SitePolicies::recount(Entry& entry) {
    bytes_ -= entry.bytes;
    entry.bytes = kEntryOverheadBytes + entry.policy.rules.memory_bytes() + entry.policy.reservations.memory_bytes();
    bytes_ += entry.bytes;
    while (bytes_ > max_bytes_ && entries_.size() > 1) {
        drop(std::prev(entries_.end()));
    }
}

void SitePolicies::drop(std::list<Entry>::iterator entry) {
    bytes_ -= entry->bytes;
    by_origin_.erase(entry->origin);
    entries_.erase(entry);
}

}  // namespace grit::politeness
