#include "image_forge.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <xxhash.h>
#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>

namespace grit::testweb {
namespace {

constexpr std::size_t kFillerBytes = 64 * 1024;
constexpr double kSigma = 1.0;  // of the lognormal: the largest of 10,000 files is about 25 means

void put_big32(std::string& out, std::uint32_t value) {
    for (const int shift : {24, 16, 8, 0}) {
        out += static_cast<char>(value >> shift);
    }
}

void put_little(std::string& out, std::uint32_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) {
        out += static_cast<char>(value >> (8 * i));
    }
}

// COM segments behind the JFIF APP0 segment, which has to stay the first one.
std::string stamp_jpeg(const BaseImage& base, std::string_view comment) {
    constexpr std::size_t kMost = 65'533;  // 16-bit length that counts itself
    const std::string_view bytes = base.bytes;
    const std::size_t app0_bytes =
        static_cast<std::size_t>(static_cast<unsigned char>(bytes[4])) * 256 + static_cast<unsigned char>(bytes[5]);
    const std::size_t at = 4 + app0_bytes;
    std::string out(bytes.substr(0, at));
    out.reserve(bytes.size() + comment.size() + 16);
    while (!comment.empty()) {
        const std::string_view part = comment.substr(0, kMost);
        out += std::string_view("\xFF\xFE", 2);
        out += static_cast<char>((part.size() + 2) >> 8);
        out += static_cast<char>((part.size() + 2) & 0xFF);
        out += part;
        comment.remove_prefix(part.size());
    }
    out += bytes.substr(at);
    return out;
}

std::string stamp_png(const BaseImage& base, std::string_view comment) {
    constexpr std::size_t kAfterHeader = 8 + 25;  // signature, IHDR chunk
    const std::string_view bytes = base.bytes;
    std::string chunk = "tEXt";
    chunk += std::string_view("Comment\0", 8);
    chunk += comment;
    std::string out(bytes.substr(0, kAfterHeader));
    out.reserve(bytes.size() + chunk.size() + 8);
    put_big32(out, static_cast<std::uint32_t>(chunk.size() - 4));
    out += chunk;
    const auto crc = crc32(0, reinterpret_cast<const Bytef*>(chunk.data()), static_cast<uInt>(chunk.size()));
    put_big32(out, static_cast<std::uint32_t>(crc));
    out += bytes.substr(kAfterHeader);
    return out;
}

// The extended form: VP8X, the picture's own chunk, XMP. Chunks are padded to even sizes.
std::string stamp_webp(const BaseImage& base, std::string_view comment) {
    constexpr std::uint32_t kHasXmp = 0x04;
    const std::string_view picture = std::string_view(base.bytes).substr(12);
    std::string body = "WEBPVP8X";
    body.reserve(picture.size() + comment.size() + 64);
    put_little(body, 10, 4);
    put_little(body, kHasXmp, 4);
    put_little(body, base.width - 1, 3);
    put_little(body, base.height - 1, 3);
    body += picture;
    body += "XMP ";
    put_little(body, static_cast<std::uint32_t>(comment.size()), 4);
    body += comment;
    if (comment.size() % 2 != 0) {
        body += '\0';
    }
    std::string out = "RIFF";
    put_little(out, static_cast<std::uint32_t>(body.size()), 4);
    out += body;
    return out;
}

std::string stamp_gif(const BaseImage& base, std::string_view comment) {
    const std::string_view bytes = base.bytes;
    std::string out(bytes.substr(0, bytes.size() - 1));
    out.reserve(bytes.size() + comment.size() + comment.size() / 255 + 8);
    out += std::string_view("\x21\xFE", 2);
    while (!comment.empty()) {
        const std::string_view part = comment.substr(0, 255);
        out += static_cast<char>(part.size());
        out += part;
        comment.remove_prefix(part.size());
    }
    out += std::string_view("\0;", 2);
    return out;
}

}  // namespace

ImageForge::ImageForge(std::uint64_t seed, std::size_t mean_bytes)
    : seed_(seed), mean_bytes_(static_cast<double>(mean_bytes)) {
    filler_.reserve(kFillerBytes);
    for (std::uint64_t block = 0; filler_.size() < kFillerBytes; ++block) {
        filler_ += fmt::format("{:016x}", XXH3_64bits_withSeed(&block, sizeof block, seed));
    }
    for (int kind = 0; kind < kImageKinds; ++kind) {
        bases_[static_cast<std::size_t>(kind)] = encode_base_images(static_cast<ImageKind>(kind));
    }
}

ImageKind ImageForge::kind_of(std::string_view host_and_target) noexcept {
    std::string_view path = host_and_target.substr(0, host_and_target.find('?'));
    const auto dot = path.rfind('.');
    const std::string_view extension = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
    if (extension == "png") {
        return ImageKind::png;
    }
    if (extension == "webp") {
        return ImageKind::webp;
    }
    return extension == "gif" ? ImageKind::gif : ImageKind::jpeg;
}

std::size_t ImageForge::size_of(std::uint64_t random_a, std::uint64_t random_b) const {
    // Box-Muller; the first number is kept off zero.
    const double u = (static_cast<double>(random_a >> 11) + 1) * 0x1.0p-53;
    const double v = static_cast<double>(random_b >> 11) * 0x1.0p-53;
    const double normal = std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * v);
    const double size = std::exp(std::log(mean_bytes_) - kSigma * kSigma / 2 + kSigma * normal);
    return static_cast<std::size_t>(std::clamp(size, 300.0, std::max(100.0 * 1024, 8 * mean_bytes_)));
}

const BaseImage& ImageForge::base_below(ImageKind kind, std::size_t bytes) const {
    const std::vector<BaseImage>& bases = bases_[static_cast<std::size_t>(kind)];
    const auto above = std::find_if(bases.begin() + 1, bases.end(),
                                    [bytes](const BaseImage& base) { return base.bytes.size() + 128 > bytes; });
    return *(above - 1);
}

std::string ImageForge::comment(std::uint64_t high, std::uint64_t low, std::size_t bytes) const {
    std::string text = fmt::format("gritd test web {:016x}{:016x} ", high, low);
    std::size_t from = low % kFillerBytes;
    while (text.size() < bytes) {
        text += std::string_view(filler_).substr(from, bytes - text.size());
        from = 0;
    }
    return text;
}

ForgedImage ImageForge::make(std::string_view host_and_target) const {
    const XXH128_hash_t hash = XXH3_128bits_withSeed(host_and_target.data(), host_and_target.size(), seed_);
    const ImageKind kind = kind_of(host_and_target);
    const std::size_t size =
        size_of(XXH3_64bits_withSeed(&hash, sizeof hash, 1), XXH3_64bits_withSeed(&hash, sizeof hash, 2));
    const BaseImage& base = base_below(kind, size);
    const std::size_t missing = size > base.bytes.size() ? size - base.bytes.size() : 0;
    const std::string text = comment(hash.high64, hash.low64, missing);
    switch (kind) {
        case ImageKind::jpeg:
            return {kind, stamp_jpeg(base, text)};
        case ImageKind::png:
            return {kind, stamp_png(base, text)};
        case ImageKind::webp:
            return {kind, stamp_webp(base, text)};
        case ImageKind::gif:
            break;
    }
    return {kind, stamp_gif(base, text)};
}

std::string sha256_hex(std::string_view bytes) {
    static EVP_MD* const kSha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);  // a fetch per digest costs more than 8 KB
    std::array<unsigned char, 32> digest{};
    unsigned int digest_bytes = 0;
    if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &digest_bytes, kSha256, nullptr) != 1) {
        throw std::runtime_error("SHA-256 failed");
    }
    constexpr std::string_view kHex = "0123456789abcdef";
    std::string hex;
    hex.reserve(2 * digest.size());
    for (const unsigned char byte : digest) {
        hex += kHex[byte >> 4];
        hex += kHex[byte & 15];
    }
    return hex;
}

}  // namespace grit::testweb
