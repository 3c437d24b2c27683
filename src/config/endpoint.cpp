#include "grit/config/endpoint.hpp"

#include <boost/asio/ip/address.hpp>
#include <charconv>

namespace grit::config {
namespace {

std::optional<std::uint16_t> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    return error == std::errc() && end == text.data() + text.size() ? std::optional(port) : std::nullopt;
}

bool is_address(const std::string& text, bool v6) {
    boost::system::error_code error;
    const auto address = boost::asio::ip::make_address(text, error);
    // inet_pton would stop at a NUL and call the rest fine.
    return !error && address.is_v6() == v6 && text.find('\0') == std::string::npos;
}

std::optional<Endpoint> endpoint_of(std::string_view address, bool v6, std::optional<std::uint16_t> port) {
    Endpoint endpoint{std::string(address), port.value_or(0)};
    return port && is_address(endpoint.address, v6) ? std::optional(std::move(endpoint)) : std::nullopt;
}

}  // namespace

std::optional<Endpoint> parse_endpoint(std::string_view text, std::optional<std::uint16_t> default_port) {
    if (text.starts_with('[')) {
        const std::size_t close = text.find(']');
        if (close == std::string_view::npos) {
            return std::nullopt;
        }
        const std::string_view rest = text.substr(close + 1);
        const std::string_view address = text.substr(1, close - 1);
        if (rest.empty()) {
            return endpoint_of(address, true, default_port);
        }
        return rest.front() == ':' ? endpoint_of(address, true, parse_port(rest.substr(1))) : std::nullopt;
    }
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) {
        return endpoint_of(text, false, default_port);
    }
    if (text.find(':', colon + 1) != std::string_view::npos) {
        return endpoint_of(text, true, default_port);  // More than one colon and no brackets: an IPv6 address alone.
    }
    return endpoint_of(text.substr(0, colon), false, parse_port(text.substr(colon + 1)));
}

}  // namespace grit::config
