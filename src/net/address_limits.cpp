#include "grit/net/address_limits.hpp"

#include <cassert>

namespace grit::net {

bool AddressLimits::try_acquire(const boost::asio::ip::address& address) {
    const std::lock_guard lock(mutex_);
    std::size_t& count = counts_[address];
    if (count >= limit_) {
        wanted_.insert(address);
        return false;
    }
    ++count;
    ++total_;
    return true;
}

void AddressLimits::release(const boost::asio::ip::address& address) {
    const std::lock_guard lock(mutex_);
    const auto found = counts_.find(address);
    assert(found != counts_.end() && "released what was not acquired");
    if (--found->second == 0) {
        counts_.erase(found);
    }
    --total_;
    wanted_.erase(address);
}

std::vector<boost::asio::ip::address> AddressLimits::wanted() const {
    const std::lock_guard lock(mutex_);
    return {wanted_.begin(), wanted_.end()};
}

std::size_t AddressLimits::connections_to(const boost::asio::ip::address& address) const {
    const std::lock_guard lock(mutex_);
    const auto found = counts_.find(address);
    return found == counts_.end() ? 0 : found->second;
}

std::size_t AddressLimits::connections() const {
    const std::lock_guard lock(mutex_);
    return total_;
}

}  // namespace grit::net
