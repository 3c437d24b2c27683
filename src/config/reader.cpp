#include "reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "grit/base/quantity.hpp"
#include "nearest_name.hpp"
#include "spelling.hpp"

namespace grit::config {
namespace {

constexpr std::size_t kMaxShownBytes = 80;

std::string shown(std::string_view text) {
    if (text.size() <= kMaxShownBytes) {
        return quoted(text);
    }
    std::size_t end = kMaxShownBytes;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) {
        --end;  // Not within a character of several bytes (toml++ lets no broken UTF-8 through).
    }
    return quoted(std::string(text.substr(0, end)) + "...");
}

// What a value is, for "expected ..., found ...".
std::string found_in(const toml::node& node) {
    if (const auto* text = node.as_string()) {
        return fmt::format("the text {}", shown(text->get()));
    }
    if (const auto* number = node.as_integer()) {
        return fmt::format("the number {}", number->get());
    }
    if (const auto* number = node.as_floating_point()) {
        return fmt::format("the number {}", number->get());
    }
    if (const auto* flag = node.as_boolean()) {
        return flag->get() ? "true" : "false";
    }
    if (node.is_array()) {
        return "a list";
    }
    return node.is_table() ? "a table" : "a date or time";
}

std::string joined(std::span<const std::string_view> names) {
    std::string out;
    for (const std::string_view name : names) {
        out += fmt::format("{}{}", out.empty() ? "" : ", ", quoted(name));
    }
    return out;
}

std::optional<std::uint16_t> port_named(std::string_view text) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    return error == std::errc() && end == text.data() + text.size() && port != 0 ? std::optional(port) : std::nullopt;
}

}  // namespace

std::string Reader::path_of(const Key& key) {
    return fmt::format("{}.{}", key.table, key.name);
}

const toml::node* Reader::node_of(const Key& key) const {
    const toml::table* table = only_table_ ? &root_ : root_[key.table].as_table();
    return table != nullptr ? table->get(key.name) : nullptr;
}

const toml::node* Reader::find(const Key& key) {
    known_[key.table].push_back(key.name);
    const toml::node* node = node_of(key);
    if (node == nullptr && key.required) {
        report_missing(key);
    }
    return node;
}

void Reader::text(const Key& key, std::string& out, Check check) {
    if (const toml::node* node = find(key)) {
        if (auto value = checked_text_in(key, *node, check)) {
            out = std::move(*value);
        }
    }
}

void Reader::texts(const Key& key, std::vector<std::string>& out, Between<std::size_t> length, Check check) {
    const toml::node* node = find(key);
    const toml::array* array = node != nullptr ? array_in(key, *node, length, "texts") : nullptr;
    if (array == nullptr) {
        return;
    }
    out.clear();
    for (const toml::node& element : *array) {
        if (auto value = checked_text_in(key, element, check)) {
            out.push_back(std::move(*value));
        }
    }
}

void Reader::flag(const Key& key, bool& out) {
    const toml::node* node = find(key);
    if (node == nullptr) {
        return;
    }
    if (const auto* value = node->as_boolean()) {
        out = value->get();
    } else {
        report(key, node->source(), fmt::format("expected true or false, found {}", found_in(*node)));
    }
}

void Reader::count(const Key& key, std::uint32_t& out, Between<std::uint32_t> range) {
    const toml::node* node = find(key);
    if (node == nullptr) {
        return;
    }
    const auto* value = node->as_integer();
    if (value == nullptr) {
        report(key, node->source(), fmt::format("expected a whole number, found {}", found_in(*node)));
    } else if (value->get() < range.low || value->get() > range.high) {
        report(key, node->source(), fmt::format("{} is out of range ({} to {})", value->get(), range.low, range.high));
    } else {
        out = static_cast<std::uint32_t>(value->get());
    }
}

void Reader::number(const Key& key, double& out, Between<double> range) {
    const toml::node* node = find(key);
    if (node == nullptr) {
        return;
    }
    const auto value = node->value<double>();
    if (!value || !node->is_number()) {
        report(key, node->source(), fmt::format("expected a number, found {}", found_in(*node)));
    } else if (!(*value >= range.low && *value <= range.high)) {  // NaN is out of it, too
        report(key, node->source(), fmt::format("{} is out of range ({} to {})", *value, range.low, range.high));
    } else {
        out = *value;
    }
}

void Reader::size(const Key& key, std::uint64_t& out, Between<std::uint64_t> range) {
    const toml::node* node = find(key);
    const auto text = node != nullptr ? string_in(key, *node, R"(a size such as "64MiB")") : std::nullopt;
    if (!text) {
        return;
    }
    const auto value = parse_byte_size(*text);
    if (!value) {
        report(key, node->source(),
               fmt::format(R"({} is no size: write a number and B, KiB, MiB, GiB or TiB, like "64MiB")", shown(*text)));
    } else if (*value < range.low || *value > range.high) {
        report(
            key, node->source(),
            fmt::format("{} is out of range ({} to {})", shown(*text), spell_size(range.low), spell_size(range.high)));
    } else {
        out = *value;
    }
}

void Reader::duration(const Key& key, milliseconds& out, Between<milliseconds> range) {
    if (const toml::node* node = find(key)) {
        out = duration_in(key, *node, range).value_or(out);
    }
}

void Reader::durations(const Key& key, std::vector<milliseconds>& out, Between<std::size_t> length,
                       Between<milliseconds> range) {
    const toml::node* node = find(key);
    const toml::array* array = node != nullptr ? array_in(key, *node, length, "durations") : nullptr;
    if (array == nullptr) {
        return;
    }
    out.clear();
    for (const toml::node& element : *array) {
        if (const auto value = duration_in(key, element, range)) {
            out.push_back(*value);
        }
    }
}

void Reader::ports(const Key& key, std::map<std::uint16_t, std::uint16_t>& out) {
    const toml::node* node = find(key);
    if (node == nullptr) {
        return;
    }
    const toml::table* table = node->as_table();
    if (table == nullptr) {
        report(key, node->source(),
               fmt::format(R"(expected a table such as {{ "443" = 8443 }}, found {})", found_in(*node)));
        return;
    }
    for (const auto& [name, value] : *table) {
        const auto from = port_named(name.str());
        const auto to = port_in(key, value);
        if (!from) {
            report(key, name.source(), fmt::format("{} is no port (1 to 65535)", shown(name.str())));
        } else if (to) {
            out.insert_or_assign(*from, *to);
        }
    }
}

std::optional<std::uint16_t> Reader::port_in(const Key& key, const toml::node& node) {
    const auto* value = node.as_integer();
    if (value == nullptr) {
        report(key, node.source(), fmt::format("expected a port (1 to 65535), found {}", found_in(node)));
    } else if (value->get() < 1 || value->get() > 65535) {
        report(key, node.source(), fmt::format("{} is out of range (1 to 65535)", value->get()));
    } else {
        return static_cast<std::uint16_t>(value->get());
    }
    return std::nullopt;
}

std::optional<std::size_t> Reader::chosen_of(const Key& key, std::span<const std::string_view> names) {
    const toml::node* node = find(key);
    const auto text = node != nullptr ? string_in(key, *node, fmt::format("one of {}", joined(names))) : std::nullopt;
    if (!text) {
        return std::nullopt;
    }
    const auto match = std::find(names.begin(), names.end(), *text);
    if (match != names.end()) {
        return static_cast<std::size_t>(match - names.begin());
    }
    const auto near = nearest_name(*text, names);
    report(key, node->source(),
           fmt::format("{} is none of {}{}", shown(*text), joined(names),
                       near ? fmt::format(": did you mean {}?", quoted(*near)) : ""));
    return std::nullopt;
}

std::optional<std::string> Reader::string_in(const Key& key, const toml::node& node, std::string_view expected) {
    if (const auto* text = node.as_string()) {
        return text->get();
    }
    report(key, node.source(), fmt::format("expected {}, found {}", expected, found_in(node)));
    return std::nullopt;
}

std::optional<std::string> Reader::checked_text_in(const Key& key, const toml::node& node, Check check) {
    auto value = string_in(key, node, "a text");
    if (const Complaint complaint = value ? check(*value) : std::nullopt) {
        report(key, node.source(), fmt::format("{} {}", shown(*value), *complaint));
        return std::nullopt;
    }
    return value;
}

std::optional<milliseconds> Reader::duration_in(const Key& key, const toml::node& node, Between<milliseconds> range) {
    const auto text = string_in(key, node, R"(a duration such as "30s")");
    const auto value = text ? parse_duration(*text) : std::nullopt;
    if (!text) {
        return std::nullopt;
    }
    if (!value) {
        report(key, node.source(),
               fmt::format(R"({} is no duration: write a number and ms, s, m, h or d, like "30s")", shown(*text)));
        return std::nullopt;
    }
    if (*value < range.low || *value > range.high) {
        report(key, node.source(),
               fmt::format("{} is out of range ({} to {})", shown(*text), spell_duration(range.low),
                           spell_duration(range.high)));
        return std::nullopt;
    }
    return value;
}

const toml::array* Reader::array_in(const Key& key, const toml::node& node, Between<std::size_t> length,
                                    std::string_view elements) {
    const toml::array* array = node.as_array();
    if (array == nullptr) {
        report(key, node.source(), fmt::format("expected a list of {}, found {}", elements, found_in(node)));
    } else if (array->size() < length.low || array->size() > length.high) {
        report(key, node.source(),
               fmt::format("has {} entries ({} to {} are possible)", array->size(), length.low, length.high));
        return nullptr;
    }
    return array;
}

void Reader::report_at(const toml::source_region& place, std::string message) {
    // What toml++ makes by itself (the root) has no place: the file's begin is meant.
    errors_.push_back({file_, std::max<std::uint32_t>(place.begin.line, 1),
                       std::max<std::uint32_t>(place.begin.column, 1), std::move(message)});
}

void Reader::report(const Key& key, const toml::source_region& place, const std::string& message) {
    unsound_.insert(path_of(key));
    report_at(place, fmt::format("{}: {}", path_of(key), message));
}

void Reader::report_value(const Key& key, std::string message) {
    const toml::node* node = node_of(key);
    report_at(node != nullptr ? node->source() : root_.source(), std::move(message));
}

void Reader::report_missing(const Key& key) {
    const toml::node* table = only_table_ ? &root_ : root_.get(key.table);
    if (table != nullptr && !table->is_table()) {
        return;  // Reported as a table that is none.
    }
    report(key, table != nullptr ? table->source() : root_.source(), "is missing: it has no default");
}

void Reader::report_unknown() {
    if (only_table_) {
        report_unknown_keys(*only_table_, root_);
        return;
    }
    for (const auto& [key, node] : root_) {
        const toml::table* table = node.as_table();
        if (!known_.contains(key.str())) {
            report_unknown_table(key, node);
        } else if (table == nullptr) {
            report_at(node.source(), fmt::format("{}: expected a table, found {}", key.str(), found_in(node)));
        } else {
            report_unknown_keys(key.str(), *table);
        }
    }
}

void Reader::report_unknown_keys(std::string_view name, const toml::table& table) {
    for (const auto& [key, value] : table) {
        report_unknown_key(name, key);
    }
}

void Reader::report_unknown_table(const toml::key& key, const toml::node& node) {
    std::vector<std::string_view> tables;
    for (const auto& [name, keys] : known_) {
        tables.push_back(name);
    }
    const auto near = nearest_name(key.str(), tables);
    if (node.is_table()) {
        report_at(key.source(), fmt::format("unknown table {}{}", shown(key.str()),
                                            near ? fmt::format(": did you mean [{}]?", *near) : ""));
    } else {
        report_at(key.source(), fmt::format("unknown key {}{}", shown(key.str()), hint_for("", key.str())));
    }
}

void Reader::report_unknown_key(std::string_view table, const toml::key& key) {
    const auto& names = known_[table];
    if (std::find(names.begin(), names.end(), key.str()) == names.end()) {
        report_at(key.source(),
                  fmt::format("unknown key {} in [{}]{}", shown(key.str()), table, hint_for(table, key.str())));
    }
}

std::string Reader::hint_for(std::string_view table, std::string_view name) const {
    for (const auto& [other, names] : known_) {
        if (std::find(names.begin(), names.end(), name) != names.end()) {
            return fmt::format(": it belongs in [{}]", other);
        }
    }
    const auto own = known_.find(table);
    const auto near = own != known_.end() ? nearest_name(name, own->second) : std::nullopt;
    return near ? fmt::format(": did you mean {}?", quoted(*near)) : "";
}

}  // namespace grit::config
