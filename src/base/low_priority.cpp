#include "grit/base/low_priority.hpp"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace grit {

void give_way_to_others() noexcept {
    constexpr int kLowest = 19;
    // linux/ioprio.h; glibc has no wrapper.
    constexpr int kOfThread = 1;
    constexpr int kBestEffortLast = (2 << 13) | 7;
    // On Linux a nice value is a thread's own.
    static_cast<void>(setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kLowest));
    static_cast<void>(syscall(SYS_ioprio_set, kOfThread, 0, kBestEffortLast));
}

}  // namespace grit
