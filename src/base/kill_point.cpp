// Compiled with GRIT_KILL_POINTS alone.
#include "grit/base/kill_point.hpp"

#include <unistd.h>

#include <atomic>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <string_view>

namespace grit {
namespace {

struct Order {
    std::string_view name;
    long left = 0;
};

Order order_of_environment() {
    const char* const text = std::getenv("GRIT_KILL_AT");  // NOLINT(concurrency-mt-unsafe): nobody here changes it
    Order order;
    if (text != nullptr) {
        const std::string_view whole(text);
        const std::size_t colon = whole.rfind(':');
        order.name = whole.substr(0, colon);
        if (colon != whole.npos) {
            std::from_chars(whole.data() + colon + 1, whole.data() + whole.size(), order.left);
        }
    }
    return order;
}

}  // namespace

void kill_point(const char* name) noexcept {
    static const Order order = order_of_environment();
    static std::atomic<long> left{order.left};
    if (order.name != name || left.fetch_sub(1) != 1) {
        return;
    }
    kill(getpid(), SIGKILL);
    for (;;) {
        pause();  // the signal comes to the whole process, and may come to this thread last
    }
}

}  // namespace grit
