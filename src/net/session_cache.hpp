// TLS sessions to resume, by server.
#pragma once

#include <openssl/ssl.h>

#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace grit::net {

struct FreeSession {
    void operator()(SSL_SESSION* session) const noexcept { SSL_SESSION_free(session); }
};
using Session = std::unique_ptr<SSL_SESSION, FreeSession>;

/// The latest session of each server, bounded: the one used longest ago goes first.
/// Threads: any at once.
class SessionCache {
  public:
    explicit SessionCache(std::size_t max_entries) : max_entries_(max_entries) {}

    /// A session of the caller's own (the counts of SSL_SESSION are atomic); null if there is none.
    [[nodiscard]] Session find(std::string_view server);
    void put(std::string_view server, Session session);
    void erase(std::string_view server);
    [[nodiscard]] std::size_t size() const;

  private:
    struct Entry {
        std::string server;
        Session session;
    };
    using Entries = std::list<Entry>;

    const std::size_t max_entries_;
    mutable std::mutex mutex_;
    Entries entries_;                                                    // the most recently used first
    std::unordered_map<std::string_view, Entries::iterator> by_server_;  // keys are the entries' own
};

}  // namespace grit::net
