// What became of a URL, and what to do about it: the one closed list that code, metrics, exports and documents share.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace grit {

/// What to do about an outcome. Each outcome has exactly one (`disposition_of`).
enum class Disposition : std::uint8_t {
    done,       ///< The image is on disk.
    gone,       ///< Settled for good without an image.
    retry_url,  ///< The URL is asked again later, by the retry schedule.
    slow_host,  ///< The host asked for less. Nothing is charged to the URL.
    host_down,  ///< All URLs of the host wait together, by the retry schedule.
    own_fault,  ///< Our side is broken. Nobody is charged; the crawl pauses and goes on by itself.
};

/// What became of one fetch. The numbers are stored on disk: append only, never renumber.
enum class Outcome : std::uint8_t {
    stored = 0,
    duplicate_url = 1,
    duplicate_content = 2,

    bad_url = 10,
    scheme_refused = 11,
    address_refused = 12,
    robots_denied = 13,
    opted_out = 14,
    http_not_found = 15,
    http_forbidden = 16,
    http_client_error = 17,
    redirect_refused = 18,
    not_an_image = 19,
    empty_body = 20,
    too_large = 21,
    filtered = 22,

    truncated_body = 40,
    broken_image = 41,
    timeout_first_byte = 42,
    timeout_total = 43,
    too_slow = 44,
    protocol_error = 45,
    http_server_error = 46,
    connection_reset = 47,

    http_too_many_requests = 60,
    http_unavailable = 61,

    dns_not_found = 70,
    dns_failure = 71,
    connect_refused = 72,
    connect_timeout = 73,
    unreachable = 74,
    tls_handshake = 75,
    tls_certificate = 76,

    disk_full = 90,
    store_error = 91,
    network_down = 92,
    out_of_descriptors = 93,
    shutting_down = 94,
};

inline constexpr std::size_t kOutcomeCount = 38;

/// Every outcome, in the order of the list in docs/design.md.
extern const std::array<Outcome, kOutcomeCount> kAllOutcomes;

/// The outcome's name as contracts, metrics and exports spell it, e.g. "http_not_found". Static storage.
[[nodiscard]] std::string_view name_of(Outcome outcome) noexcept;

/// The outcome with that name; nothing if there is none.
[[nodiscard]] std::optional<Outcome> outcome_named(std::string_view name) noexcept;

/// The outcome stored as that number; nothing if there is none (a newer or a damaged state).
[[nodiscard]] std::optional<Outcome> outcome_of_number(std::uint8_t number) noexcept;

/// A dense index 0..kOutcomeCount-1, for arrays of counters.
[[nodiscard]] std::size_t index_of(Outcome outcome) noexcept;

/// What to do about it.
[[nodiscard]] Disposition disposition_of(Outcome outcome) noexcept;

/// "done", "gone", "retry_url", "slow_host", "host_down" or "own_fault". Static storage.
[[nodiscard]] std::string_view name_of(Disposition disposition) noexcept;

}  // namespace grit
