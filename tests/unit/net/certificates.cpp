#include "certificates.hpp"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <stdexcept>

namespace grit::net::test {
namespace {

constexpr long kDay = 24 * 60 * 60;

void require(bool done) {
    if (!done) {
        throw std::runtime_error("OpenSSL refuses to mint a certificate");
    }
}

void add_extension(X509* certificate, X509* issuer, int id, const char* value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, id, value);
    require(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1);
    X509_EXTENSION_free(extension);
}

Identity unsigned_identity(const char* common_name, Validity validity) {
    static long serial = 1;
    Identity identity;
    identity.key.reset(EVP_EC_gen("P-256"));
    identity.certificate.reset(X509_new());
    X509* const certificate = identity.certificate.get();
    require(identity.key && certificate != nullptr);
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(certificate), validity == Validity::later ? kDay : -10 * kDay);
    X509_gmtime_adj(X509_getm_notAfter(certificate), validity == Validity::over ? -kDay : 10 * kDay);
    X509_set_pubkey(certificate, identity.key.get());
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(common_name), -1, -1, 0);
    return identity;
}

void sign(Identity& identity, const Identity& issuer) {
    X509_set_issuer_name(identity.certificate.get(), X509_get_subject_name(issuer.certificate.get()));
    require(X509_sign(identity.certificate.get(), issuer.key.get(), EVP_sha256()) > 0);
}

}  // namespace

Authority::Authority() : root_(unsigned_identity("Test Root", Validity::now)) {
    add_extension(root_.certificate.get(), root_.certificate.get(), NID_basic_constraints, "critical,CA:TRUE");
    add_extension(root_.certificate.get(), root_.certificate.get(), NID_key_usage, "critical,keyCertSign");
    sign(root_, root_);
    std::array<char, 32> name{"/tmp/grit_net_root_XXXXXX"};
    const int fd = mkstemp(name.data());
    FILE* const file = fdopen(fd, "w");
    require(file != nullptr && PEM_write_X509(file, root_.certificate.get()) == 1);
    std::fclose(file);
    file_ = name.data();
}

Authority::~Authority() {
    ::unlink(file_.c_str());
}

Identity Authority::issue(const std::string& names, Validity validity) const {
    Identity leaf = unsigned_identity("leaf", validity);
    add_extension(leaf.certificate.get(), root_.certificate.get(), NID_subject_alt_name, names.c_str());
    sign(leaf, root_);
    return leaf;
}

Identity Authority::issue_through_another(const std::string& names) const {
    Identity between = unsigned_identity("Between", Validity::now);
    add_extension(between.certificate.get(), root_.certificate.get(), NID_basic_constraints, "critical,CA:TRUE");
    sign(between, root_);
    Identity leaf = unsigned_identity("leaf", Validity::now);
    add_extension(leaf.certificate.get(), between.certificate.get(), NID_subject_alt_name, names.c_str());
    sign(leaf, between);
    return leaf;
}

Identity Authority::self_signed(const std::string& names) {
    Identity leaf = unsigned_identity("leaf", Validity::now);
    add_extension(leaf.certificate.get(), leaf.certificate.get(), NID_subject_alt_name, names.c_str());
    sign(leaf, leaf);
    return leaf;
}

}  // namespace grit::net::test
