#include "connection_pool.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace grit::net {

void ConnectionPool::put(const std::string& origin, std::unique_ptr<Connection> connection, SteadyTime now) {
    if (max_connections_ == 0) {
        return;
    }
    if (idle_.size() >= max_connections_) {
        static_cast<void>(remove(idle_.begin()));
    }
    connection->set_idle(true);
    idle_.push_back(Idle{origin, std::move(connection), now});
    by_origin_.emplace(idle_.back().origin, std::prev(idle_.end()));
}

ConnectionPool::Index::iterator ConnectionPool::newest(const std::string& origin) {
    const auto [first, last] = by_origin_.equal_range(origin);
    return std::max_element(first, last,
                            [](const auto& a, const auto& b) { return a.second->since < b.second->since; });
}

std::unique_ptr<Connection> ConnectionPool::take(const std::string& origin, SteadyTime now) {
    close_expired(now);
    for (auto found = by_origin_.find(origin); found != by_origin_.end(); found = by_origin_.find(origin)) {
        std::unique_ptr<Connection> connection = remove(newest(origin)->second);
        if (connection->quiet()) {
            connection->set_idle(false);
            return connection;
        }
    }
    return nullptr;
}

bool ConnectionPool::close_one_to(const boost::asio::ip::address& address) {
    const auto found = std::find_if(idle_.begin(), idle_.end(),
                                    [&address](const Idle& idle) { return idle.connection->address() == address; });
    if (found == idle_.end()) {
        return false;
    }
    static_cast<void>(remove(found));
    return true;
}

void ConnectionPool::close_expired(SteadyTime now) {
    while (!idle_.empty() && now >= next_expiry()) {
        static_cast<void>(remove(idle_.begin()));
    }
}

void ConnectionPool::close_all() {
    by_origin_.clear();
    idle_.clear();
}

SteadyTime ConnectionPool::next_expiry() const {
    return idle_.empty() ? SteadyTime::max() : idle_.front().since + max_idle_time_;
}

std::unique_ptr<Connection> ConnectionPool::remove(List::iterator idle) {
    const auto [first, last] = by_origin_.equal_range(idle->origin);
    by_origin_.erase(std::find_if(first, last, [idle](const auto& entry) { return entry.second == idle; }));
    std::unique_ptr<Connection> connection = std::move(idle->connection);
    idle_.erase(idle);
    return connection;
}

}  // namespace grit::net
