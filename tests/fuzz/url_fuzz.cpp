// Any bytes as a URL of an annotation, and as a Location beside a good one.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "grit/url/canonical_url.hpp"
#include "grit/url/registrable_domain.hpp"

namespace {

using grit::url::CanonicalUrl;

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

bool is_plain(std::string_view text, std::string_view others) {
    for (const char c : text) {
        const bool alphanumeric = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!alphanumeric && others.find(c) == std::string_view::npos) {
            return false;
        }
    }
    return true;
}

// The invariants of the header.
void check(const CanonicalUrl& url) {
    require(url.text == std::string(name_of(url.scheme)) + "://" + url.authority() + url.target);
    require(url.text.size() <= grit::url::kMaxUrlBytes);
    require(url.target.starts_with('/') && is_plain(url.target, "-._~:/?[]@!$&'()*+,;=%"));
    require(!url.host.empty() && is_plain(url.host, url.host_is_address ? ".:" : "-._"));
    require(!url.host.ends_with('.') && url.port != 0);
    const auto again = grit::url::canonicalize(url.text);
    require(again.has_value() && again->text == url.text && again->host == url.host && again->port == url.port &&
            again->target == url.target && again->host_is_address == url.host_is_address);
    require(resolve(url, "")->text == url.text);
    require(resolve(url, url.text)->text == url.text);
    const std::string domain = grit::url::registrable_domain(url.host);
    require(url.host.ends_with(domain) && grit::url::partition_of(domain) < grit::url::kPartitionCount);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view raw(reinterpret_cast<const char*>(data), size);
    static const CanonicalUrl base = grit::url::canonicalize("https://example.org:8443/a/b?c/d").value();
    const auto url = grit::url::canonicalize(raw);
    if (url) {
        check(*url);
    }
    // A space in front goes, and keeps the URL off the fast path.
    const auto long_way = grit::url::canonicalize(" " + std::string(raw));
    require(url ? long_way && long_way->text == url->text && long_way->host == url->host
                : url.error() == long_way.error());
    if (const auto found = resolve(base, raw)) {
        check(*found);
    }
    // The host alone is the hardest part to reach.
    if (const auto found = grit::url::canonicalize("http://" + std::string(raw) + "/")) {
        check(*found);
    }
    return 0;
}
