#include "journal.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <stdexcept>

namespace grit::testweb {

std::int64_t wall_ns() noexcept {
    const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::nanoseconds>(since_1970).count();
}

void append_json_text(std::string& out, std::string_view text) {
    out += '"';
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte == '"' || byte == '\\') {
            out += '\\';
            out += c;
        } else if (byte < 0x20 || byte >= 0x7F) {
            fmt::format_to(std::back_inserter(out), "\\u{:04x}", byte);
        } else {
            out += c;
        }
    }
    out += '"';
}

Journal::Journal(const std::string& path)
    : file_(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644)) {
    if (file_ < 0) {
        throw std::runtime_error(fmt::format("{}: {}", path, std::strerror(errno)));  // NOLINT(concurrency-mt-unsafe)
    }
}

Journal::~Journal() {
    ::close(file_);
}

void Journal::append(std::string line) const {
    line += '\n';
    if (::write(file_, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
        throw std::runtime_error("test web: its log can not be written");
    }
}

std::string to_json(const RequestLine& line) {
    std::string out = fmt::format(
        R"({{"t_ns":{},"end_ns":{},"lag_ns":{},"conn":{},"scheme":"{}","resumed":{},"method":)", line.arrived_ns,
        line.ended_ns, line.lag_ns, line.connection, line.tls ? "https" : "http", line.resumed);
    const auto text = [&out](std::string_view key, std::string_view value) {
        out += key;
        append_json_text(out, value);
    };
    const auto text_or_null = [&out, &text](std::string_view key, std::string_view value) {
        if (value.empty()) {
            out += key;
            out += "null";
        } else {
            text(key, value);
        }
    };
    append_json_text(out, line.method);
    text(R"(,"address":)", line.address);
    text(R"(,"host":)", line.host);
    text(R"(,"path":)", line.target);
    fmt::format_to(std::back_inserter(out), R"(,"status":{},"bytes":{},"complete":{})", line.status, line.body_bytes,
                   line.complete);
    text_or_null(R"(,"sha256":)", line.sha256);
    text_or_null(R"(,"retry_after":)", line.retry_after);
    text_or_null(R"(,"location":)", line.location);
    text_or_null(R"(,"rule":)", line.rule);
    text(R"(,"user_agent":)", line.user_agent);
    out += '}';
    return out;
}

}  // namespace grit::testweb
