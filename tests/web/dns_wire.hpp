// As much of the DNS wire format (RFC 1035 section 4) as a server needs that makes up its answers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "script.hpp"

namespace grit::testweb {

inline constexpr std::uint16_t kDnsTypeA = 1;
inline constexpr std::uint16_t kDnsTypeAaaa = 28;

struct DnsQuestion {
    std::string raw;   ///< the header and the question section, as they came
    std::string name;  ///< lower case, without the trailing dot
    std::uint16_t type = 0;
};

/// Reads the first question of a query; nothing if it is none.
[[nodiscard]] std::optional<DnsQuestion> parse_dns_query(std::string_view message);

/// @param behaviour        how to answer; `DnsAnswer::timeout` is not for this function.
/// @param default_address  IPv4, where the behaviour names no address.
[[nodiscard]] std::string make_dns_reply(const DnsQuestion& question, const DnsBehaviour& behaviour,
                                         const std::string& default_address);

/// "nxdomain" and so on, as the log and the script call it.
[[nodiscard]] std::string_view name_of(DnsAnswer answer) noexcept;

}  // namespace grit::testweb
