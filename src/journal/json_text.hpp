// JSON as it is written, byte by byte: a line has twenty values, and a tree of them would cost more than all else.
// Private to the module.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace grit::journal {

/// In quotes, escaped (RFC 8259 section 7). Bytes that are no UTF-8 become U+FFFD.
void append_quoted(std::string& out, std::string_view text);
void append_number(std::string& out, std::uint64_t number);

}  // namespace grit::journal
