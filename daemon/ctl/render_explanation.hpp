// `gritctl explain`: the JSON of GET /v1/explain (docs/admin_api.md) for people.
#pragma once

#include <boost/json/object.hpp>
#include <string>

namespace grit::ctl {

/// The URL, then one paragraph per reason: what holds it, since and until when, and what would change it.
[[nodiscard]] std::string render_explanation(const boost::json::object& explanation);

}  // namespace grit::ctl
