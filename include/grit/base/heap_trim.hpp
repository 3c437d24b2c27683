// Gives memory that a busy time left behind back to the system.
#pragma once

#include <functional>

#include "grit/base/clock.hpp"

namespace grit {

/// The C library keeps what was freed between pieces that are still in use: after thousands of open requests that is
/// nine tenths of what they took, for good. Giving it back takes milliseconds in which whoever allocates waits, so it is
/// done when nothing has been under way for a while, and else now and then.
///
/// Threads: one at a time.
class HeapTrim {
  public:
    static constexpr Milliseconds kIdle{20'000};  // connections that are kept for later are closed by then
    static constexpr Milliseconds kInterval{600'000};

    /// @param trim  the C library's call, but for tests.
    explicit HeapTrim(SteadyTime now, std::function<void()> trim = trim_heap);

    /// To be called every few seconds. @param idle  nothing is under way.
    void look(SteadyTime now, bool idle);

    static void trim_heap();

  private:
    std::function<void()> trim_;
    SteadyTime last_trim_;
    SteadyTime busy_at_;  // when it was last
    bool trimmed_ = true;  // since then
};

}  // namespace grit
