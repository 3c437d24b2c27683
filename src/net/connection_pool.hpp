// Connections that nobody uses now, by origin.
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>

#include "connection.hpp"
#include "grit/base/clock.hpp"

namespace grit::net {

/// Bounded in number and in time. Closing a connection here is destroying it.
/// Threads: the shard's one thread.
class ConnectionPool {
  public:
    ConnectionPool(std::size_t max_connections, Milliseconds max_idle_time)
        : max_connections_(max_connections), max_idle_time_(max_idle_time) {}

    /// Keeps a connection; the one that idles longest goes if there is no room.
    void put(const std::string& origin, std::unique_ptr<Connection> connection, SteadyTime now);

    /// The connection to the origin that was used last and is still quiet; null if there is none.
    [[nodiscard]] std::unique_ptr<Connection> take(const std::string& origin, SteadyTime now);

    /// Closes the connection to an address that idles longest. False if there is none.
    bool close_one_to(const boost::asio::ip::address& address);
    void close_expired(SteadyTime now);
    void close_all();

    [[nodiscard]] std::size_t size() const noexcept { return idle_.size(); }
    /// When the next one expires; `SteadyTime::max()` if the pool is empty.
    [[nodiscard]] SteadyTime next_expiry() const;

  private:
    struct Idle {
        std::string origin;
        std::unique_ptr<Connection> connection;
        SteadyTime since;
    };
    using List = std::list<Idle>;
    using Index = std::unordered_multimap<std::string_view, List::iterator>;

    [[nodiscard]] Index::iterator newest(const std::string& origin);
    [[nodiscard]] std::unique_ptr<Connection> remove(List::iterator idle);

    const std::size_t max_connections_;
    const Milliseconds max_idle_time_;
    List idle_;        // who idles longest is first
    Index by_origin_;  // keys are the list's own
};

}  // namespace grit::net
