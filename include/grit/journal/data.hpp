// What lines of the minor kinds have in `data`, to and fro.
//
// Readers take any object: what is missing or of another type is as in a new row.
#pragma once

#include <optional>
#include <string_view>

#include <boost/json/object.hpp>

#include "grit/store/block_rows.hpp"
#include "grit/store/opt_out_rows.hpp"
#include "grit/store/rows.hpp"
#include "grit/store/tables.hpp"

namespace grit::journal {

/// An input with its number in the state.
struct NumberedInput {
    store::InputId id = 0;
    store::InputRow row;
};

[[nodiscard]] boost::json::object data_of(store::InputId id, const store::InputRow& row);
[[nodiscard]] NumberedInput input_of(const boost::json::object& data);

[[nodiscard]] boost::json::object data_of(const store::BlockRow& row);
[[nodiscard]] store::BlockRow block_of(const boost::json::object& data);

[[nodiscard]] boost::json::object data_of(const store::OptOutRow& row);
[[nodiscard]] store::OptOutRow opt_out_of(const boost::json::object& data);

/// What a host may expect of us, and how it has ended; not its counts.
[[nodiscard]] boost::json::object manners_data_of(const store::HostRow& row);
void take_manners(const boost::json::object& data, store::HostRow& row);

/// Whether a rebuild would have to know: a back-off, a ceiling, an end, an origin that is down, a pace that has slowed
/// by half. A pace that gets faster is not told: that happens with every good answer, and is learnt again.
[[nodiscard]] bool manners_differ(const store::HostRow& a, const store::HostRow& b);

}  // namespace grit::journal
