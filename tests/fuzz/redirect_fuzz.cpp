// A hostile Location beside a page of any kind: it leads to a canonical http(s) URL, or nowhere.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "grit/url/canonical_url.hpp"

namespace {

using grit::url::CanonicalUrl;
using grit::url::Scheme;

constexpr std::array<std::string_view, 6> kBases{
    "http://example.org/",           "https://example.org:8443/a/b?c/d", "https://xn--bcher-kva.example/%20/x.jpg?q=1",
    "http://192.0.2.1:8080/a/../b/", "http://[2001:db8::1]/x/y/z",       "https://a.example//double//slash"};

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

// What a URL parser sees (WHATWG URL, basic parser): without tabs, line ends, and spaces and controls around.
std::string seen(std::string_view raw) {
    std::string text;
    for (const char c : raw) {
        if (c != '\t' && c != '\n' && c != '\r') {
            text.push_back(c);
        }
    }
    const auto is_space = [](char c) { return static_cast<unsigned char>(c) <= ' '; };
    while (!text.empty() && is_space(text.back())) {
        text.pop_back();
    }
    std::size_t begin = 0;
    while (begin < text.size() && is_space(text[begin])) {
        ++begin;
    }
    return text.substr(begin);
}

// The scheme that the text begins with, in lower case; empty if with none. One with a dot is read as a host or a file
// ("example.org:80"), so as a path.
std::string scheme_of(std::string_view text) {
    std::string scheme;
    for (const char c : text) {
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        const bool other = (c >= '0' && c <= '9') || c == '+' || c == '-';
        if (c == ':') {
            return scheme;
        }
        if (!letter && (!other || scheme.empty())) {
            break;
        }
        scheme.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c);
    }
    return {};
}

bool is_slash(char c) {
    return c == '/' || c == '\\';
}

void check(const CanonicalUrl& url) {
    require(url.scheme == Scheme::http || url.scheme == Scheme::https);
    require(url.text == url.origin() + url.target ||
            url.text == std::string(name_of(url.scheme)) + "://" + url.authority() + url.target);
    require(url.text.find_first_of(std::string_view(" \t\r\n\0#", 6)) == std::string::npos);
    require(url.authority().find('@') == std::string::npos);
    const auto again = grit::url::canonicalize(url.text);
    require(again && *again == url);
    require(*resolve(url, url.text) == url && *resolve(url, url.target.starts_with("//") ? "" : url.target) == url);
}

}  // namespace

// The first byte chooses the page, the rest is its Location.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const CanonicalUrl base = grit::url::canonicalize(kBases[data[0] % kBases.size()]).value();
    const std::string_view location(reinterpret_cast<const char*>(data) + 1, size - 1);
    const auto found = resolve(base, location);
    if (!found) {
        return 0;
    }
    check(*found);
    const std::string text = seen(location);
    const std::string scheme = scheme_of(text);
    require(scheme.empty() || scheme == "http" || scheme == "https");
    if (!scheme.empty()) {
        require(name_of(found->scheme) == scheme);
    } else if (text.size() < 2 || !is_slash(text[0]) || !is_slash(text[1])) {
        require(found->origin() == base.origin());  // a path alone never leaves the host
    } else {
        require(found->scheme == base.scheme);
    }
    // Sent there again, as in a chain.
    if (const auto next = resolve(*found, location)) {
        check(*next);
    }
    return 0;
}
