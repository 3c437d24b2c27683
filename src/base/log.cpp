#include "grit/base/log.hpp"

#include "grit/base/quantity.hpp"

#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <mutex>

namespace grit {
namespace {

constexpr std::size_t kMaxValueBytes = 512;

class CaptureSink final : public spdlog::sinks::base_sink<std::mutex> {
  public:
    explicit CaptureSink(std::string& out) : out_(out) {}

  protected:
    void sink_it_(const spdlog::details::log_msg& message) override {
        out_.append(message.payload.data(), message.payload.size());
        out_.push_back('\n');
    }
    void flush_() override {}

  private:
    std::string& out_;
};

// True if stderr is the journal's stream: systemd names its device and inode (systemd.exec(5), $JOURNAL_STREAM).
bool stderr_is_journal() {
    const char* stream = std::getenv("JOURNAL_STREAM");  // NOLINT(concurrency-mt-unsafe): read at start-up only
    struct stat status {};
    return stream != nullptr && fstat(STDERR_FILENO, &status) == 0 &&
           stream == fmt::format("{}:{}", status.st_dev, status.st_ino);
}

// sd-daemon(3) level prefixes.
std::string_view journal_prefix(LogLevel level) {
    switch (level) {
        case LogLevel::debug:
            return "<7>";
        case LogLevel::info:
            return "<6>";
        case LogLevel::warning:
            return "<4>";
        case LogLevel::error:
            return "<3>";
    }
    return "<6>";
}

void append_value(std::string& line, std::string_view value) {
    const std::string_view shown = value.substr(0, kMaxValueBytes);
    const auto is_plain = [](char c) { return c > ' ' && c != '"' && c != '\\' && c != '=' && c != '\x7f'; };
    bool plain = !shown.empty();
    for (const char c : shown) {
        plain = plain && is_plain(c);
    }
    if (plain) {
        line.append(shown);
        return;
    }
    line.push_back('"');
    for (const char c : shown) {
        if (c == '"' || c == '\\') {
            line.push_back('\\');
            line.push_back(c);
        } else if (static_cast<unsigned char>(c) < 0x20 || c == '\x7f') {
            line.append(fmt::format("\\x{:02x}", static_cast<unsigned char>(c)));
        } else {
            line.push_back(c);
        }
    }
    line.push_back('"');
}

}  // namespace

std::optional<LogLevel> log_level_named(std::string_view name) noexcept {
    for (const LogLevel level : {LogLevel::debug, LogLevel::info, LogLevel::warning, LogLevel::error}) {
        if (name == name_of(level)) {
            return level;
        }
    }
    return std::nullopt;
}

std::string_view name_of(LogLevel level) noexcept {
    switch (level) {
        case LogLevel::debug:
            return "debug";
        case LogLevel::info:
            return "info";
        case LogLevel::warning:
            return "warning";
        case LogLevel::error:
            return "error";
    }
    return "info";
}

Logger::Logger(LogLevel level)
    : level_(level),
      sink_(std::make_unique<spdlog::logger>("gritd", std::make_shared<spdlog::sinks::stderr_sink_mt>())),
      journal_(stderr_is_journal()) {
    sink_->set_pattern("%v");
    sink_->set_level(spdlog::level::trace);
    sink_->flush_on(spdlog::level::trace);
}

Logger::Logger(LogLevel level, std::string& capture)
    : level_(level), sink_(std::make_unique<spdlog::logger>("test", std::make_shared<CaptureSink>(capture))) {
    sink_->set_level(spdlog::level::trace);
}

Logger::~Logger() = default;

void Logger::set_level(LogLevel level) { level_.store(level, std::memory_order_relaxed); }

void Logger::debug(std::string_view event, std::initializer_list<LogField> fields) const {
    write(LogLevel::debug, event, fields);
}
void Logger::info(std::string_view event, std::initializer_list<LogField> fields) const {
    write(LogLevel::info, event, fields);
}
void Logger::warning(std::string_view event, std::initializer_list<LogField> fields) const {
    write(LogLevel::warning, event, fields);
}
void Logger::error(std::string_view event, std::initializer_list<LogField> fields) const {
    write(LogLevel::error, event, fields);
}

void Logger::write(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) const {
    if (!enabled(level)) {
        return;
    }
    std::string line;
    if (journal_) {
        line.append(journal_prefix(level));
    } else {
        const auto now = std::chrono::system_clock::now().time_since_epoch();
        line.append(format_utc(std::chrono::duration_cast<std::chrono::milliseconds>(now).count()));
        line.push_back(' ');
        line.append(name_of(level));
        line.push_back(' ');
    }
    line.append(event);
    for (const LogField& field : fields) {
        line.push_back(' ');
        line.append(field.key);
        line.push_back('=');
        append_value(line, field.value);
    }
    sink_->log(spdlog::level::info, line);
}

}  // namespace grit
