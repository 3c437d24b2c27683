// The lines of `/v1/events`: what of the daemon's status is news.
#pragma once

#include <cstdint>
#include <string>

#include "grit/admin/backend.hpp"
#include "grit/base/clock.hpp"
#include "router.hpp"

namespace grit::admin {

/// Makes the events of one reader (newline-delimited JSON, a `seq` that counts from 1).
class EventFeed {
  public:
    /// @param heartbeat  longest silence.
    EventFeed(Backend& backend, EventsWanted wanted, Milliseconds heartbeat);

    /// The lines that are due now; empty if there is no news.
    [[nodiscard]] std::string due(SteadyTime now);

    /// The last line: the server is going away.
    [[nodiscard]] std::string end();

  private:
    void append(std::string& lines, std::string_view event, json::object fields);

    Backend& backend_;
    EventsWanted wanted_;
    Milliseconds heartbeat_;
    std::uint64_t seq_ = 0;
    std::string last_state_;
    SteadyTime last_line_{};
};

}  // namespace grit::admin
