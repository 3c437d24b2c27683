#include "grit/media/digest.hpp"

#include <openssl/evp.h>

#include <new>
#include <stdexcept>

namespace grit::media {
namespace {

// Fetched once: EVP_sha256() looks its implementation up again at every start of a digest (OpenSSL 3, ossl-guide).
const EVP_MD* sha256() {
    static const EVP_MD* const kMethod = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    return kMethod;
}

void check(int ok) {
    if (ok != 1) {
        throw std::runtime_error("OpenSSL: SHA-256 is not available");
    }
}

}  // namespace

class Digest::Impl {
  public:
    Impl() : context_(EVP_MD_CTX_new()) {
        if (context_ == nullptr) {
            throw std::bad_alloc();
        }
        try {
            start();
        } catch (...) {
            EVP_MD_CTX_free(context_);
            throw;
        }
    }
    ~Impl() { EVP_MD_CTX_free(context_); }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    void start() { check(EVP_DigestInit_ex2(context_, sha256(), nullptr)); }
    void update(std::span<const std::byte> bytes) { check(EVP_DigestUpdate(context_, bytes.data(), bytes.size())); }
    Sha256 finish() {
        Sha256 digest{};
        check(EVP_DigestFinal_ex(context_, reinterpret_cast<unsigned char*>(digest.data()), nullptr));
        start();
        return digest;
    }

  private:
    EVP_MD_CTX* context_;
};

Digest::Digest() : impl_(std::make_unique<Impl>()) {}
Digest::~Digest() = default;
Digest::Digest(Digest&&) noexcept = default;
Digest& Digest::operator=(Digest&&) noexcept = default;
void Digest::update(std::span<const std::byte> bytes) {
    impl_->update(bytes);
}
Sha256 Digest::finish() {
    return impl_->finish();
}

std::string hex(const Sha256& digest) {
    constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    text.reserve(2 * digest.size());
    for (const std::byte byte : digest) {
        text.push_back(kDigits[std::to_integer<unsigned>(byte) >> 4]);
        text.push_back(kDigits[std::to_integer<unsigned>(byte) & 15]);
    }
    return text;
}

std::optional<Sha256> parse_sha256(std::string_view hex) {
    Sha256 digest{};
    if (hex.size() != 2 * digest.size()) {
        return std::nullopt;
    }
    for (std::size_t i = 0; i < digest.size(); ++i) {
        const auto digit = [&](std::size_t at) {
            return std::string_view("0123456789abcdef").find(hex[at]);
        };
        const std::size_t high = digit(2 * i);
        const std::size_t low = digit(2 * i + 1);
        if (high == std::string_view::npos || low == std::string_view::npos) {
            return std::nullopt;
        }
        digest[i] = static_cast<std::byte>(high * 16 + low);
    }
    return digest;
}

}  // namespace grit::media
