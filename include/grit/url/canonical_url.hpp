// The one spelling of a URL that gritd works with: what it is asked by, hashed by, grouped by and deduplicated by.
//
// Annotations carry URLs as a browser met them: HTML-escaped, with raw spaces, in any case, with user info and
// fragments. `canonicalize` reads them as a browser does (WHATWG URL Standard) and writes them in one form that RFC
// 3986 and HTTP accept. It says nothing of whether a host may be asked: addresses are guarded where they are dialled.
#pragma once

#include <boost/system/error_category.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include "grit/base/ids.hpp"
#include "grit/base/outcome.hpp"
#include "grit/base/result.hpp"

namespace grit::url {

enum class Scheme : std::uint8_t { http, https };

/// "http" or "https".
[[nodiscard]] std::string_view name_of(Scheme scheme) noexcept;
/// 80 or 443.
[[nodiscard]] std::uint16_t default_port_of(Scheme scheme) noexcept;

/// Why a text is no URL that can be fetched.
enum class Errc {
    success = 0,
    empty,              ///< Nothing but spaces and line breaks.
    no_scheme,          ///< "example.org/a.jpg", "//example.org/a.jpg", plain words.
    scheme_refused,     ///< Another scheme than http and https: "data:", "ftp:".
    no_host,            ///< "http:///", "http://:80/".
    bad_host,           ///< No host name or address: bad label, bad IDNA, number out of range, bracket open.
    bad_port,           ///< Not a number from 1 to 65535.
    too_long,           ///< Over `kMaxUrlBytes` as given or in canonical form.
    control_character,  ///< A control byte other than the tab, LF and CR that are dropped.
};

/// "bad_host" and the like: for records and exports. Static storage.
[[nodiscard]] std::string_view name_of(Errc error) noexcept;
[[nodiscard]] const boost::system::error_category& url_category() noexcept;
[[nodiscard]] inline ErrorCode make_error_code(Errc error) noexcept {
    return {static_cast<int>(error), url_category()};
}

/// The outcome that a URL with this error has: `scheme_refused` or `bad_url`.
[[nodiscard]] Outcome outcome_of(const ErrorCode& error) noexcept;

/// Longest URL, as given (surrounding spaces apart) and in canonical form. Servers commonly refuse request lines
/// above 8 KiB.
inline constexpr std::size_t kMaxUrlBytes = 8000;

/// XXH3-128 of any text: key in the store of lines that are no URL.
[[nodiscard]] UrlHash hash_of_text(std::string_view text) noexcept;

/// A URL in canonical form. Two texts name the same URL if, and only if, their `text` is equal.
///
/// Only `canonicalize` and `resolve` make one. Invariants: `text` is scheme, "://", `authority()` and `target`;
/// printable ASCII without spaces; `canonicalize(text)` gives the same again.
struct CanonicalUrl {
    std::string text;
    Scheme scheme = Scheme::http;
    /// Lower-case A-label name without a trailing dot, dotted IPv4, or IPv6 (RFC 5952) without brackets.
    std::string host;
    std::uint16_t port = 0;
    /// Path and query as an HTTP request line wants them (RFC 9112 section 3.2.1); begins with "/".
    std::string target;
    /// True if `host` is an IPv4 or IPv6 address.
    bool host_is_address = false;

    /// "https://example.org:443": key of connections and of robots.txt. The port is always there.
    [[nodiscard]] std::string origin() const;
    /// "example.org", "example.org:8080", "[::1]": the Host header (RFC 9110 section 7.2).
    [[nodiscard]] std::string authority() const;
    /// Key of the URL in the store: XXH3-128 of `text`.
    [[nodiscard]] UrlHash hash() const noexcept;

    bool operator==(const CanonicalUrl& other) const noexcept { return text == other.text; }
};

/// Brings a URL as annotations carry it into canonical form.
///
/// Cleaned: surrounding spaces and controls are cut, tab and line breaks inside dropped; "&amp;" and "&#38;" become
/// "&", also where they were escaped more than once; "\" counts as "/" before the query; user info and fragment go.
/// Host: percent-decoded, IDNA (UTS 46, non-transitional), lower case, one trailing dot cut; all spellings of IPv4
/// (decimal, octal, hexadecimal, short) become dotted; the scheme's own port goes.
/// Target: dot segments resolved, %XX of unreserved characters decoded, other %XX in upper case, a "%" that begins
/// none becomes "%25", bytes that RFC 3986 does not know become %XX. "[" and "]" stay.
/// @param raw any bytes, hostile ones too. Time is linear in its size; an ordinary URL takes well under 1 us.
/// Errors: every value of `Errc`.  Threads: any.
/// Source: WHATWG URL Standard sections 3.5 (hosts) and 4.4 (parsing), RFC 3986 section 6.2.2.
[[nodiscard]] Result<CanonicalUrl> canonicalize(std::string_view raw);

/// The URL that a Location header means: absolute, "//host/x", "/x", "?x", "x", "../x", or empty for `base` itself.
///
/// Cleaned like `canonicalize`. "http:x" on an http base is relative, as old servers mean it (RFC 3986 section 5.2.2).
/// @param reference any bytes, hostile ones too.
/// Errors: every value of `Errc`, but for `empty` and `no_scheme`.  Threads: any.
/// Source: RFC 3986 section 5, RFC 9110 section 10.2.2.
[[nodiscard]] Result<CanonicalUrl> resolve(const CanonicalUrl& base, std::string_view reference);

}  // namespace grit::url

template <>
struct boost::system::is_error_code_enum<grit::url::Errc> : std::true_type {};
