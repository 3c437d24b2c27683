#include "certificates.hpp"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <boost/asio/ip/address.hpp>
#include <stdexcept>

namespace grit::testweb {
namespace {

constexpr long kDay = 24L * 3600;

void require(bool ok, const char* what) {
    if (!ok) {
        throw std::runtime_error(fmt::format("certificates: {} failed", what));
    }
}

KeyPtr make_key() {
    KeyPtr key(EVP_EC_gen("P-256"));
    require(key != nullptr, "making a key");
    return key;
}

void add_extension(X509* certificate, X509* issuer, int id, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str());
    require(extension != nullptr, "an extension");
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

CertificatePtr make_blank(EVP_PKEY* key, long from, long until) {
    CertificatePtr certificate(X509_new());
    require(certificate != nullptr, "a certificate");
    X509_set_version(certificate.get(), 2);  // counted from 0: X.509 v3
    std::uint64_t serial = 0;
    require(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) == 1, "a serial number");
    ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), serial >> 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), from);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), until);
    X509_set_pubkey(certificate.get(), key);
    return certificate;
}

void set_subject(X509* certificate, const std::string& name) {
    X509_NAME* subject = X509_get_subject_name(certificate);
    // RFC 5280 limits a common name to 64 bytes; clients look at the alternative names anyway.
    const std::string common = name.substr(0, 64);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(common.c_str()), -1,
                               -1, 0);
}

}  // namespace

Certificates::Certificates() : ca_key_(make_key()), ca_(make_blank(ca_key_.get(), -kDay, 30 * kDay)), key_(make_key()) {
    set_subject(ca_.get(), "gritd test web authority");
    X509_set_issuer_name(ca_.get(), X509_get_subject_name(ca_.get()));
    add_extension(ca_.get(), ca_.get(), NID_basic_constraints, "critical,CA:TRUE");
    add_extension(ca_.get(), ca_.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
    add_extension(ca_.get(), ca_.get(), NID_subject_key_identifier, "hash");
    require(X509_sign(ca_.get(), ca_key_.get(), EVP_sha256()) > 0, "signing");
}

std::string Certificates::ca_pem() const {
    const std::unique_ptr<BIO, decltype(&BIO_free_all)> bio(BIO_new(BIO_s_mem()), &BIO_free_all);
    require(bio != nullptr && PEM_write_bio_X509(bio.get(), ca_.get()) == 1, "writing PEM");
    char* data = nullptr;
    const long bytes = BIO_get_mem_data(bio.get(), &data);
    return {data, static_cast<std::size_t>(bytes)};
}

CertificatePtr Certificates::mint(const std::string& name, std::optional<BadCertificate> bad) const {
    const bool expired = bad == BadCertificate::expired;
    CertificatePtr leaf = make_blank(key_.get(), expired ? -10 * kDay : -kDay, expired ? -kDay : 20 * kDay);
    const std::string named = bad == BadCertificate::wrong_name ? "another-name.invalid" : name;
    boost::system::error_code not_an_address;
    boost::asio::ip::make_address(named, not_an_address);
    set_subject(leaf.get(), named);
    const bool self_signed = bad == BadCertificate::self_signed;
    X509* issuer = self_signed ? leaf.get() : ca_.get();
    X509_set_issuer_name(leaf.get(), X509_get_subject_name(issuer));
    add_extension(leaf.get(), issuer, NID_subject_alt_name, (not_an_address ? "DNS:" : "IP:") + named);
    add_extension(leaf.get(), issuer, NID_ext_key_usage, "serverAuth");
    require(X509_sign(leaf.get(), self_signed ? key_.get() : ca_key_.get(), EVP_sha256()) > 0, "signing");
    return leaf;
}

X509* Certificates::leaf(const std::string& name, std::optional<BadCertificate> bad) {
    const std::string key = fmt::format("{}|{}", bad ? static_cast<int>(*bad) : -1, name);
    const std::lock_guard lock(mutex_);
    CertificatePtr& entry = leaves_[key];
    if (!entry) {
        entry = mint(name, bad);
    }
    return entry.get();
}

}  // namespace grit::testweb
