#include "grit/base/heap_trim.hpp"

#include <malloc.h>

#include <utility>

namespace grit {

HeapTrim::HeapTrim(SteadyTime now, std::function<void()> trim) : trim_(std::move(trim)), last_trim_(now), busy_at_(now) {}

void HeapTrim::look(SteadyTime now, bool idle) {
    if (!idle) {
        busy_at_ = now;
        trimmed_ = false;
    }
    const bool idle_for_long = !trimmed_ && now - busy_at_ >= kIdle;
    if (idle_for_long || (!trimmed_ && now - last_trim_ >= kInterval)) {
        last_trim_ = now;
        trimmed_ = idle;
        trim_();
    }
}

void HeapTrim::trim_heap() {
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

}  // namespace grit
