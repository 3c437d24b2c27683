// What the test web saw, one JSON line per event: the evidence that judges work on.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace grit::testweb {

/// Nanoseconds since 1970 of the machine's wall clock (CLOCK_REALTIME).
[[nodiscard]] std::int64_t wall_ns() noexcept;

/// Appends a JSON text with quotes. Bytes that are not ASCII are read as Latin-1: always valid JSON, never lossy.
void append_json_text(std::string& out, std::string_view text);

/// A file that lines are appended to, each with one write(2): a line is whole or absent, whoever is killed.
/// Threads: all functions may be called from any thread.
class Journal {
  public:
    /// Creates the file, or empties it. Throws std::runtime_error.
    explicit Journal(const std::string& path);
    ~Journal();
    Journal(const Journal&) = delete;
    Journal& operator=(const Journal&) = delete;

    /// @param line  without its line end.
    void append(std::string line) const;

  private:
    int file_;
};

/// One answered (or broken) request.
struct RequestLine {
    std::int64_t arrived_ns = 0;  ///< the head was complete
    std::int64_t ended_ns = 0;    ///< just before the last bytes went to the kernel; or when the exchange broke
    std::int64_t lag_ns = 0;  ///< the request may have come that much earlier
    std::uint64_t connection = 0;
    std::string address;  ///< that was dialled
    bool tls = false;
    bool resumed = false;  ///< the TLS session was
    std::string method;
    std::string host;  ///< lower case, without port
    std::string target;
    int status = 0;
    std::uint64_t body_bytes = 0;  ///< that were handed to the kernel
    bool complete = false;         ///< the answer was whole, and wholly sent
    std::string sha256;            ///< of the whole image; empty if it was none
    std::string retry_after;       ///< as sent; empty: none
    std::string location;          ///< as sent; empty: none
    std::string rule;              ///< empty: none
    std::string user_agent;
};

[[nodiscard]] std::string to_json(const RequestLine& line);

}  // namespace grit::testweb
