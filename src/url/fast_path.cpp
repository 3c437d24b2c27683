#include "fast_path.hpp"

#include "chars.hpp"

namespace grit::url {
namespace {

constexpr std::size_t kNotPlain = std::string_view::npos;

// Where the host that begins at `begin` ends; kNotPlain if it is not a lower-case name, or may be a number.
std::size_t end_of_plain_host(std::string_view raw, std::size_t begin) {
    std::size_t label = begin;
    std::size_t i = begin;
    for (; i < raw.size() && raw[i] != '/' && raw[i] != '?'; ++i) {
        if (raw[i] == '.') {
            if (i == label || i - label > 63) {
                return kNotPlain;
            }
            label = i + 1;
        } else if (!chars::is(raw[i], chars::kLabel)) {
            return kNotPlain;
        }
    }
    const bool good = i > label && i - label <= 63 && i - begin <= 253 && !chars::is(raw[label], chars::kDigit);
    return good ? i : kNotPlain;
}

// True if the %XX at `i` is canonical: complete, in upper case, and needed.
bool is_canonical_escape(std::string_view raw, std::size_t i) {
    return chars::is_escape(raw, i) && raw[i + 1] < 'a' && raw[i + 2] < 'a' &&
           !chars::is(chars::escaped_byte(raw, i), chars::kUnreserved);
}

// True if a "." that follows a "/" may begin a dot segment.
bool may_be_dot_segment(std::string_view raw, std::size_t dot) {
    return dot + 1 == raw.size() || raw[dot + 1] == '.' || raw[dot + 1] == '/' || raw[dot + 1] == '?';
}

bool is_plain_target(std::string_view raw, std::size_t begin) {
    for (std::size_t i = begin; i < raw.size(); ++i) {
        const char c = raw[i];
        if (!chars::is(c, chars::kTarget)) {
            if (!is_canonical_escape(raw, i)) {
                return false;
            }
        } else if (c == '&') {
            if (raw.substr(i + 1, 4) == "amp;") {
                return false;
            }
        } else if (c == '.' && i > begin && raw[i - 1] == '/' && may_be_dot_segment(raw, i)) {
            return false;
        }
    }
    return true;
}

}  // namespace

std::optional<CanonicalUrl> canonicalize_plain(std::string_view raw) {
    const bool secure = raw.starts_with("https://");
    if ((!secure && !raw.starts_with("http://")) || raw.size() >= kMaxUrlBytes) {
        return std::nullopt;
    }
    const std::size_t host = secure ? 8 : 7;
    const std::size_t target = end_of_plain_host(raw, host);
    if (target == kNotPlain || !is_plain_target(raw, target)) {
        return std::nullopt;
    }
    CanonicalUrl url;
    url.scheme = secure ? Scheme::https : Scheme::http;
    url.port = default_port_of(url.scheme);
    url.host = raw.substr(host, target - host);
    if (target < raw.size() && raw[target] == '/') {
        url.text = raw;
        url.target = raw.substr(target);
        return url;
    }
    url.target.reserve(raw.size() - target + 1);
    url.target.append("/").append(raw.substr(target));
    url.text.reserve(raw.size() + 1);
    url.text.append(raw.substr(0, target)).append(url.target);
    return url;
}

}  // namespace grit::url
