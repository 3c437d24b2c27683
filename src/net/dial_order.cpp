#include "dial_order.hpp"

#include <algorithm>
#include <boost/system/errc.hpp>

namespace grit::net {
namespace ip = boost::asio::ip;

void FailedAddresses::failed(const ip::address& address, SteadyTime now) {
    forget_old(now);
    times_[address] = now;
    order_.emplace_back(now, address);
}

bool FailedAddresses::failed_lately(const ip::address& address, SteadyTime now) const {
    const auto found = times_.find(address);
    return found != times_.end() && now < found->second + kRemembered;
}

void FailedAddresses::forget_old(SteadyTime now) {
    while (!order_.empty() && (order_.size() >= kMaxEntries || now >= order_.front().first + kRemembered)) {
        const auto& [time, address] = order_.front();
        const auto found = times_.find(address);
        if (found != times_.end() && found->second == time) {  // else it has failed again since
            times_.erase(found);
        }
        order_.pop_front();
    }
}

void order_for_dial(std::vector<ip::address>& addresses, const FailedAddresses& failed, SteadyTime now) {
    std::vector<ip::address> families[2];
    for (const ip::address& address : addresses) {
        families[address.is_v6() ? 1 : 0].push_back(address);
    }
    addresses.clear();
    std::vector<ip::address> last;
    for (std::size_t i = 0; i < std::max(families[0].size(), families[1].size()); ++i) {
        for (const std::vector<ip::address>& family : families) {
            if (i < family.size()) {
                (failed.failed_lately(family[i], now) ? last : addresses).push_back(family[i]);
            }
        }
    }
    addresses.insert(addresses.end(), last.begin(), last.end());
    if (addresses.size() > kMaxDialled) {
        addresses.resize(kMaxDialled);
    }
}

Errc connect_error(const ErrorCode& error, const ip::address& address) {
    // connect(2): all ephemeral ports are in use. With IPv6 it may also say that the machine has none.
    if (error == boost::system::errc::address_not_available && address.is_v4()) {
        return Errc::out_of_descriptors;
    }
    switch (const Errc kind = classify(error)) {
        case Errc::connection_reset:
            return Errc::connect_refused;
        case Errc::connect_refused:
        case Errc::connect_timeout:
        case Errc::out_of_descriptors:
        case Errc::cancelled:
            return kind;
        default:
            return Errc::unreachable;
    }
}

}  // namespace grit::net
