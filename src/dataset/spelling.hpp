// Texts as Python's json and csv modules write them: the exports replace files that those wrote.
#pragma once

#include <string>
#include <string_view>

namespace grit::dataset {

/// Appends `text` in quotes as json.dumps(text, ensure_ascii=False): escaped are the quote, the backslash and U+0000 to
/// U+001F, and nothing else.
void append_json_string(std::string& out, std::string_view text);

/// Appends a field as csv.writer with QUOTE_MINIMAL: in quotes if it holds a comma, a quote, CR or LF (RFC 4180
/// section 2).
void append_csv_field(std::string& out, std::string_view text);

/// Appends "a,b" CR LF.
void append_csv_row(std::string& out, std::string_view first, std::string_view second);

}  // namespace grit::dataset
