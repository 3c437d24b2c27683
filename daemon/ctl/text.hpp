// Numbers, times and tables as people read them.
#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace grit::ctl {

enum class Lines { escape, keep };

/// The text without anything that a terminal would obey: control characters (C0, DEL, C1) become \xNN. What comes from
/// the network is shown through this.
/// @param lines  keep: line feeds stay.
[[nodiscard]] std::string printable(std::string_view text, Lines lines = Lines::escape);

/// "4 102 331".
[[nodiscard]] std::string grouped(std::uint64_t number);

/// "20.0%" of a part and a whole; "0.0%" of nothing.
[[nodiscard]] std::string percent(std::uint64_t part, std::uint64_t whole);

/// "812", "1.5": a rate per second, whole from ten on.
[[nodiscard]] std::string rate(double per_second);

/// "2026-11-23 10:02:00", local time.
[[nodiscard]] std::string local_time(std::int64_t unix_seconds);

/// "3h12m" of seconds.
[[nodiscard]] std::string duration(std::uint64_t seconds);

/// A JSON number as an unsigned one: 0 for what is none, or negative.
[[nodiscard]] std::uint64_t count_of(const boost::json::value* value);
[[nodiscard]] double real_of(const boost::json::value* value);
/// A JSON text; empty for what is none.
[[nodiscard]] std::string text_of(const boost::json::value* value);

/// `object[table][name]` and `object[name]`; nullptr where there is none.
[[nodiscard]] const boost::json::value* member(const boost::json::object& object, std::string_view name);
[[nodiscard]] const boost::json::value* member(const boost::json::object& object, std::string_view table,
                                               std::string_view name);

/// Columns two spaces apart; those that hold only numbers, durations and "-" below their head are set flush right.
[[nodiscard]] std::string table(const std::vector<std::vector<std::string>>& rows, std::string_view indent = {});

}  // namespace grit::ctl
