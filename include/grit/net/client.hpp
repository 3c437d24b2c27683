// HTTP/1.1 to whichever host a URL names, over connections that are kept and reused.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "grit/async/deadline.hpp"
#include "grit/base/clock.hpp"
#include "grit/base/result.hpp"
#include "grit/net/errc.hpp"
#include "grit/net/exchange.hpp"
#include "grit/url/canonical_url.hpp"

namespace grit::metrics {
class Metrics;
}

namespace grit::net {

class AddressGuard;
class AddressLimits;
class Resolver;
class TlsContext;

/// Asked at the moment at which a request is ready to be written: names are resolved and the connection stands, so what
/// it grants is what the server sees. Once per request, and again if one has to be sent a second time.
class SendGate {
  public:
    virtual ~SendGate() = default;
    /// Asked of each address before it is dialled, of one that a kept connection leads to, and once more before the
    /// request is sent there; the AddressGuard is asked besides. If none is left the request ends as `address_refused`.
    [[nodiscard]] virtual bool may_dial(const boost::asio::ip::address& /*address*/) { return true; }
    /// @return whether to send now; true counts as sent.
    [[nodiscard]] virtual bool may_send() = 0;
    /// The request has been written: the server can not have had it later than now. Not called if that failed.
    virtual void written() {}
};

/// The shard's way to the web.
///
/// A connection belongs to one origin, is dialled only to an address that the guard allows, and holds a place of the
/// address's limit as long as it lives. Idle ones are closed after `max_idle_time`, when the pool is full, and when
/// their address is wanted by somebody else: of this client at once, of another one with the same limits within 250 ms.
/// The rule of how often a host may be asked is not here.
/// A host's addresses, four at most, are dialled beside each other (RFC 8305), IPv4 first; one that failed within the
/// last minute comes last. Without a spare dial (they are bounded, since each costs a descriptor) one address is dialled
/// after the other, each for its share of the time.
/// Threads: the io_context's one thread only; `limits`, `tls` and `guard` may be shared with other clients.
/// Lifetime: everything given outlives the client; the client outlives its exchanges. `stop()` and await `join()`
/// before it is destroyed.
/// Counts: connections, connection_use, http_responses, downloaded_bytes (and the resolver dns_queries, dns_cache).
/// Stage durations are the caller's to count, from `Timings`.
class Client {
  public:
    struct Options {
        Milliseconds connect_timeout{10'000};     ///< For all addresses of a host together; again for TLS.
        Milliseconds attempt_delay{250};          ///< Until the next address is dialled beside one that is silent.
        std::size_t max_spare_dials = 64;         ///< Dials beside another one of the same fetch, all fetches together.
        Milliseconds first_byte_timeout{15'000};  ///< From the request until its answer's head is complete.
        Milliseconds idle_timeout{10'000};        ///< Between two pieces of a body; also the grace of `min_rate`.
        std::uint64_t min_rate = 2048;            ///< Bytes per second on average; 0: no such check.
        std::string user_agent;                   ///< The User-Agent field, as it is sent.
        std::map<std::uint16_t, std::uint16_t> port_map;  ///< Port of the URL -> port dialled. Host and SNI stay true.
        std::size_t max_idle_connections = 2'000;         ///< About 86 KB each with TLS.
        Milliseconds max_idle_time{15'000};
        std::size_t max_header_bytes = std::size_t{64} * 1024;  ///< Of each head; its fields are 1,000 at most.
    };

    Client(boost::asio::io_context& context, Options options, Resolver& resolver, const AddressGuard& guard,
           TlsContext& tls, AddressLimits& limits, metrics::Metrics& metrics, const Clock& clock);
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    /// Sends a GET and returns when the head of the answer has come. 1xx answers are skipped (RFC 9110 section 15.2).
    ///
    /// A request that dies on a reused connection before a byte of answer is sent once more on a new one (RFC 9112
    /// section 9.3.1). Redirects are answers like others.
    /// @param url       by value: the coroutine keeps it.
    /// @param deadline  of the whole exchange, the body's pieces included.
    /// @param gate      asked before the request is written; nullptr: always open. Outlives the call.
    /// Errors: all of `Errc` but network_down, too_slow and truncated_body.
    /// Cancellation: terminal; gives `cancelled` or throws operation_aborted, and leaves nothing behind.
    [[nodiscard]] boost::asio::awaitable<Result<std::unique_ptr<Exchange>>> get(url::CanonicalUrl url,
                                                                                Deadline deadline,
                                                                                SendGate* gate = nullptr);

    /// Closes the connections that nobody uses.
    void close_idle();
    [[nodiscard]] std::size_t idle_connections() const noexcept;

    /// Refuses new requests (`cancelled`), closes idle connections and pools none from now on. Exchanges under way go
    /// on: who awaits them ends them. Idempotent.
    void stop();
    /// Resumes when the client's own work has ended, after `stop()`.
    [[nodiscard]] boost::asio::awaitable<void> join();

  private:
    friend class Exchange;
    struct Core;
    std::unique_ptr<Core> core_;
};

}  // namespace grit::net
