#include "spelling.hpp"

#include <array>

namespace grit::dataset {
namespace {

// What stands behind the backslash; 0 if there is no short form.
char short_escape(char c) {
    switch (c) {
        case '"':
        case '\\':
            return c;
        case '\b':
            return 'b';
        case '\f':
            return 'f';
        case '\n':
            return 'n';
        case '\r':
            return 'r';
        case '\t':
            return 't';
        default:
            return 0;
    }
}

void append_escaped(std::string& out, char c) {
    if (const char letter = short_escape(c); letter != 0) {
        out.append({'\\', letter});
        return;
    }
    constexpr std::string_view kHex = "0123456789abcdef";
    const auto code = static_cast<unsigned char>(c);
    out.append("\\u00").append({kHex[code >> 4U], kHex[code & 15U]});
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
    out.push_back('"');
    std::size_t plain_from = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\') {
            continue;
        }
        out.append(text, plain_from, i - plain_from);
        append_escaped(out, c);
        plain_from = i + 1;
    }
    out.append(text, plain_from).push_back('"');
}

void append_csv_field(std::string& out, std::string_view text) {
    if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
        out.append(text);
        return;
    }
    out.push_back('"');
    for (const char c : text) {
        if (c == '"') {
            out.push_back('"');
        }
        out.push_back(c);
    }
    out.push_back('"');
}

void append_csv_row(std::string& out, std::string_view first, std::string_view second) {
    append_csv_field(out, first);
    out.push_back(',');
    append_csv_field(out, second);
    out.append("\r\n");
}

}  // namespace grit::dataset
