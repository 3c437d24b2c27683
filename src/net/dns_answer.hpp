// What c-ares found, in this module's own words.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <chrono>
#include <cstddef>
#include <vector>

struct ares_addrinfo;

namespace grit::net {

/// Addresses that are kept of one answer. One over TCP has room for 4,000; dialled are 4, and the cache holds them all.
inline constexpr std::size_t kMaxAddressesPerAnswer = 16;

/// What the servers said to one query.
struct FamilyAnswer {
    enum class Status {
        addresses,
        no_data,             ///< The name exists, without such an address.
        no_such_name,        ///< NXDOMAIN.
        failed,              ///< No usable answer.
        timed_out,           ///< No answer.
        out_of_descriptors,  ///< We had no socket to ask with.
    };
    Status status = Status::failed;
    std::vector<boost::asio::ip::address> addresses;  ///< With `addresses` only: then at least one, at most the bound.
    std::chrono::seconds ttl{0};                      ///< The least of the chain; of `addresses` only.
};

/// @param ares_status  an ARES_ code.
/// @param found        null if there is nothing; stays the caller's.
[[nodiscard]] FamilyAnswer answer_of(int ares_status, const ares_addrinfo* found);

}  // namespace grit::net
