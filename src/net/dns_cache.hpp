// Answers about names, for as long as they hold.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <cstddef>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "grit/base/clock.hpp"
#include "grit/net/errc.hpp"

namespace grit::net {

/// What is known of a name: addresses, or why there are none.
struct DnsAnswer {
    Errc error = Errc::success;
    std::vector<boost::asio::ip::address> addresses;
};

/// Bounded; the name that was asked for longest ago goes first.
class DnsCache {
  public:
    explicit DnsCache(std::size_t max_entries) : max_entries_(max_entries) {}

    /// The answer that still holds; null if there is none. Valid until the next call of `put`.
    [[nodiscard]] const DnsAnswer* find(std::string_view host, SteadyTime now);
    void put(std::string_view host, DnsAnswer answer, SteadyTime until);
    /// Forgets every dns_failure.
    void forget_failures();
    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

  private:
    struct Entry {
        std::string host;
        DnsAnswer answer;
        SteadyTime until;
    };
    using Entries = std::list<Entry>;
    void erase(Entries::iterator entry);

    const std::size_t max_entries_;
    Entries entries_;                                                  // the most recently used first
    std::unordered_map<std::string_view, Entries::iterator> by_host_;  // keys are the entries' own
};

}  // namespace grit::net
