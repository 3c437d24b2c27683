// Any JSON object as a list of names and values: records, hosts, explanations, statistics.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <string>

namespace grit::ctl {

/// One line per field. The unit is told by the name: `..._bytes` and `bytes` are sizes, `..._seconds` durations,
/// `..._ms` milliseconds, `..._at` times (unix seconds). Objects are indented, lists of objects become tables.
[[nodiscard]] std::string render_fields(const boost::json::object& fields);

/// Objects with about the same fields as a table with a head line; a line that says so if there are none.
[[nodiscard]] std::string render_rows(const boost::json::array& rows);

}  // namespace grit::ctl
