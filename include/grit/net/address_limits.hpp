// How many connections each address has from us, over all shards.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <cstddef>
#include <mutex>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace grit::net {

/// A small table of counts: many hosts are one server, and hosts of all shards meet there.
/// Memory: addresses with a connection only.  Threads: any at once.
class AddressLimits {
  public:
    /// @param limit  connections per address, at least 1.
    explicit AddressLimits(std::size_t limit) : limit_(limit) {}

    /// Counts one more connection; false, and nothing counted, if the address has its number.
    [[nodiscard]] bool try_acquire(const boost::asio::ip::address& address);
    /// Addresses at which somebody was refused and no place has been given back since: who holds idle connections to
    /// them should close one.
    [[nodiscard]] std::vector<boost::asio::ip::address> wanted() const;

    /// Gives back what `try_acquire` counted.
    void release(const boost::asio::ip::address& address);

    [[nodiscard]] std::size_t connections_to(const boost::asio::ip::address& address) const;
    /// Over all addresses.
    [[nodiscard]] std::size_t connections() const;

  private:
    const std::size_t limit_;
    mutable std::mutex mutex_;
    std::unordered_map<boost::asio::ip::address, std::size_t> counts_;
    std::unordered_set<boost::asio::ip::address> wanted_;
    std::size_t total_ = 0;
};

/// One connection's place in the table; gives it back when destroyed.
/// Lifetime: within that of the table.
class AddressPlace {
  public:
    AddressPlace() = default;
    /// Takes over what `limits.try_acquire(address)` counted.
    AddressPlace(AddressLimits& limits, const boost::asio::ip::address& address)
        : limits_(&limits), address_(address) {}
    AddressPlace(AddressPlace&& other) noexcept
        : limits_(std::exchange(other.limits_, nullptr)), address_(other.address_) {}
    AddressPlace& operator=(AddressPlace&& other) noexcept {
        std::swap(limits_, other.limits_);
        std::swap(address_, other.address_);
        return *this;
    }
    ~AddressPlace() {
        if (limits_ != nullptr) {
            limits_->release(address_);
        }
    }

    [[nodiscard]] explicit operator bool() const noexcept { return limits_ != nullptr; }
    [[nodiscard]] const boost::asio::ip::address& address() const noexcept { return address_; }

  private:
    AddressLimits* limits_ = nullptr;
    boost::asio::ip::address address_;
};

}  // namespace grit::net
