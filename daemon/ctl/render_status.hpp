// The daemon's status as people read it. The JSON is that of GET /v1/status (docs/admin_api.md).
#pragma once

#include <boost/json/object.hpp>
#include <cstddef>
#include <string>

#include "output.hpp"

namespace grit::ctl {

/// The block of `gritctl status`: a head line, then progress, input, stored, hosts, failing and a note.
[[nodiscard]] std::string render_status(const boost::json::object& status, bool color);

/// The redrawn block of `gritctl watch`: lines of at most `columns` characters, each ended by a line feed.
[[nodiscard]] std::string render_watch(const boost::json::object& status, bool color, std::size_t columns);

/// `watch` in one line (without a line feed), for pipes and logs.
[[nodiscard]] std::string render_line(const boost::json::object& status);

}  // namespace grit::ctl
