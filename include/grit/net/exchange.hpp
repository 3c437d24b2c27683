// One request and its answer: the head at once, the body piece by piece.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "grit/base/clock.hpp"
#include "grit/base/result.hpp"

namespace grit::net {

/// Status and header fields of an answer (RFC 9110 section 6).
struct ResponseHead {
    unsigned status = 0;
    /// Bytes that the body will have; nothing for a chunked body and one that ends with the connection.
    std::optional<std::uint64_t> content_length;
    /// The Content-Type field as it came; empty if there is none.
    std::string content_type;
    /// The server lets the connection live on.
    bool keep_alive = false;
    /// Name and value of every field, in order, as they came; at most `max_header_bytes` in all.
    std::vector<std::pair<std::string, std::string>> fields;

    /// The first value of a field (names compare without case); empty if there is none. Valid as long as the head.
    [[nodiscard]] std::string_view header(std::string_view name) const noexcept;
    /// Every value of a field, in order. Valid as long as the head.
    [[nodiscard]] std::vector<std::string_view> headers(std::string_view name) const;
};

/// How long the parts of an exchange took. A reused connection has 0 for the first three.
struct Timings {
    std::chrono::microseconds dns{0};
    std::chrono::microseconds connect{0};
    std::chrono::microseconds tls{0};
    std::chrono::microseconds first_byte{0};  ///< From the request sent to the answer's first byte.
    bool reused = false;
};

/// An answer whose head has come.
///
/// When destroyed, its connection goes back to the pool if the body was read to its end and the server allows it;
/// otherwise the connection is closed at once.
/// Threads: the client's thread.  Lifetime: within that of the Client; not destroyed while `read_piece` runs.
class Exchange {
  public:
    struct State;
    explicit Exchange(std::unique_ptr<State> state);
    ~Exchange();
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;

    [[nodiscard]] const ResponseHead& head() const noexcept;

    /// The next piece of the body, at most 64 KiB; empty when the body is complete (and from then on).
    ///
    /// @return bytes that are valid until the next call. After an error the exchange is over: each call gives it again.
    /// Errors: truncated_body (Content-Length not reached, last chunk missing, TLS cut without close_notify where the
    /// end of the connection ends the body), too_slow (nothing for `idle_timeout`, or on average less than `min_rate`
    /// of the time spent waiting for the server), timeout_total, connection_reset, protocol_error, cancelled.
    [[nodiscard]] boost::asio::awaitable<Result<std::span<const std::byte>>> read_piece();

    /// The rest is waited for no longer than this from now on, if its deadline is not sooner anyway (timeout_total).
    void hurry(Milliseconds limit) noexcept;

    [[nodiscard]] Timings timings() const noexcept;

    /// What is wrong with the server's certificate, in OpenSSL's words; empty if nothing is, or without TLS. Only a
    /// host that is not checked (TlsContext::Options) gets so far with a wrong one.
    [[nodiscard]] const std::string& waived_problem() const noexcept;

    /// The dialled address, without port.
    [[nodiscard]] std::string remote_address() const;

  private:
    std::unique_ptr<State> state_;
};

}  // namespace grit::net
