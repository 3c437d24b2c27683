// What is answered: a page, and the HTTP response that carries it.
#pragma once

#include <boost/beast/http/message.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/http/string_body.hpp>
#include <string>
#include <string_view>

namespace grit::exporter {

struct Page {
    boost::beast::http::status status;
    std::string_view media_type;  ///< Static storage.
    std::string body;
};

/// A page for people and scripts: the line and its end.
[[nodiscard]] Page text_page(boost::beast::http::status status, std::string line);
/// The numbers, as Prometheus' text format 0.0.4.
[[nodiscard]] Page metrics_page(std::string text);
/// Links to the others.
[[nodiscard]] Page home_page();

/// The path of a request target in origin form or absolute form (RFC 9112 3.2), without its query.
[[nodiscard]] std::string_view path_of(std::string_view target);

/// The whole response; its connection ends with it. A HEAD gets the head of what a GET would get (RFC 9110 9.3.2).
[[nodiscard]] boost::beast::http::response<boost::beast::http::string_body> response_of(Page page, bool head_only);

}  // namespace grit::exporter
