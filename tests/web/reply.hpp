// From a request and a behaviour to the bytes that go out.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "image_forge.hpp"
#include "script.hpp"

namespace grit::testweb {

/// What is asked for.
struct Asked {
    std::string method;
    std::string scheme;  ///< "http" or "https"
    std::string host;    ///< lower case, without port
    std::string target;
    bool keep_alive = true;
};

/// What happens to the connection once the wire bytes are sent.
enum class Ending : std::uint8_t {
    keep,     ///< the next request may come
    close,    ///< closed in order (TLS: close_notify)
    cut,      ///< closed without close_notify
    reset,    ///< RST
    stall,    ///< left hanging
    endless,  ///< filler until the peer has had enough
};

/// One answer, ready to be sent.
struct Reply {
    int status = 200;
    std::string wire;            ///< head and framed body, up to the point where `ending` happens
    std::size_t head_bytes = 0;  ///< of `wire`
    std::size_t body_bytes = 0;  ///< of the whole body, framing apart
    Ending ending = Ending::keep;
    bool whole = true;        ///< nothing of what was announced is missing
    bool chunked = false;     ///< for an endless body
    std::string sha256;       ///< of the image that is served whole with status 200; else empty
    std::string retry_after;  ///< as sent
    std::string location;     ///< as sent
};

/// @param behaviour  null: the default (the image; 404 for robots.txt).
[[nodiscard]] Reply make_reply(const Asked& asked, const Behaviour* behaviour, const ImageForge& forge);

/// An HTTP-date (RFC 9110 section 5.6.7), the wall clock plus some seconds.
[[nodiscard]] std::string http_date(std::int64_t seconds_ahead);

}  // namespace grit::testweb
