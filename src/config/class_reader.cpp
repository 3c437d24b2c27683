// Reads [[politeness.class]]: a list of tables, each with keys of its own.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string_view>

#include "reader.hpp"
#include "spelling.hpp"

namespace grit::config {
namespace {

// The number of a class is a byte in the frontier; half of them are left to the classes that are shipped.
constexpr Between<std::size_t> kClasses{0, 128};

std::string canonical_suffix(std::string name) {
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (name.ends_with('.')) {
        name.pop_back();
    }
    return name;
}

}  // namespace

void Reader::maybe_count(const Key& key, std::optional<std::uint32_t>& out, Between<std::uint32_t> range) {
    std::uint32_t value = range.low;
    const bool given = is_given(key);
    count(key, value, range);
    out = given ? std::optional(value) : std::nullopt;
}

void Reader::maybe_duration(const Key& key, std::optional<milliseconds>& out, Between<milliseconds> range) {
    milliseconds value = range.low;
    const bool given = is_given(key);
    duration(key, value, range);
    out = given ? std::optional(value) : std::nullopt;
}

void Reader::classes(const Key& key, Politeness& out) {
    const toml::node* node = find(key);
    const toml::array* array = node != nullptr ? array_in(key, *node, kClasses, "tables") : nullptr;
    if (array == nullptr) {
        return;
    }
    out.classes.clear();
    for (const toml::node& element : *array) {
        const toml::table* table = element.as_table();
        if (table == nullptr) {
            report(key, element.source(), "expected a table: each class begins with a line [[politeness.class]]");
            continue;
        }
        Reader part(*table, file_, "politeness.class");
        HostClass read;
        describe_class(read, part);
        std::transform(read.suffixes.begin(), read.suffixes.end(), read.suffixes.begin(), canonical_suffix);
        check_class(read, out, part);
        part.report_unknown();
        const std::vector<ConfigError> errors = part.take_errors();
        errors_.insert(errors_.end(), errors.begin(), errors.end());
        out.classes.push_back(std::move(read));
    }
}

// What its keys can not tell one by one.
void Reader::check_class(const HostClass& read, const Politeness& politeness, Reader& place) const {
    const std::string_view table = *place.only_table_;
    const Key low{table, "min_interval"};
    const Key high{table, "max_interval"};
    const milliseconds shortest = read.min_interval.value_or(politeness.min_interval);
    const milliseconds longest = read.max_interval.value_or(politeness.max_interval);
    const bool sound = place.is_sound(low) && place.is_sound(high) && is_sound({"politeness", "min_interval"}) &&
                       is_sound({"politeness", "max_interval"});
    if ((read.min_interval || read.max_interval) && sound && shortest > longest) {
        place.report_value(read.min_interval ? low : high,
                           fmt::format("{}: min_interval {} is longer than max_interval {}", table,
                                       quoted(spell_duration(shortest)), quoted(spell_duration(longest))));
    }
    const auto seen_before = [&](std::size_t i) {
        const auto end = read.suffixes.begin() + static_cast<std::ptrdiff_t>(i);
        return std::find(read.suffixes.begin(), end, read.suffixes[i]) != end;
    };
    for (std::size_t i = 0; i < read.suffixes.size(); ++i) {
        if (seen_before(i)) {
            place.report_value({table, "suffixes"}, fmt::format("{}.suffixes: {} is there twice", table, quoted(read.suffixes[i])));
        }
    }
    for (const HostClass& other : politeness.classes) {
        if (!read.name.empty() && other.name == read.name) {
            place.report_value({table, "name"}, fmt::format("{}.name: {} is another class already", table, quoted(read.name)));
        }
        for (const std::string& suffix : read.suffixes) {
            if (std::find(other.suffixes.begin(), other.suffixes.end(), suffix) != other.suffixes.end()) {
                place.report_value({table, "suffixes"}, fmt::format("{}.suffixes: {} is in the class {} already", table,
                                                                    quoted(suffix), quoted(other.name)));
            }
        }
    }
}

}  // namespace grit::config
