// Is it the host that is down, or our own network?
#pragma once

#include <atomic>

namespace grit::net {

/// Whether our network is taken for down: from `lost` until `reached`. Threads: any at once.
class NetworkWatch {
  public:
    /// A name server answered.
    void reached() noexcept { down_.store(false, std::memory_order_relaxed); }
    /// No name server answers (`Resolver::alive`).
    void lost() noexcept { down_.store(true, std::memory_order_relaxed); }
    [[nodiscard]] bool down() const noexcept { return down_.load(std::memory_order_relaxed); }

  private:
    std::atomic<bool> down_{false};
};

}  // namespace grit::net
