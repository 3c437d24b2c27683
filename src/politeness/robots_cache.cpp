#include "grit/politeness/robots_cache.hpp"

#include <utility>

namespace grit::politeness {
namespace {

// List node, map node and strings' headers, roughly: what an entry costs besides its texts.
constexpr std::size_t kEntryOverheadBytes = 200;

}  // namespace

const robots::Rules* RobotsCache::find(std::string_view origin, SteadyTime now) {
    const auto found = by_origin_.find(origin);
    if (found == by_origin_.end()) {
        return nullptr;
    }
    const auto entry = found->second;
    if (now >= entry->expires) {
        drop(entry);
        return nullptr;
    }
    entries_.splice(entries_.begin(), entries_, entry);
    return &entry->rules;
}

void RobotsCache::put(std::string origin, robots::Rules rules, SteadyTime now) {
    if (const auto known = by_origin_.find(origin); known != by_origin_.end()) {
        drop(known->second);
    }
    const std::size_t bytes = kEntryOverheadBytes + origin.size() + rules.memory_bytes();
    entries_.push_front(Entry{std::move(origin), std::move(rules), now + kLifetime, bytes});
    by_origin_.emplace(entries_.front().origin, entries_.begin());
    bytes_ += bytes;
    while (bytes_ > max_bytes_ && entries_.size() > 1) {
        drop(std::prev(entries_.end()));
    }
}

void RobotsCache::drop(std::list<Entry>::iterator entry) {
    bytes_ -= entry->bytes;
    by_origin_.erase(entry->origin);
    entries_.erase(entry);
}

}  // namespace grit::politeness
