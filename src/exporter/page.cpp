#include "page.hpp"

#include <fmt/format.h>

#include <boost/beast/http/field.hpp>
#include <utility>

#include "grit/base/version.hpp"

namespace grit::exporter {
namespace http = boost::beast::http;

namespace {

constexpr std::string_view kText = "text/plain; charset=utf-8";
constexpr std::string_view kHtml = "text/html; charset=utf-8";
// Prometheus, "Exposition formats".
constexpr std::string_view kExposition = "text/plain; version=0.0.4; charset=utf-8";

}  // namespace

Page text_page(http::status status, std::string line) {
    line.push_back('\n');
    return {status, kText, std::move(line)};
}

Page metrics_page(std::string text) {
    return {http::status::ok, kExposition, std::move(text)};
}

Page home_page() {
    return {http::status::ok, kHtml,
            fmt::format("<!DOCTYPE html>\n<html lang=\"en\"><head><title>gritd</title></head><body>\n"
                        "<h1>gritd {}</h1>\n<ul>\n"
                        "<li><a href=\"/metrics\">/metrics</a>: numbers for Prometheus</li>\n"
                        "<li><a href=\"/healthz\">/healthz</a>: is it alive?</li>\n"
                        "<li><a href=\"/readyz\">/readyz</a>: is it at work?</li>\n"
                        "</ul>\n</body></html>\n",
                        version())};
}

std::string_view path_of(std::string_view target) {
    constexpr std::string_view kScheme = "http://";
    if (target.starts_with(kScheme)) {
        const std::size_t slash = target.find('/', kScheme.size());
        target = slash == std::string_view::npos ? "/" : target.substr(slash);
    }
    return target.substr(0, target.find('?'));
}

http::response<http::string_body> response_of(Page page, bool head_only) {
    http::response<http::string_body> response(page.status, 11);
    response.set(http::field::server, fmt::format("gritd/{}", version()));
    response.set(http::field::content_type, boost::beast::string_view(page.media_type.data(), page.media_type.size()));
    response.set(http::field::cache_control, "no-store");
    if (page.status == http::status::method_not_allowed) {
        response.set(http::field::allow, "GET, HEAD");
    }
    response.keep_alive(false);
    response.content_length(page.body.size());
    if (!head_only) {
        response.body() = std::move(page.body);
    }
    return response;
}

}  // namespace grit::exporter
