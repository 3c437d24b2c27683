#include "session_cache.hpp"

#include <iterator>
#include <utility>

namespace grit::net {

Session SessionCache::find(std::string_view server) {
    const std::lock_guard lock(mutex_);
    const auto found = by_server_.find(server);
    if (found == by_server_.end()) {
        return nullptr;
    }
    entries_.splice(entries_.begin(), entries_, found->second);
    SSL_SESSION* const session = found->second->session.get();
    SSL_SESSION_up_ref(session);
    return Session(session);
}

void SessionCache::put(std::string_view server, Session session) {
    const std::lock_guard lock(mutex_);
    if (const auto found = by_server_.find(server); found != by_server_.end()) {
        found->second->session = std::move(session);
        entries_.splice(entries_.begin(), entries_, found->second);
        return;
    }
    if (max_entries_ == 0) {
        return;
    }
    if (entries_.size() >= max_entries_) {
        by_server_.erase(entries_.back().server);
        entries_.pop_back();
    }
    entries_.push_front(Entry{std::string(server), std::move(session)});
    by_server_.emplace(entries_.front().server, entries_.begin());
}

void SessionCache::erase(std::string_view server) {
    const std::lock_guard lock(mutex_);
    if (const auto found = by_server_.find(server); found != by_server_.end()) {
        const Entries::iterator entry = found->second;
        by_server_.erase(found);
        entries_.erase(entry);
    }
}

std::size_t SessionCache::size() const {
    const std::lock_guard lock(mutex_);
    return entries_.size();
}

}  // namespace grit::net
