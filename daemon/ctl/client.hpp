// HTTP over the control socket, one request per connection, blocking.
#pragma once

#include <boost/json/value.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "failure.hpp"
#include "grit/dataset/export_source.hpp"

namespace grit::ctl {

/// An answer that arrives piece by piece: events or an export.
class ReplyStream {
  public:
    virtual ~ReplyStream() = default;
    /// Replaces `chunk` by what has arrived (never empty).
    /// @return false at the end; a Failure if the answer breaks off before it.
    [[nodiscard]] virtual Fallible<bool> next(std::string& chunk) = 0;
};

/// Talks to one daemon.
///
/// Failures: not_running (no socket, or nobody behind it), not_permitted (the socket's mode), not_found (404),
/// failed (anything else that the daemon or the connection says).
class Client {
  public:
    /// @param limit  longest silence of the daemon before it counts as hung.
    explicit Client(std::string socket_path, std::chrono::milliseconds limit = std::chrono::seconds(30));

    /// @param target  path and query, already percent-encoded.
    [[nodiscard]] Fallible<boost::json::value> get(const std::string& target) const;
    [[nodiscard]] Fallible<boost::json::value> post(const std::string& target, const boost::json::value& body) const;
    /// DELETE.
    [[nodiscard]] Fallible<boost::json::value> remove(const std::string& target) const;
    [[nodiscard]] Fallible<std::unique_ptr<ReplyStream>> stream(const std::string& target) const;

    /// The same, for what may take the daemon longer than an answer does as a rule.
    [[nodiscard]] Client patient(std::chrono::milliseconds limit) const { return Client(socket_path_, limit); }

    [[nodiscard]] const std::string& socket_path() const noexcept { return socket_path_; }

  private:
    [[nodiscard]] Fallible<boost::json::value> ask(std::string_view method, const std::string& target,
                                                   const std::string& body) const;

    std::string socket_path_;
    std::chrono::milliseconds limit_;
};

/// Everything but unreserved characters as %XX (RFC 3986 section 2).
[[nodiscard]] std::string percent_encoded(std::string_view text);

}  // namespace grit::ctl
