// The closed sets that labels are taken from. There is never a label per host or URL: the number of series is fixed
// when gritd is built, and every one is there from the start, at 0.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "grit/base/outcome.hpp"

namespace grit::metrics {

// clang-format off
enum class RecordState : std::uint8_t { pending, active, retry_wait, done, failed };
enum class HostState : std::uint8_t { ready, active, paced, awaits_site, awaits_domain, backoff, open_circuit, drained };
enum class ConnectionState : std::uint8_t { active, idle };
enum class FetchStage : std::uint8_t { dns, connect, tls, first_byte, body, write };
enum class CodeClass : std::uint8_t { informational, success, redirection, client_error, server_error, other };
enum class RetryReason : std::uint8_t { retry_url, slow_host, host_down, own_fault };
/// How an image of another program came; that its URL is asked for instead; that its file is tried again later.
enum class Adopted : std::uint8_t { cloned, linked, copied, refused, held };
enum class RobotsDecision : std::uint8_t { allowed, denied, unreachable };
enum class DnsResult : std::uint8_t { ok, not_found, failure, timeout };
enum class CacheResult : std::uint8_t { hit, miss };
enum class ConnectionUse : std::uint8_t { reused, opened };
enum class TlsHandshake : std::uint8_t { full, resumed, failed };
// clang-format on

/// Names of a label's values in the order of its enum. Specialised per enum.
template <class Label>
inline constexpr std::array<std::string_view, 0> kLabelNames{};

template <>
inline constexpr std::array<std::string_view, 5> kLabelNames<RecordState>{"pending", "active", "retry_wait", "done",
                                                                          "failed"};
template <>
inline constexpr std::array<std::string_view, 8> kLabelNames<HostState>{
    "ready", "active", "paced", "awaits_site", "awaits_domain", "backoff", "open_circuit", "drained"};
template <>
inline constexpr std::array<std::string_view, 2> kLabelNames<ConnectionState>{"active", "idle"};
template <>
inline constexpr std::array<std::string_view, 6> kLabelNames<FetchStage>{"dns",        "connect", "tls",
                                                                         "first_byte", "body",    "write"};
template <>
inline constexpr std::array<std::string_view, 6> kLabelNames<CodeClass>{"1xx", "2xx", "3xx", "4xx", "5xx", "other"};
template <>
inline constexpr std::array<std::string_view, 4> kLabelNames<RetryReason>{"retry_url", "slow_host", "host_down",
                                                                          "own_fault"};
template <>
inline constexpr std::array<std::string_view, 5> kLabelNames<Adopted>{"cloned", "linked", "copied", "refused", "held"};
template <>
inline constexpr std::array<std::string_view, 3> kLabelNames<RobotsDecision>{"allowed", "denied", "unreachable"};
template <>
inline constexpr std::array<std::string_view, 4> kLabelNames<DnsResult>{"ok", "not_found", "failure", "timeout"};
template <>
inline constexpr std::array<std::string_view, 2> kLabelNames<CacheResult>{"hit", "miss"};
template <>
inline constexpr std::array<std::string_view, 2> kLabelNames<ConnectionUse>{"reused", "opened"};
template <>
inline constexpr std::array<std::string_view, 3> kLabelNames<TlsHandshake>{"full", "resumed", "failed"};

/// How many values a label has, which one stands where, and what it is called.
template <class Label>
struct LabelSet {
    static constexpr std::size_t kSize = kLabelNames<Label>.size();
    static std::size_t index(Label label) noexcept { return static_cast<std::size_t>(label); }
    static std::string_view name(std::size_t index) noexcept { return kLabelNames<Label>[index]; }
};

template <>
struct LabelSet<Outcome> {
    static constexpr std::size_t kSize = kOutcomeCount;
    static std::size_t index(Outcome outcome) noexcept { return index_of(outcome); }
    static std::string_view name(std::size_t index) noexcept { return name_of(kAllOutcomes[index]); }
};

/// One handle per value of a label: `metrics.fetches(Outcome::stored).add()`.
template <class Handle, class Label>
class ByLabel {
  public:
    ByLabel() = default;
    /// All handles are made from `argument` (the bounds of a histogram).
    template <class Argument>
    explicit ByLabel(const Argument& argument) noexcept
        : ByLabel(argument, std::make_index_sequence<LabelSet<Label>::kSize>{}) {}

    [[nodiscard]] Handle& operator()(Label label) noexcept { return handles_[LabelSet<Label>::index(label)]; }
    [[nodiscard]] const Handle& operator()(Label label) const noexcept {
        return handles_[LabelSet<Label>::index(label)];
    }
    [[nodiscard]] const std::array<Handle, LabelSet<Label>::kSize>& all() const noexcept { return handles_; }

  private:
    template <class Argument, std::size_t... I>
    ByLabel(const Argument& argument, std::index_sequence<I...>) noexcept
        : handles_{(static_cast<void>(I), Handle(argument))...} {}

    std::array<Handle, LabelSet<Label>::kSize> handles_;
};

/// The class of an HTTP status; `other` for what is outside 100 to 599.
[[nodiscard]] constexpr CodeClass code_class_of(unsigned status) noexcept {
    return status >= 100 && status < 600 ? static_cast<CodeClass>(status / 100 - 1) : CodeClass::other;
}

/// Why an outcome is asked again. Only for dispositions that are not final (`done` and `gone` count as `own_fault`,
/// which shows the caller's mistake).
[[nodiscard]] constexpr RetryReason retry_reason_of(Disposition disposition) noexcept {
    switch (disposition) {
        case Disposition::retry_url:
            return RetryReason::retry_url;
        case Disposition::slow_host:
            return RetryReason::slow_host;
        case Disposition::host_down:
            return RetryReason::host_down;
        default:
            return RetryReason::own_fault;
    }
}

}  // namespace grit::metrics
