// `gritctl hosts`: the JSON of GET /v1/hosts (docs/admin_api.md) as a table.
#pragma once

#include <boost/json/array.hpp>
#include <string>

namespace grit::ctl {

/// One line per host: state, what is left, how often it is asked, when next, how long it takes, and how its URLs ended.
[[nodiscard]] std::string render_hosts(const boost::json::array& hosts);

}  // namespace grit::ctl
