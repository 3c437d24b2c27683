// A certificate authority of the test web's own: a certificate for every name that is asked for.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "script.hpp"

namespace grit::testweb {

struct OpensslFree {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(X509* certificate) const { X509_free(certificate); }
};
using KeyPtr = std::unique_ptr<EVP_PKEY, OpensslFree>;
using CertificatePtr = std::unique_ptr<X509, OpensslFree>;

/// Mints ECDSA P-256 certificates on first use and keeps them. All leaves share one key: what is tested is the
/// client, and a key per name would only cost time.
/// Threads: all functions may be called from any thread.
class Certificates {
  public:
    Certificates();

    /// The authority's certificate, for a client's trust store.
    [[nodiscard]] std::string ca_pem() const;

    /// @param name  a host name, or an address literal (then it becomes an IP subject alternative name).
    /// @return a certificate owned by this object, valid as long as it.
    [[nodiscard]] X509* leaf(const std::string& name, std::optional<BadCertificate> bad);

    [[nodiscard]] EVP_PKEY* key() const noexcept { return key_.get(); }

  private:
    [[nodiscard]] CertificatePtr mint(const std::string& name, std::optional<BadCertificate> bad) const;

    KeyPtr ca_key_;
    CertificatePtr ca_;
    KeyPtr key_;
    std::mutex mutex_;
    std::unordered_map<std::string, CertificatePtr> leaves_;
};

}  // namespace grit::testweb
