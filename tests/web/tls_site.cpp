// The TLS side of the site: which certificate a connection gets, decided at its ClientHello.
#include "tls_site.hpp"

#include <openssl/ssl.h>

namespace grit::testweb {
namespace {

int note_index() {
    static const int kIndex = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return kIndex;
}

// RFC 6066 section 3: list length (2), name type (1), name length (2), name.
std::string server_name_of(SSL* ssl) {
    const unsigned char* data = nullptr;
    std::size_t bytes = 0;
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &data, &bytes) != 1 || bytes < 5 || data[2] != 0) {
        return {};
    }
    const std::size_t name_bytes = std::size_t{data[3]} * 256 + data[4];
    if (name_bytes + 5 > bytes) {
        return {};
    }
    std::string name(reinterpret_cast<const char*>(data + 5), name_bytes);
    for (char& c : name) {
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    }
    return name;
}

int on_client_hello(SSL* ssl, int* alert, void* argument) {
    auto* site = static_cast<Site*>(argument);
    auto* note = static_cast<HandshakeNote*>(SSL_get_ex_data(ssl, note_index()));
    const std::string asked = server_name_of(ssl);
    const std::string& name = asked.empty() ? note->local_address : asked;
    const Rule* rule = site->script.for_handshake(name, std::chrono::steady_clock::now());
    if (rule != nullptr && rule->stall_handshake) {
        note->stall = true;
        return SSL_CLIENT_HELLO_RETRY;  // nothing is answered, and the handshake returns to its caller
    }
    X509* leaf = site->certificates.leaf(name, rule != nullptr ? rule->certificate : std::nullopt);
    if (SSL_use_certificate(ssl, leaf) != 1 || SSL_use_PrivateKey(ssl, site->certificates.key()) != 1) {
        *alert = SSL_AD_INTERNAL_ERROR;
        return SSL_CLIENT_HELLO_ERROR;
    }
    return SSL_CLIENT_HELLO_SUCCESS;
}

}  // namespace

void set_note(SSL* ssl, HandshakeNote& note) {
    SSL_set_ex_data(ssl, note_index(), &note);
}

Site::Site(std::vector<Rule> rules, std::uint64_t seed, std::size_t mean_bytes, const std::string& directory)
    : script(std::move(rules), seed, std::chrono::steady_clock::now()),
      forge(seed, mean_bytes),
      requests(directory + "/requests.jsonl"),
      names(directory + "/dns.jsonl"),
      tls(boost::asio::ssl::context::tls_server) {
    SSL_CTX* context = tls.native_handle();
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    // Tickets alone resume sessions: nothing is kept per session here.
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    constexpr std::string_view kId = "gritd-test-web";
    SSL_CTX_set_session_id_context(context, reinterpret_cast<const unsigned char*>(kId.data()), kId.size());
    SSL_CTX_set_client_hello_cb(context, &on_client_hello, this);
}

}  // namespace grit::testweb
