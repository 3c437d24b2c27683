#include "grit/base/outcome.hpp"

#include <algorithm>

namespace grit {
namespace {

struct Row {
    Outcome outcome;
    std::string_view name;
    Disposition disposition;
};

constexpr std::array<Row, 38> kRows{{
    {Outcome::stored, "stored", Disposition::done},
    {Outcome::duplicate_url, "duplicate_url", Disposition::done},
    {Outcome::duplicate_content, "duplicate_content", Disposition::done},
    {Outcome::bad_url, "bad_url", Disposition::gone},
    {Outcome::scheme_refused, "scheme_refused", Disposition::gone},
    {Outcome::address_refused, "address_refused", Disposition::gone},
    {Outcome::robots_denied, "robots_denied", Disposition::gone},
    {Outcome::opted_out, "opted_out", Disposition::gone},
    {Outcome::http_not_found, "http_not_found", Disposition::gone},
    {Outcome::http_forbidden, "http_forbidden", Disposition::gone},
    {Outcome::http_client_error, "http_client_error", Disposition::gone},
    {Outcome::redirect_refused, "redirect_refused", Disposition::gone},
    {Outcome::not_an_image, "not_an_image", Disposition::gone},
    {Outcome::empty_body, "empty_body", Disposition::gone},
    {Outcome::too_large, "too_large", Disposition::gone},
    {Outcome::filtered, "filtered", Disposition::gone},
    {Outcome::truncated_body, "truncated_body", Disposition::retry_url},
    {Outcome::broken_image, "broken_image", Disposition::retry_url},
    {Outcome::timeout_first_byte, "timeout_first_byte", Disposition::retry_url},
    {Outcome::timeout_total, "timeout_total", Disposition::retry_url},
    {Outcome::too_slow, "too_slow", Disposition::retry_url},
    {Outcome::protocol_error, "protocol_error", Disposition::retry_url},
    {Outcome::http_server_error, "http_server_error", Disposition::retry_url},
    {Outcome::connection_reset, "connection_reset", Disposition::retry_url},
    {Outcome::http_too_many_requests, "http_too_many_requests", Disposition::slow_host},
    {Outcome::http_unavailable, "http_unavailable", Disposition::slow_host},
    {Outcome::dns_not_found, "dns_not_found", Disposition::host_down},
    {Outcome::dns_failure, "dns_failure", Disposition::host_down},
    {Outcome::connect_refused, "connect_refused", Disposition::host_down},
    {Outcome::connect_timeout, "connect_timeout", Disposition::host_down},
    {Outcome::unreachable, "unreachable", Disposition::host_down},
    {Outcome::tls_handshake, "tls_handshake", Disposition::host_down},
    {Outcome::tls_certificate, "tls_certificate", Disposition::host_down},
    {Outcome::disk_full, "disk_full", Disposition::own_fault},
    {Outcome::store_error, "store_error", Disposition::own_fault},
    {Outcome::network_down, "network_down", Disposition::own_fault},
    {Outcome::out_of_descriptors, "out_of_descriptors", Disposition::own_fault},
    {Outcome::shutting_down, "shutting_down", Disposition::own_fault},
}};

constexpr std::size_t kRowCount = kRows.size();

// Position in kRows by stored number; kRowCount where there is no such outcome.
constexpr std::array<std::uint8_t, 256> kRowByNumber = [] {
    std::array<std::uint8_t, 256> rows{};
    rows.fill(static_cast<std::uint8_t>(kRowCount));
    for (std::size_t i = 0; i < kRowCount; ++i) {
        rows[static_cast<std::size_t>(kRows[i].outcome)] = static_cast<std::uint8_t>(i);
    }
    return rows;
}();

constexpr std::array<Outcome, kRowCount> outcomes_in_order() {
    std::array<Outcome, kRowCount> all{};
    for (std::size_t i = 0; i < kRowCount; ++i) {
        all[i] = kRows[i].outcome;
    }
    return all;
}

}  // namespace

const std::array<Outcome, kOutcomeCount> kAllOutcomes = outcomes_in_order();

std::size_t index_of(Outcome outcome) noexcept { return kRowByNumber[static_cast<std::size_t>(outcome)]; }

std::string_view name_of(Outcome outcome) noexcept { return kRows[index_of(outcome)].name; }

Disposition disposition_of(Outcome outcome) noexcept { return kRows[index_of(outcome)].disposition; }

std::optional<Outcome> outcome_named(std::string_view name) noexcept {
    const auto row = std::find_if(kRows.begin(), kRows.end(), [&](const Row& r) { return r.name == name; });
    return row == kRows.end() ? std::nullopt : std::optional(row->outcome);
}

std::optional<Outcome> outcome_of_number(std::uint8_t number) noexcept {
    const std::size_t row = kRowByNumber[number];
    return row == kRowCount ? std::nullopt : std::optional(kRows[row].outcome);
}

std::string_view name_of(Disposition disposition) noexcept {
    switch (disposition) {
        case Disposition::done:
            return "done";
        case Disposition::gone:
            return "gone";
        case Disposition::retry_url:
            return "retry_url";
        case Disposition::slow_host:
            return "slow_host";
        case Disposition::host_down:
            return "host_down";
        case Disposition::own_fault:
            return "own_fault";
    }
    return "unknown";
}

}  // namespace grit
