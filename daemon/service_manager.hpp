// What systemd is told of the daemon (sd_notify(3)). Without a service manager nothing happens.
#pragma once

#include "grit/base/clock.hpp"

#include <optional>
#include <string>

namespace grit::daemon {

/// Threads: any.
class ServiceManager {
  public:
    /// Reads the watchdog's interval from the environment, once.
    ServiceManager();

    void ready() const;
    void status(const std::string& text) const;
    /// RELOADING=1 with the time stamp that Type=notify-reload needs (systemd 253 and newer); `ready` ends it.
    void reloading() const;
    void stopping() const;
    /// Start and stop may take so much longer from now.
    void extend_timeout(Milliseconds by) const;
    /// To be called at half the interval or more often, while all is well.
    void watchdog() const;
    /// How often the watchdog wants to hear of us; nothing if there is none.
    [[nodiscard]] std::optional<Milliseconds> watchdog_interval() const noexcept { return watchdog_interval_; }

  private:
    std::optional<Milliseconds> watchdog_interval_;
};

}  // namespace grit::daemon
