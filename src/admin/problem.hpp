// Errors as RFC 9457 "problem details": what a person can act on, in a shape that a program can read.
#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <string_view>

namespace grit::admin {

/// One answer that fits in memory.
struct Reply {
    unsigned status = 200;  ///< HTTP status.
    boost::json::value body;
    std::string_view content_type = "application/json";  ///< Static storage.
    std::string_view allow;                              ///< The Allow header of a 405. Static storage.
};

/// @param status  HTTP status, 400 or more; the `title` is its reason phrase (RFC 9457 section 4.2.1, "about:blank").
/// @param detail  what is wrong, with the name of the thing that is.
/// @param hint  what to do about it; left out if empty.
[[nodiscard]] Reply problem(unsigned status, std::string_view detail, std::string_view hint = {});

}  // namespace grit::admin
