// Structured log lines: an event name and key=value fields, to stderr (journald adds the time).
#pragma once

#include <fmt/format.h>

#include <atomic>
#include <concepts>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace spdlog {
class logger;
}

namespace grit {

enum class LogLevel { debug, info, warning, error };

/// "debug", "info", "warning", "error"; nothing for another text.
[[nodiscard]] std::optional<LogLevel> log_level_named(std::string_view name) noexcept;
[[nodiscard]] std::string_view name_of(LogLevel level) noexcept;

/// One key=value of a log line. Values are quoted where they have spaces or quotes, control bytes are escaped, and
/// they are cut at 512 bytes: what comes from the network can not forge a line.
struct LogField {
    std::string_view key;
    std::string value;

    LogField(std::string_view k, std::string_view v) : key(k), value(v) {}
    LogField(std::string_view k, const char* v) : key(k), value(v) {}
    LogField(std::string_view k, bool v) : key(k), value(v ? "true" : "false") {}
    template <class T>
        requires(std::integral<T> || std::floating_point<T>)
    LogField(std::string_view k, T v) : key(k), value(fmt::format("{}", v)) {}
};

/// Writes events at or above a level. Event names are `module.verb`.
///
/// On a terminal or a pipe a line is `2026-11-23T05:00:00.123Z info ingest.done lines=5`; under journald it is
/// `<6>ingest.done lines=5` (sd-daemon(3) prefixes carry the level).
/// Threads: all functions may be called from any thread.
class Logger {
  public:
    /// To stderr.
    explicit Logger(LogLevel level);
    /// To a text that a test reads.
    Logger(LogLevel level, std::string& capture);
    ~Logger();
    Logger(const Logger&) = delete;
    Logger& operator=(const Logger&) = delete;

    void debug(std::string_view event, std::initializer_list<LogField> fields = {}) const;
    void info(std::string_view event, std::initializer_list<LogField> fields = {}) const;
    void warning(std::string_view event, std::initializer_list<LogField> fields = {}) const;
    void error(std::string_view event, std::initializer_list<LogField> fields = {}) const;

    void set_level(LogLevel level);
    [[nodiscard]] LogLevel level() const noexcept { return level_.load(std::memory_order_relaxed); }
    /// True if a line of that level would be written: guards fields that are costly to make.
    [[nodiscard]] bool enabled(LogLevel level) const noexcept { return level >= this->level(); }

  private:
    void write(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) const;

    std::atomic<LogLevel> level_;
    std::unique_ptr<spdlog::logger> sink_;
    bool journal_ = false;
};

}  // namespace grit
