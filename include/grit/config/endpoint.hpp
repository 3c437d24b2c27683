// An address and a port in one text, as config keys hold them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace grit::config {

struct Endpoint {
    std::string address;  ///< A literal IPv4 or IPv6 address without brackets. Never a name.
    std::uint16_t port = 0;
    bool operator==(const Endpoint&) const = default;
};

/// Reads "192.0.2.1:53", "[2001:db8::1]:53" and, if there is a `default_port`, "192.0.2.1", "2001:db8::1" and
/// "[2001:db8::1]" too.
/// @return nothing if it is no such text. Port 0 is read as it stands: whether it makes sense is the caller's business.
[[nodiscard]] std::optional<Endpoint> parse_endpoint(std::string_view text,
                                                     std::optional<std::uint16_t> default_port = std::nullopt);

}  // namespace grit::config
