// Which of a host's addresses to try, in which order, and what it means if one fails.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <chrono>
#include <cstddef>
#include <deque>
#include <unordered_map>
#include <utility>
#include <vector>

#include "grit/base/clock.hpp"
#include "grit/net/errc.hpp"

namespace grit::net {

/// Addresses that did not answer lately. Many hosts are one address, so what one of them met saves the others the wait.
/// Memory: at most `kMaxEntries`, some 100 bytes each; the oldest goes first.  Threads: the shard's one thread.
class FailedAddresses {
  public:
    static constexpr std::chrono::seconds kRemembered{60};
    static constexpr std::size_t kMaxEntries = 10'000;

    /// The address refused, was silent, or was slower than one that was dialled after it.
    void failed(const boost::asio::ip::address& address, SteadyTime now);
    void worked(const boost::asio::ip::address& address) { times_.erase(address); }
    [[nodiscard]] bool failed_lately(const boost::asio::ip::address& address, SteadyTime now) const;
    [[nodiscard]] std::size_t size() const noexcept { return times_.size(); }

  private:
    void forget_old(SteadyTime now);

    std::unordered_map<boost::asio::ip::address, SteadyTime> times_;
    std::deque<std::pair<SteadyTime, boost::asio::ip::address>> order_;  // some of it may be forgotten or renewed
};

/// Addresses that are dialled for one connection.
inline constexpr std::size_t kMaxDialled = 4;

/// Puts addresses into the order in which they are dialled, and drops those beyond `kMaxDialled`: the families in turn,
/// each in the order it had (RFC 8305 section 4), those that failed lately behind all others.
/// IPv4 leads, unlike there: storage nodes often have no IPv6, and every image host has IPv4.
void order_for_dial(std::vector<boost::asio::ip::address>& addresses, const FailedAddresses& failed, SteadyTime now);

/// What keeps one address from being connected to, when neither time nor the caller does. A local port that is missing
/// is a descriptor that is missing: ours, not the address's.
[[nodiscard]] Errc connect_error(const ErrorCode& error, const boost::asio::ip::address& address);

}  // namespace grit::net
