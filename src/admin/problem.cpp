#include "problem.hpp"

#include <boost/beast/http/status.hpp>
#include <boost/json/object.hpp>

namespace grit::admin {

Reply problem(unsigned status, std::string_view detail, std::string_view hint) {
    const auto title = boost::beast::http::obsolete_reason(static_cast<boost::beast::http::status>(status));
    boost::json::object body;
    body["type"] = "about:blank";
    body["title"] = std::string_view(title.data(), title.size());
    body["status"] = status;
    body["detail"] = detail;
    if (!hint.empty()) {
        body["hint"] = hint;
    }
    Reply reply;
    reply.status = status;
    reply.body = std::move(body);
    reply.content_type = "application/problem+json";
    return reply;
}

}  // namespace grit::admin
