// Why a host gave no answer, or no whole one: the errors of every part of `net`.
#pragma once

#include <boost/system/error_category.hpp>
#include <string_view>
#include <type_traits>

#include "grit/base/outcome.hpp"
#include "grit/base/result.hpp"

namespace grit::net {

enum class Errc {
    success = 0,
    dns_not_found,       ///< The name does not exist, or has no address (RFC 2308 section 2).
    dns_failure,         ///< No usable answer about the name: SERVFAIL, REFUSED, FORMERR, time-out.
    address_refused,     ///< The address guard allows no address of the host, or not the port.
    address_busy,        ///< Every address of the host has its number of connections. Try later, charge nobody.
    not_sent,            ///< `SendGate` was closed when the request was ready. Try later, charge nobody.
    connect_refused,     ///< TCP: connection refused.
    connect_timeout,     ///< TCP: no answer in time.
    unreachable,         ///< TCP: no route to any address of the host.
    tls_handshake,       ///< TLS: anything but the certificate, a handshake that takes too long among it.
    tls_certificate,     ///< TLS: the certificate is expired, not trusted, or another host's.
    out_of_descriptors,  ///< This process or machine has no file descriptor, or no local port, left.
    network_down,        ///< Never made by this module: who sees that no name server answers says so.
    connection_reset,    ///< The connection died before the answer's head was complete, or within its body by RST.
    timeout_first_byte,  ///< The head did not come in time.
    timeout_total,       ///< The deadline of the whole fetch passed, in whichever phase.
    too_slow,            ///< The body pauses for too long, or its average rate is below the least.
    truncated_body,      ///< The body ended early.
    protocol_error,      ///< What came is no HTTP/1.x answer that we take.
    cancelled,           ///< The caller, or the client, is being stopped.
};

/// "dns_not_found" and the like: for records, logs and messages. Static storage.
[[nodiscard]] std::string_view name_of(Errc error) noexcept;
[[nodiscard]] const boost::system::error_category& net_category() noexcept;
[[nodiscard]] inline ErrorCode make_error_code(Errc error) noexcept {
    return {static_cast<int>(error), net_category()};
}

/// The error of this module that an error of the system, Asio or OpenSSL amounts to when it ends an exchange whose
/// phase does not say more. Errors of this module are themselves; what is not known is `connection_reset`.
[[nodiscard]] Errc classify(const ErrorCode& error) noexcept;

/// The outcome of a fetch that ended so. `cancelled` is `shutting_down`, and so are `address_busy` and `not_sent`,
/// which have no outcome (nothing was asked): who does not look for it first charges nobody.
[[nodiscard]] Outcome outcome_of(const ErrorCode& error) noexcept;

}  // namespace grit::net

template <>
struct boost::system::is_error_code_enum<grit::net::Errc> : std::true_type {};
