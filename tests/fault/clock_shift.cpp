// Preloaded into a process: its wall clock is the machine's and so many milliseconds as the file named by GRIT_CLOCK_SHIFT
// holds (eight bytes, a number of the machine), which a test changes while it runs.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>  // NOLINT(modernize-deprecated-headers): clock_gettime is POSIX's
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

namespace {

const volatile std::int64_t* shift_ms() {
    static const auto* const found = []() -> const volatile std::int64_t* {
        static const std::int64_t none = 0;
        const char* name = std::getenv("GRIT_CLOCK_SHIFT");
        const int file = name != nullptr ? ::open(name, O_RDONLY | O_CLOEXEC) : -1;
        void* map = file >= 0 ? ::mmap(nullptr, sizeof none, PROT_READ, MAP_SHARED, file, 0) : MAP_FAILED;
        return map == MAP_FAILED ? &none : static_cast<const volatile std::int64_t*>(map);
    }();
    return found;
}

}  // namespace

extern "C" int clock_gettime(clockid_t clock, timespec* time) {
    using Call = int (*)(clockid_t, timespec*);
    static const auto real = reinterpret_cast<Call>(::dlsym(RTLD_NEXT, "clock_gettime"));
    const int result = real(clock, time);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        time->tv_sec += *shift_ms() / 1000;
    }
    return result;
}

extern "C" time_t time(time_t* where) noexcept {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    if (where != nullptr) {
        *where = now.tv_sec;
    }
    return now.tv_sec;
}

extern "C" int gettimeofday(timeval* where, void* /*zone*/) noexcept {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    where->tv_sec = now.tv_sec;
    where->tv_usec = now.tv_nsec / 1000;
    return 0;
}
