#include "grit/net/errc.hpp"

#include <array>
#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/http/error.hpp>
#include <string>

namespace grit::net {
namespace {

namespace asio = boost::asio;

struct Row {
    Errc error;
    std::string_view name;
    Outcome outcome;
    const char* message;
};

constexpr std::array<Row, 20> kRows{{
    {Errc::success, "success", Outcome::stored, "success"},
    {Errc::dns_not_found, "dns_not_found", Outcome::dns_not_found, "the host name has no address"},
    {Errc::dns_failure, "dns_failure", Outcome::dns_failure, "no usable answer from the DNS servers"},
    {Errc::address_refused, "address_refused", Outcome::address_refused, "no address or port that may be dialled"},
    {Errc::address_busy, "address_busy", Outcome::shutting_down, "the address has its number of connections"},
    {Errc::not_sent, "not_sent", Outcome::shutting_down, "the host may not be asked yet"},
    {Errc::connect_refused, "connect_refused", Outcome::connect_refused, "connection refused"},
    {Errc::connect_timeout, "connect_timeout", Outcome::connect_timeout, "no answer to the connection in time"},
    {Errc::unreachable, "unreachable", Outcome::unreachable, "no route to the host"},
    {Errc::tls_handshake, "tls_handshake", Outcome::tls_handshake, "the TLS handshake failed"},
    {Errc::tls_certificate, "tls_certificate", Outcome::tls_certificate, "the server's certificate is not valid"},
    {Errc::out_of_descriptors, "out_of_descriptors", Outcome::out_of_descriptors, "no file descriptor or local port left"},
    {Errc::network_down, "network_down", Outcome::network_down, "our network is down"},
    {Errc::connection_reset, "connection_reset", Outcome::connection_reset, "the connection was cut"},
    {Errc::timeout_first_byte, "timeout_first_byte", Outcome::timeout_first_byte, "no answer to the request in time"},
    {Errc::timeout_total, "timeout_total", Outcome::timeout_total, "the fetch took too long"},
    {Errc::too_slow, "too_slow", Outcome::too_slow, "the body came too slowly"},
    {Errc::truncated_body, "truncated_body", Outcome::truncated_body, "the body ended early"},
    {Errc::protocol_error, "protocol_error", Outcome::protocol_error, "no HTTP answer that we take"},
    {Errc::cancelled, "cancelled", Outcome::shutting_down, "cancelled"},
}};

constexpr bool rows_in_order() {
    for (std::size_t i = 0; i < kRows.size(); ++i) {
        if (static_cast<std::size_t>(kRows[i].error) != i) {
            return false;
        }
    }
    return true;
}
static_assert(rows_in_order() && static_cast<std::size_t>(Errc::cancelled) + 1 == kRows.size());

const Row& row_of(Errc error) noexcept {
    const auto index = static_cast<std::size_t>(error);
    return kRows[index < kRows.size() ? index : static_cast<std::size_t>(Errc::protocol_error)];
}

class NetCategory final : public boost::system::error_category {
  public:
    [[nodiscard]] const char* name() const noexcept override { return "net"; }
    [[nodiscard]] std::string message(int value) const override { return row_of(static_cast<Errc>(value)).message; }
};

namespace errc = boost::system::errc;

struct SystemRow {
    errc::errc_t system;
    Errc error;
};

// Compared as conditions, so that the generic and the system category, and Asio's own names, all match.
constexpr std::array<SystemRow, 16> kSystemRows{{
    {errc::operation_canceled, Errc::cancelled},
    {errc::connection_refused, Errc::connect_refused},
    {errc::timed_out, Errc::connect_timeout},
    {errc::host_unreachable, Errc::unreachable},
    {errc::network_unreachable, Errc::unreachable},
    {errc::network_down, Errc::unreachable},
    {errc::address_not_available, Errc::unreachable},
    {errc::address_family_not_supported, Errc::unreachable},
    {errc::permission_denied, Errc::unreachable},
    {errc::operation_not_permitted, Errc::unreachable},
    {errc::too_many_files_open, Errc::out_of_descriptors},
    {errc::too_many_files_open_in_system, Errc::out_of_descriptors},
    {errc::connection_reset, Errc::connection_reset},
    {errc::connection_aborted, Errc::connection_reset},
    {errc::broken_pipe, Errc::connection_reset},
    {errc::not_connected, Errc::connection_reset},
}};

}  // namespace

std::string_view name_of(Errc error) noexcept {
    return row_of(error).name;
}

const boost::system::error_category& net_category() noexcept {
    static const NetCategory category;
    return category;
}

Errc classify(const ErrorCode& error) noexcept {
    if (error.category() == net_category()) {
        return static_cast<Errc>(error.value());
    }
    if (!error) {
        return Errc::success;
    }
    for (const SystemRow& row : kSystemRows) {
        if (error == errc::make_error_condition(row.system)) {
            return row.error;
        }
    }
    if (error == boost::beast::error::timeout) {
        return Errc::timeout_total;
    }
    if (error.category() == boost::beast::http::make_error_code(boost::beast::http::error::bad_version).category()) {
        return Errc::protocol_error;
    }
    // Before the handshake is over TLS says tls_handshake by itself; later a bad record is a broken connection.
    return Errc::connection_reset;
}

Outcome outcome_of(const ErrorCode& error) noexcept {
    return row_of(classify(error)).outcome;
}

}  // namespace grit::net
