#include "dns_cache.hpp"

#include <utility>

namespace grit::net {

const DnsAnswer* DnsCache::find(std::string_view host, SteadyTime now) {
    const auto found = by_host_.find(host);
    if (found == by_host_.end()) {
        return nullptr;
    }
    const Entries::iterator entry = found->second;
    if (now >= entry->until) {
        erase(entry);
        return nullptr;
    }
    entries_.splice(entries_.begin(), entries_, entry);
    return &entry->answer;
}

void DnsCache::put(std::string_view host, DnsAnswer answer, SteadyTime until) {
    if (const auto found = by_host_.find(host); found != by_host_.end()) {
        erase(found->second);
    }
    if (max_entries_ == 0) {
        return;
    }
    if (entries_.size() >= max_entries_) {
        erase(std::prev(entries_.end()));
    }
    entries_.push_front(Entry{std::string(host), std::move(answer), until});
    by_host_.emplace(entries_.front().host, entries_.begin());
}

void DnsCache::forget_failures() {
    for (auto entry = entries_.begin(); entry != entries_.end();) {
        const auto next = std::next(entry);
        if (entry->answer.error == Errc::dns_failure) {
            erase(entry);
        }
        entry = next;
    }
}

void DnsCache::erase(Entries::iterator entry) {
    by_host_.erase(entry->host);
    entries_.erase(entry);
}

}  // namespace grit::net
