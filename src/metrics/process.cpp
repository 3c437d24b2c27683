#include "process.hpp"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <optional>

namespace grit::metrics {
namespace {

struct Closer {
    void operator()(std::FILE* file) const { std::fclose(file); }
    void operator()(DIR* folder) const { closedir(folder); }
};

struct Memory {
    double virtual_bytes = 0;
    double resident_bytes = 0;
};

// proc(5), /proc/pid/statm: total and resident pages.
std::optional<Memory> memory_of_process() {
    const std::unique_ptr<std::FILE, Closer> file(std::fopen("/proc/self/statm", "re"));
    unsigned long long total = 0;
    unsigned long long resident = 0;
    if (!file || std::fscanf(file.get(), "%llu %llu", &total, &resident) != 2) {
        return std::nullopt;
    }
    const auto page = static_cast<double>(sysconf(_SC_PAGESIZE));
    return Memory{static_cast<double>(total) * page, static_cast<double>(resident) * page};
}

// Entries of a folder of /proc/self, "." and ".." and the descriptor it is read by not counted.
std::optional<double> entries_of(const char* path, double own) {
    const std::unique_ptr<DIR, Closer> folder(opendir(path));
    if (!folder) {
        return std::nullopt;
    }
    double entries = -2 - own;
    while (readdir(folder.get()) != nullptr) {  // NOLINT(concurrency-mt-unsafe): the stream is ours alone (readdir(3))
        ++entries;
    }
    return entries;
}

double seconds_of(const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

double start_seconds(WallTime started) {
    return static_cast<double>(started.time_since_epoch().count()) / 1e3;
}

}  // namespace

void add_process_families(FamilyList& list, WallTime started) {
    rusage usage{};
    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        list.counter("process_cpu_seconds_total", "User and system CPU time of the process, in seconds.",
                     seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime));
    }
    if (const auto memory = memory_of_process()) {
        list.gauge("process_virtual_memory_bytes", "Virtual memory, the mapped state file included.",
                   memory->virtual_bytes);
        list.gauge("process_resident_memory_bytes", "Resident memory, cached pages of the state file included.",
                   memory->resident_bytes);
    }
    if (const auto descriptors = entries_of("/proc/self/fd", 1)) {
        list.gauge("process_open_fds", "Open file descriptors.", *descriptors);
    }
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        list.gauge("process_max_fds", "Most file descriptors that may be open.", static_cast<double>(limit.rlim_cur));
    }
    if (const auto threads = entries_of("/proc/self/task", 0)) {
        list.gauge("process_threads", "Threads of the process.", *threads);
    }
    list.gauge("process_start_time_seconds", "Start of the process, in seconds since 1970.", start_seconds(started));
}

}  // namespace grit::metrics
