#include "service_manager.hpp"

#include <fmt/format.h>
#include <systemd/sd-daemon.h>

#include <chrono>
#include <cstdint>

namespace grit::daemon {
namespace {

void notify(const std::string& message) { static_cast<void>(sd_notify(0, message.c_str())); }

}  // namespace

ServiceManager::ServiceManager() {
    std::uint64_t microseconds = 0;
    if (sd_watchdog_enabled(0, &microseconds) > 0) {
        watchdog_interval_ = std::chrono::duration_cast<Milliseconds>(std::chrono::microseconds(microseconds));
    }
}

void ServiceManager::ready() const { notify("READY=1"); }
void ServiceManager::status(const std::string& text) const { notify("STATUS=" + text); }
void ServiceManager::reloading() const {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    notify(fmt::format("RELOADING=1\nMONOTONIC_USEC={}",
                       std::chrono::duration_cast<std::chrono::microseconds>(now).count()));
}
void ServiceManager::stopping() const { notify("STOPPING=1"); }
void ServiceManager::extend_timeout(Milliseconds by) const {
    notify(fmt::format("EXTEND_TIMEOUT_USEC={}", std::chrono::microseconds(by).count()));
}
void ServiceManager::watchdog() const { notify("WATCHDOG=1"); }

}  // namespace grit::daemon
