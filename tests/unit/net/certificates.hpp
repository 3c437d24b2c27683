// Certificates minted for one test: an authority and leaves of any kind of validity.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>

namespace grit::net::test {

struct FreeKey {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct FreeCertificate {
    void operator()(X509* certificate) const { X509_free(certificate); }
};

/// A certificate with its key.
struct Identity {
    std::unique_ptr<EVP_PKEY, FreeKey> key;
    std::unique_ptr<X509, FreeCertificate> certificate;
};

enum class Validity { now, over, later };

/// A root of its own (P-256), trusted by whoever reads `file()`.
class Authority {
  public:
    Authority();
    ~Authority();
    Authority(const Authority&) = delete;
    Authority& operator=(const Authority&) = delete;

    /// @param names  as openssl.cnf has them: "DNS:a.example,IP:127.0.0.1".
    [[nodiscard]] Identity issue(const std::string& names, Validity validity = Validity::now) const;
    /// By an authority between, whose certificate is with nobody.
    [[nodiscard]] Identity issue_through_another(const std::string& names) const;
    [[nodiscard]] static Identity self_signed(const std::string& names);
    /// PEM file of the root.
    [[nodiscard]] const std::string& file() const noexcept { return file_; }

  private:
    Identity root_;
    std::string file_;
};

}  // namespace grit::net::test
