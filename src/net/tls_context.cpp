#include "grit/net/tls_context.hpp"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/context.hpp>
#include <stdexcept>

#include "session_cache.hpp"

namespace grit::net {
namespace asio = boost::asio;

namespace {

// Length-prefixed, as ALPN has it on the wire (RFC 7301 section 3.1).
constexpr std::array<unsigned char, 9> kAlpn{8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

void require(bool done, const char* what) {
    if (!done) {
        throw std::runtime_error(std::string("TLS can not be set up: ") + what);
    }
}

// Slots of our own: Asio keeps its callbacks in the "app data" slot of both and deletes what it finds there.
int key_slot() {
    static const int slot = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return slot;
}

int cache_slot() {
    static const int slot = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return slot;
}

// TLS 1.3 tickets come after the handshake, with the first reads. Returning 1 keeps the session.
int on_new_session(SSL* ssl, SSL_SESSION* session) {
    const auto* key = static_cast<const std::string*>(SSL_get_ex_data(ssl, key_slot()));
    auto* cache = static_cast<SessionCache*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), cache_slot()));
    if (key == nullptr || cache == nullptr) {
        return 0;
    }
    cache->put(*key, Session(session));
    return 1;
}

}  // namespace

struct TlsContext::Core {
    explicit Core(Options given) : options(std::move(given)), sessions(options.max_sessions) {
        trust();
        SSL_CTX* const ctx = context.native_handle();
        require(SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1, "minimum version");
        // This one returns 0 for success.
        require(SSL_CTX_set_alpn_protos(ctx, kAlpn.data(), kAlpn.size()) == 0, "ALPN");
        SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
        SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(ctx, on_new_session);
        require(SSL_CTX_set_ex_data(ctx, cache_slot(), &sessions) == 1, "session cache");
    }

    void trust() {
        context.set_verify_mode(asio::ssl::verify_peer);
        boost::system::error_code error;
        if (options.ca_file.empty()) {
            context.set_default_verify_paths(error);
            require(!error, "the system's trust store can not be read");
            return;
        }
        context.load_verify_file(options.ca_file, error);
        if (error) {
            throw std::runtime_error("tls.ca_file " + options.ca_file + " can not be read: " + error.message());
        }
    }

    const Options options;
    SessionCache sessions;
    asio::ssl::context context{asio::ssl::context::tls_client};
};

TlsContext::TlsContext(Options options) : core_(std::make_unique<Core>(std::move(options))) {}

TlsContext::~TlsContext() = default;

asio::ssl::context& TlsContext::native() noexcept {
    return core_->context;
}

void TlsContext::forget(const std::string& key) {
    core_->sessions.erase(key);
}

std::size_t TlsContext::sessions() const {
    return core_->sessions.size();
}

bool TlsContext::prepare(SSL* ssl, const std::string& host, const std::string& key) {
    boost::system::error_code no_address;
    static_cast<void>(asio::ip::make_address(host, no_address));
    bool ready = false;
    if (no_address) {
        SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        ready = SSL_set_tlsext_host_name(ssl, host.c_str()) == 1 && SSL_set1_host(ssl, host.c_str()) == 1;
    } else {
        ready = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str()) == 1;
    }
    if (!core_->options.verify || core_->options.waivers.contains(host)) {
        // The chain is looked at all the same: what is wrong with it goes on record.
        SSL_set_verify(ssl, SSL_VERIFY_NONE, nullptr);
    }
    // Only on_new_session reads it, and does not write.
    ready = ready && SSL_set_ex_data(ssl, key_slot(), const_cast<std::string*>(&key)) == 1;
    if (const Session session = core_->sessions.find(key); session && SSL_SESSION_is_resumable(session.get()) == 1) {
        SSL_set_session(ssl, session.get());
    }
    return ready;
}

}  // namespace grit::net
