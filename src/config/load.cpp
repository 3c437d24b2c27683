#include "grit/config/load.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <tuple>

#include "reader.hpp"
#include "schema.hpp"
#include "shipped_classes.hpp"
#include "spelling.hpp"

namespace grit::config {
namespace {

void check_intervals(const Config& config, Reader& reader) {
    const Key low{"politeness", "min_interval"};
    const Key high{"politeness", "max_interval"};
    // An end that is broken itself has been reported already.
    if (reader.is_sound(low) && reader.is_sound(high) &&
        config.politeness.min_interval > config.politeness.max_interval) {
        reader.report_value(reader.is_given(low) ? low : high,
                            fmt::format("politeness: min_interval {} is longer than max_interval {}",
                                        quoted(spell_duration(config.politeness.min_interval)),
                                        quoted(spell_duration(config.politeness.max_interval))));
    }
}

std::vector<ConfigError> sorted(std::vector<ConfigError> errors) {
    std::sort(errors.begin(), errors.end(), [](const ConfigError& a, const ConfigError& b) {
        return std::tie(a.line, a.column, a.message) < std::tie(b.line, b.column, b.message);
    });
    return errors;
}

std::vector<ConfigError> syntax_error(const std::string& file, const toml::parse_error& error) {
    return {{file, error.source().begin.line, error.source().begin.column,
             fmt::format("no valid TOML: {}", printable(error.description()))}};
}

LoadResult whole_file_error(const std::string& file, std::string message) {
    return std::vector<ConfigError>{{file, 0, 0, std::move(message)}};
}

}  // namespace

std::string ConfigError::text() const {
    return line == 0 ? fmt::format("{}: {}", file, message) : fmt::format("{}:{}:{}: {}", file, line, column, message);
}

LoadResult parse_config(std::string_view text, const std::string& file_name) {
    if (text.size() > kMaxConfigBytes) {
        return whole_file_error(file_name, "is longer than 1 MiB: no config file is");
    }
    const std::string_view mark = "\xEF\xBB\xBF";
    if (text.starts_with(mark)) {
        text.remove_prefix(mark.size());
    }
    const toml::parse_result parsed = toml::parse(text);
    if (!parsed) {
        return syntax_error(file_name, parsed.error());
    }
    Config config;
    Reader reader(parsed.table(), file_name);
    describe(config, reader);
    check_intervals(config, reader);
    reader.report_unknown();
    std::vector<ConfigError> errors = sorted(reader.take_errors());
    if (!errors.empty()) {
        return errors;
    }
    return config;
}

std::variant<std::vector<HostClass>, std::vector<ConfigError>> parse_classes(std::string_view text,
                                                                             const std::string& file_name) {
    const toml::parse_result parsed = toml::parse(text);
    if (!parsed) {
        return syntax_error(file_name, parsed.error());
    }
    Politeness politeness;
    Reader reader(parsed.table(), file_name);
    reader.classes({"politeness", "class"}, politeness);
    reader.report_unknown();
    std::vector<ConfigError> errors = sorted(reader.take_errors());
    if (!errors.empty()) {
        return errors;
    }
    return std::move(politeness.classes);
}

LoadResult load_config(const std::string& path) {
    const auto close = [](std::FILE* file) { std::fclose(file); };
    const std::unique_ptr<std::FILE, decltype(close)> file(std::fopen(path.c_str(), "rbe"), close);
    if (!file) {
        return whole_file_error(path, fmt::format("can not be opened: {}", std::generic_category().message(errno)));
    }
    std::string text(kMaxConfigBytes + 1, '\0');
    errno = 0;
    text.resize(std::fread(text.data(), 1, text.size(), file.get()));
    if (std::ferror(file.get()) != 0) {
        return whole_file_error(path, fmt::format("can not be read: {}", std::generic_category().message(errno)));
    }
    return parse_config(text, path);
}

}  // namespace grit::config
