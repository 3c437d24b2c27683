#include "render_fields.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <string_view>
#include <vector>

#include "grit/base/quantity.hpp"
#include "text.hpp"

namespace grit::ctl {
namespace json = boost::json;

namespace {

constexpr std::size_t kMaxDepth = 8;

std::string number_text(std::string_view name, const json::value& value) {
    if (name.ends_with("_bytes") || name == "bytes") {
        return format_byte_size(count_of(&value));
    }
    if (name.ends_with("_seconds")) {
        return duration(count_of(&value));
    }
    if (name.ends_with("_at")) {
        return local_time(static_cast<std::int64_t>(count_of(&value)));
    }
    if (name.ends_with("_ms")) {
        return fmt::format("{} ms", count_of(&value));
    }
    return value.is_double() ? fmt::format("{:.2f}", value.get_double()) : json::serialize(value);
}

std::string scalar_text(std::string_view name, const json::value& value) {
    switch (value.kind()) {
        case json::kind::null:
            return "-";
        case json::kind::bool_:
            return value.get_bool() ? "yes" : "no";
        case json::kind::string:
            return value.get_string().empty() ? "-" : printable(text_of(&value));
        case json::kind::int64:
        case json::kind::uint64:
        case json::kind::double_:
            return number_text(name, value);
        case json::kind::array:
        case json::kind::object:
            return printable(json::serialize(value));
    }
    return {};
}

bool is_list_of_objects(const json::value& value) {
    return value.is_array() && !value.get_array().empty() &&
           std::all_of(value.get_array().begin(), value.get_array().end(),
                       [](const auto& item) { return item.is_object(); });
}

std::string list_text(std::string_view name, const json::array& items) {
    std::string text;
    for (const json::value& item : items) {
        text += (text.empty() ? "" : ", ") + scalar_text(name, item);
    }
    return text.empty() ? "-" : text;
}

std::vector<std::vector<std::string>> rows_of(const json::array& objects) {
    std::vector<std::string> names;  // In the order in which they are first seen.
    for (const json::value& object : objects) {
        for (const auto& field : object.get_object()) {
            if (std::find(names.begin(), names.end(), std::string(field.key())) == names.end()) {
                names.emplace_back(field.key());
            }
        }
    }
    std::vector<std::vector<std::string>> rows(1);
    for (const std::string& name : names) {
        std::string heading = printable(name.substr(0, name.rfind("_seconds")));
        std::transform(heading.begin(), heading.end(), heading.begin(),
                       [](unsigned char c) { return static_cast<char>(c == '_' ? ' ' : std::toupper(c)); });
        rows.front().push_back(std::move(heading));
    }
    for (const json::value& object : objects) {
        auto& row = rows.emplace_back();
        for (const std::string& name : names) {
            const json::value* value = object.get_object().if_contains(name);
            row.push_back(value == nullptr ? "-" : scalar_text(name, *value));
        }
    }
    return rows;
}

void append_fields(std::string& text, const json::object& fields, const std::string& indent) {
    std::size_t width = 0;
    for (const auto& field : fields) {
        width = std::max(width, field.key().size());
    }
    for (const auto& field : fields) {
        const std::string name(field.key());
        const json::value& value = field.value();
        if (value.is_object() && indent.size() < 4 * kMaxDepth) {
            text += indent + printable(name) + "\n";
            append_fields(text, value.get_object(), indent + "    ");
        } else if (is_list_of_objects(value)) {
            text += indent + printable(name) + "\n" + table(rows_of(value.get_array()), indent + "    ");
        } else {
            const std::string shown = value.is_array() ? list_text(name, value.get_array()) : scalar_text(name, value);
            text += fmt::format("{}{:<{}}  {}\n", indent, printable(name), width, shown);
        }
    }
}

}  // namespace

std::string render_fields(const json::object& fields) {
    std::string text;
    append_fields(text, fields, {});
    return text;
}

std::string render_rows(const json::array& rows) {
    if (!is_list_of_objects(rows)) {
        return "none\n";
    }
    return table(rows_of(rows));
}

}  // namespace grit::ctl
