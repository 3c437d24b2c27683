// What all TLS connections share: trust, protocol bounds, and sessions to resume.
#pragma once

#include <cstddef>
#include <memory>
#include <set>
#include <string>

namespace boost::asio::ssl {
class context;
}
struct ssl_st;

namespace grit::net {

/// One SSL_CTX for all shards: TLS 1.2 and newer, ALPN http/1.1, and a bounded cache of client sessions.
///
/// A resumed handshake saves about 1.2 ms of CPU (docs/design.md). OpenSSL gives a session up if its connection is
/// freed without a shutdown: `Connection` marks it (`SSL_set_shutdown`) before it closes. Threads: any at once.
/// Lifetime: outlives every connection made with it.
class TlsContext {
  public:
    struct Options {
        bool verify = true;                ///< Check chain, dates and name. Off is for rehearsals.
        std::set<std::string> waivers;     ///< Hosts, as in `CanonicalUrl::host`, that are not checked.
        std::string ca_file;               ///< PEM file of trusted roots; empty: the system's.
        std::size_t max_sessions = 2'000;  ///< Remembered sessions; some 10 KB each (they hold the peer's chain).
    };

    /// @throw std::runtime_error with a text for the operator if the trust store can not be read.
    explicit TlsContext(Options options);
    ~TlsContext();
    TlsContext(const TlsContext&) = delete;
    TlsContext& operator=(const TlsContext&) = delete;

    [[nodiscard]] boost::asio::ssl::context& native() noexcept;

    /// Readies a new SSL for the handshake with a server: SNI (RFC 6066 section 3: not for addresses), the name or
    /// address to verify (RFC 6125), the session to resume if there is one, and where new ones are remembered.
    /// A host with a waiver gets its handshake whatever its certificate is; what was wrong with it is known after it
    /// (`SSL_get_verify_result`).
    /// @param key  "host:port" of the URL; must stay where it is as long as `ssl` lives.
    /// @return false if OpenSSL refuses (no memory, a name over 255 bytes): the handshake must not begin, since it would
    /// not check the name.
    [[nodiscard]] bool prepare(ssl_st* ssl, const std::string& host, const std::string& key);

    /// Drops the session of a server whose handshake failed with it.
    void forget(const std::string& key);

    [[nodiscard]] std::size_t sessions() const;

  private:
    struct Core;
    std::unique_ptr<Core> core_;
};

}  // namespace grit::net
