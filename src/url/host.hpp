// The authority of a URL: user info dropped, host and port in canonical form.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "grit/url/canonical_url.hpp"

namespace grit::url {

struct Authority {
    std::string host;
    std::uint16_t port = 0;
    bool host_is_address = false;
};

/// @param raw all between "//" and the path, without tab, LF and CR.
/// Errors: Errc::{no_host, bad_host, bad_port}.
[[nodiscard]] Result<Authority> parse_authority(std::string_view raw, Scheme scheme);

/// True if a host ends in a number, so that it must be an IPv4 address (WHATWG "ends in a number checker").
[[nodiscard]] bool ends_in_number(std::string_view host) noexcept;

}  // namespace grit::url
