#include "descriptors.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <limits>

namespace grit::daemon {
namespace {

// The state, the listeners, the name servers' sockets, and the spare dials of two shards (net::Client::Options).
constexpr std::uint64_t kReserved = 320;
constexpr std::uint64_t kPerFetch = 3;

}  // namespace

std::uint64_t raise_descriptor_limit() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return 1024;
    }
    if (limit.rlim_cur < limit.rlim_max) {
        const rlimit raised{limit.rlim_max, limit.rlim_max};
        if (setrlimit(RLIMIT_NOFILE, &raised) == 0) {
            return raised.rlim_cur;
        }
    }
    return limit.rlim_cur;
}

std::uint32_t fetches_within(std::uint64_t descriptors) {
    const std::uint64_t reserved = std::min(kReserved, descriptors / 2);
    const std::uint64_t fetches = (descriptors - reserved) / kPerFetch;
    return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(fetches, 1, std::numeric_limits<std::uint32_t>::max()));
}

}  // namespace grit::daemon
