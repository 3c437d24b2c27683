// Reads the keys of the schema out of a parsed TOML file and collects everything that is wrong with it.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "grit/config/load.hpp"
#include "schema.hpp"
#include "toml.hpp"

namespace grit::config {

/// A visitor of `describe`: one function per kind of value. A value that is wrong leaves the default and an error.
/// Lifetime: the table must outlive the reader.
class Reader {
  public:
    Reader(const toml::table& root, std::string file) : root_(root), file_(std::move(file)) {}
    /// Of the one table that keys call `table`: an element of a list of tables.
    Reader(const toml::table& element, std::string file, std::string_view table)
        : root_(element), file_(std::move(file)), only_table_(table) {}

    void text(const Key& key, std::string& out, Check check);
    void texts(const Key& key, std::vector<std::string>& out, Between<std::size_t> length, Check check);
    void flag(const Key& key, bool& out);
    void count(const Key& key, std::uint32_t& out, Between<std::uint32_t> range);
    void number(const Key& key, double& out, Between<double> range);
    void size(const Key& key, std::uint64_t& out, Between<std::uint64_t> range);
    void duration(const Key& key, milliseconds& out, Between<milliseconds> range);
    void durations(const Key& key, std::vector<milliseconds>& out, Between<std::size_t> length,
                   Between<milliseconds> range);
    void ports(const Key& key, std::map<std::uint16_t, std::uint16_t>& out);
    /// @param out  its other keys have been read: classes inherit them.
    void classes(const Key& key, Politeness& out);
    /// @param out  its root has been read: no volume may be there.
    void volumes(const Key& key, Storage& out);
    void maybe_count(const Key& key, std::optional<std::uint32_t>& out, Between<std::uint32_t> range);
    void maybe_duration(const Key& key, std::optional<milliseconds>& out, Between<milliseconds> range);

    /// A name out of a closed list.
    template <class T, std::size_t N>
    void choice(const Key& key, T& out, const std::array<T, N>& values) {
        std::array<std::string_view, N> names{};
        std::transform(values.begin(), values.end(), names.begin(), [](T value) { return name_of(value); });
        if (const auto chosen = chosen_of(key, names)) {
            out = values[*chosen];
        }
    }

    /// After all keys were visited: whatever else the file holds.
    void report_unknown();

    [[nodiscard]] bool is_given(const Key& key) const { return node_of(key) != nullptr; }
    /// True if the key is absent or was read without an error.
    [[nodiscard]] bool is_sound(const Key& key) const { return !unsound_.contains(path_of(key)); }
    /// An error at the place of a given value.
    void report_value(const Key& key, std::string message);

    [[nodiscard]] std::vector<ConfigError> take_errors() { return std::move(errors_); }

  private:
    /// The value of a key; null where it is absent (which is an error if it is required). Also notes that it is known.
    const toml::node* find(const Key& key);
    [[nodiscard]] const toml::node* node_of(const Key& key) const;
    [[nodiscard]] static std::string path_of(const Key& key);

    std::optional<std::string> string_in(const Key& key, const toml::node& node, std::string_view expected);
    std::optional<milliseconds> duration_in(const Key& key, const toml::node& node, Between<milliseconds> range);
    std::optional<std::string> checked_text_in(const Key& key, const toml::node& node, Check check);
    /// The elements of an array whose length is right.
    const toml::array* array_in(const Key& key, const toml::node& node, Between<std::size_t> length,
                                std::string_view elements);
    std::optional<std::size_t> chosen_of(const Key& key, std::span<const std::string_view> names);
    std::optional<std::uint16_t> port_in(const Key& key, const toml::node& node);
    void check_class(const HostClass& read, const Politeness& politeness, Reader& place) const;

    void report(const Key& key, const toml::source_region& place, const std::string& message);
    void report_at(const toml::source_region& place, std::string message);
    void report_missing(const Key& key);
    void report_unknown_keys(std::string_view name, const toml::table& table);
    void report_unknown_key(std::string_view table, const toml::key& key);
    void report_unknown_table(const toml::key& key, const toml::node& node);
    [[nodiscard]] std::string hint_for(std::string_view table, std::string_view name) const;

    const toml::table& root_;
    std::string file_;
    std::optional<std::string_view> only_table_;
    std::vector<ConfigError> errors_;
    std::map<std::string_view, std::vector<std::string_view>> known_;  // Names by table, as visited.
    std::set<std::string> unsound_;                                    // Paths of keys with an error.
};

}  // namespace grit::config
