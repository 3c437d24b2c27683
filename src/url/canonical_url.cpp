#include "grit/url/canonical_url.hpp"

#include <xxhash.h>

#include <algorithm>
#include <optional>

#include "chars.hpp"
#include "fast_path.hpp"
#include "host.hpp"
#include "target.hpp"

namespace grit::url {
namespace {

// WHATWG "basic URL parser" steps 1 and 3: cuts controls and spaces around, drops tab, LF and CR inside.
std::string cleaned(std::string_view raw) {
    const auto is_blank = [](char c) { return static_cast<unsigned char>(c) <= 0x20; };
    while (!raw.empty() && is_blank(raw.front())) {
        raw.remove_prefix(1);
    }
    while (!raw.empty() && is_blank(raw.back())) {
        raw.remove_suffix(1);
    }
    std::string text;
    text.reserve(raw.size());
    std::copy_if(raw.begin(), raw.end(), std::back_inserter(text),
                 [](char c) { return c != '\t' && c != '\n' && c != '\r'; });
    return text;
}

// The scheme's name, if `text` begins with one and ":". A name with a dot is read as a host or a file
// ("example.org:80", "a.jpg:large"): no scheme that is in use has one.
std::string_view scheme_name(std::string_view text) {
    if (text.empty() || !chars::is_letter(text.front())) {
        return {};
    }
    const auto end = std::find_if_not(text.begin(), text.end(), [](char c) {
        return chars::is_letter(c) || chars::is(c, chars::kDigit) || c == '+' || c == '-';
    });
    return end != text.end() && *end == ':' ? std::string_view(text.begin(), end) : std::string_view();
}

std::optional<Scheme> scheme_named(std::string_view name) {
    for (const Scheme scheme : {Scheme::http, Scheme::https}) {
        const std::string_view wanted = name_of(scheme);
        if (std::equal(name.begin(), name.end(), wanted.begin(), wanted.end(),
                       [](char a, char b) { return chars::to_lower(a) == b; })) {
            return scheme;
        }
    }
    return std::nullopt;
}

constexpr bool is_slash(char c) {
    return c == '/' || c == '\\';
}

void append_authority(std::string& out, const CanonicalUrl& url, bool always_port) {
    const bool ipv6 = url.host_is_address && url.host.find(':') != std::string::npos;
    out.append(ipv6 ? "[" : "").append(url.host).append(ipv6 ? "]" : "");
    if (always_port || url.port != default_port_of(url.scheme)) {
        out.append(":").append(std::to_string(url.port));
    }
}

// @param rest all that follows the colon of the scheme.
Result<CanonicalUrl> assemble(Scheme scheme, std::string_view rest) {
    rest.remove_prefix(std::min(rest.size(), rest.find_first_not_of("/\\")));
    const std::size_t authority_end = std::min(rest.size(), rest.find_first_of("/\\?#"));
    auto authority = parse_authority(rest.substr(0, authority_end), scheme);
    if (!authority) {
        return authority.error();
    }
    CanonicalUrl url;
    url.scheme = scheme;
    url.host = std::move(authority->host);
    url.port = authority->port;
    url.host_is_address = authority->host_is_address;
    url.text.reserve(rest.size() + 16);
    url.text.append(name_of(scheme)).append("://");
    append_authority(url.text, url, false);
    const std::size_t target = url.text.size();
    append_target(url.text, without_fragment(rest.substr(authority_end)));
    if (url.text.size() > kMaxUrlBytes) {
        return Errc::too_long;
    }
    url.target = url.text.substr(target);
    return url;
}

// What `reference` means beside `base`, as an absolute URL that is not yet canonical. RFC 3986 section 5.2.2.
std::string merged(const CanonicalUrl& base, std::string_view reference) {
    std::string text(name_of(base.scheme));
    text.append(":");
    if (reference.size() >= 2 && is_slash(reference[0]) && is_slash(reference[1])) {
        return text.append(reference);
    }
    text.append("//");
    append_authority(text, base, false);
    const std::string_view target = base.target;
    const std::string_view path = target.substr(0, target.find('?'));
    if (reference.empty() || reference[0] == '#') {
        text.append(target);
    } else if (reference[0] == '?') {
        text.append(path);
    } else if (!is_slash(reference[0])) {
        text.append(path.substr(0, path.rfind('/') + 1));
    }
    return text.append(reference);
}

}  // namespace

std::string_view name_of(Scheme scheme) noexcept {
    return scheme == Scheme::http ? "http" : "https";
}

std::uint16_t default_port_of(Scheme scheme) noexcept {
    return scheme == Scheme::http ? 80 : 443;
}

std::string CanonicalUrl::origin() const {
    std::string out(name_of(scheme));
    out.append("://");
    append_authority(out, *this, true);
    return out;
}

std::string CanonicalUrl::authority() const {
    std::string out;
    append_authority(out, *this, false);
    return out;
}

UrlHash CanonicalUrl::hash() const noexcept {
    return hash_of_text(text);
}

UrlHash hash_of_text(std::string_view text) noexcept {
    const XXH128_hash_t hash = XXH3_128bits(text.data(), text.size());
    return {hash.high64, hash.low64};
}

Result<CanonicalUrl> canonicalize_any(std::string_view raw) {
    const std::string text = cleaned(raw);
    if (text.empty()) {
        return Errc::empty;
    }
    const std::string_view name = scheme_name(text);
    if (name.empty()) {
        return Errc::no_scheme;
    }
    const auto scheme = scheme_named(name);
    if (!scheme) {  // before the length: "data:" URLs are long and still name a scheme
        return Errc::scheme_refused;
    }
    if (text.size() > kMaxUrlBytes) {
        return Errc::too_long;
    }
    if (std::any_of(text.begin(), text.end(), chars::is_control)) {
        return Errc::control_character;
    }
    return assemble(*scheme, std::string_view(text).substr(name.size() + 1));
}

Result<CanonicalUrl> canonicalize(std::string_view raw) {
    if (auto plain = canonicalize_plain(raw)) {
        return std::move(*plain);
    }
    return canonicalize_any(raw);
}

Result<CanonicalUrl> resolve(const CanonicalUrl& base, std::string_view reference) {
    const std::string text = cleaned(reference);
    std::string_view rest = text;
    const std::string_view name = scheme_name(text);
    if (!name.empty()) {
        rest.remove_prefix(name.size() + 1);
        const bool relative = scheme_named(name) == base.scheme && (rest.empty() || !is_slash(rest.front()));
        if (!relative) {
            return canonicalize(text);
        }
    }
    return canonicalize(merged(base, rest));
}

}  // namespace grit::url
