// A library for LD_PRELOAD that stands between gritd and the system calls that write: it makes them fail, and keeps a log of
// them from which a test can tell what a power cut would have left (harness/disk_log.py reads it, harness/power.py cuts).
//
//   GRIT_DISK_PATHS  "/a/state:/a/images": calls for files below these folders concern us, all others pass.
//   GRIT_DISK_FAULT  "class:error:n:how[:part]": the n-th call of that class (whose path contains `part`) fails;
//                    class: write sync open rename mkdir unlink truncate any; error: ENOSPC EIO EROFS EMFILE, SHORT (a write takes
//                    half), KILL (the process dies before the call), KILLED (right after it); how: once, or on (each from then on).
//                    Several, with ";" between them, count each for itself.
//   GRIT_DISK_LIFT   a file: once it is there, nothing fails any more.
//   GRIT_DISK_LOG    the log, appended to. GRIT_DISK_CONTENT=1: with what was written.
//
// A call is logged when it has returned, a sync besides when it begins: who saw a write return before it asked for a sync
// finds them in this order. A write through a descriptor with O_DSYNC is a write and a sync.
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

template <class Function>
Function real(const char* name) {
    return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

struct Fault {
    std::string kind;
    std::string error;
    long n = 0;
    bool from_then_on = false;
    std::string part;
    long calls = 0;  // so far
};

// What is to become of a call.
struct Lot {
    int error = 0;      // errno; 0: it is made
    bool half = false;  // of a write: with half of its bytes; of another: EIO
    bool dies = false;  // the process, right after it
    [[nodiscard]] bool is_fault() const { return error != 0; }
};

std::vector<std::string> split(std::string_view text, char mark) {
    std::vector<std::string> fields;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(mark), text.size());
        fields.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return fields;
}

struct Open {
    std::string path;  // empty: none of ours
    int flags = 0;
};

constexpr int kDescriptors = 65'536;

class Disk {
  public:
    static Disk& get() {
        static Disk* const disk = new Disk;  // never destroyed: threads write until the end
        return *disk;
    }

    [[nodiscard]] bool is_ours(std::string_view path) const {
        return std::any_of(folders_.begin(), folders_.end(), [path](const std::string& folder) {
            return path == folder || (path.starts_with(folder) && path[folder.size()] == '/');
        });
    }
    // Without lock or memory of its own, so that it may be asked in a signal handler: asio's writes to a pipe.
    [[nodiscard]] bool is_noted(int descriptor) const {
        return descriptor >= 0 && descriptor < kDescriptors && is_noted_[static_cast<std::size_t>(descriptor)];
    }
    [[nodiscard]] Open opened(int descriptor) {
        if (!is_noted(descriptor)) {
            return {};
        }
        const std::scoped_lock lock(mutex_);
        return open_[static_cast<std::size_t>(descriptor)];
    }
    void note_open(int descriptor, const std::string& path, int flags) {
        const std::scoped_lock lock(mutex_);
        if (descriptor >= 0 && descriptor < kDescriptors) {
            open_[static_cast<std::size_t>(descriptor)] = Open{path, flags};
            is_noted_[static_cast<std::size_t>(descriptor)] = !path.empty();
        }
    }

    Lot draw(std::string_view kind, std::string_view path) {
        std::string error;
        {
            const std::scoped_lock lock(mutex_);
            for (Fault& fault : faults_) {
                if ((fault.kind == kind || fault.kind == "any") && path.find(fault.part) != path.npos) {
                    ++fault.calls;
                    const bool hits = fault.calls == fault.n || (fault.calls > fault.n && fault.from_then_on);
                    error = hits && error.empty() ? fault.error : error;
                }
            }
        }
        if (error.empty() || (!lift_.empty() && syscall(SYS_access, lift_.c_str(), F_OK) == 0)) {
            return {};
        }
        if (error == "KILL") {
            die();
        }
        constexpr std::array<std::pair<std::string_view, int>, 5> kErrors{
            {{"ENOSPC", ENOSPC}, {"EIO", EIO}, {"EROFS", EROFS}, {"EMFILE", EMFILE}, {"SHORT", EIO}}};
        const auto* const found = std::find_if(kErrors.begin(), kErrors.end(), [&error](const auto& e) { return e.first == error; });
        return Lot{found == kErrors.end() ? 0 : found->second, error == "SHORT", error == "KILLED"};
    }

    [[noreturn]] static void die() {
        kill(getpid(), SIGKILL);
        for (;;) {
            pause();
        }
    }

    // "call descriptor result errno fault offset size path other" by tabs, and `size` bytes and a line end.
    void log(const char* call, int descriptor, long result, int error, bool fault, long offset, std::string_view path,
             std::string_view other, const std::vector<iovec>& parts = {}) {
        if (log_ < 0) {
            return;
        }
        std::size_t size = 0;
        for (const iovec& part : parts) {
            size += part.iov_len;
        }
        size = content_ && result > 0 ? std::min(size, static_cast<std::size_t>(result)) : 0;
        std::string text;
        text.reserve(size + 256);
        text.append(call);
        for (const long number : {static_cast<long>(descriptor), result, static_cast<long>(error), static_cast<long>(fault), offset,
                                  static_cast<long>(size)}) {
            text.append("\t").append(std::to_string(number));
        }
        text.append("\t").append(path).append("\t").append(other).append("\n");
        std::size_t left = size;
        for (const iovec& part : parts) {
            const std::size_t some = std::min(left, part.iov_len);
            text.append(static_cast<const char*>(part.iov_base), some);
            left -= some;
        }
        text.append(size > 0 ? "\n" : "");
        const std::scoped_lock lock(log_mutex_);
        for (std::string_view rest = text; !rest.empty();) {
            const long written = syscall(SYS_write, log_, rest.data(), rest.size());
            if (written <= 0) {
                abort();
            }
            rest.remove_prefix(static_cast<std::size_t>(written));
        }
    }

  private:
    Disk() {
        open_.resize(kDescriptors);
        folders_ = split(value("GRIT_DISK_PATHS"), ':');
        for (const std::string& fault : split(value("GRIT_DISK_FAULT"), ';')) {
            const std::vector<std::string> fields = split(fault, ':');
            if (fields.size() >= 4) {
                faults_.push_back({fields[0], fields[1], std::atol(fields[2].c_str()), fields[3] == "on", fields.size() > 4 ? fields[4] : ""});
            }
        }
        lift_ = value("GRIT_DISK_LIFT");
        content_ = value("GRIT_DISK_CONTENT") == "1";
        const std::string file(value("GRIT_DISK_LOG"));
        if (!file.empty()) {
            log_ = static_cast<int>(syscall(SYS_open, file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640));
            log("begin", -1, 0, 0, false, 0, "", "");
        }
    }
    static std::string_view value(const char* name) {
        const char* const text = std::getenv(name);
        return text == nullptr ? std::string_view() : std::string_view(text);
    }

    std::vector<std::string> folders_;
    std::vector<Fault> faults_;
    std::string lift_;
    bool content_ = false;
    int log_ = -1;
    std::mutex mutex_;
    std::mutex log_mutex_;
    std::vector<Open> open_;
    std::array<std::atomic<bool>, kDescriptors> is_noted_{};
};

// Each call that concerns us: it fails or is made, is logged, and may be the process's last.
// @param call  makes it; one that takes a bool is told whether with half of its bytes.
// @param log  is given the result, errno or 0, and whether we made it fail.
template <class Call, class Log>
auto attempt(const char* kind, const std::string& path, Call call, Log log) {
    const Lot lot = Disk::get().draw(kind, path);
    long result = -1;
    errno = lot.error;
    if constexpr (std::is_invocable_v<Call, bool>) {
        result = lot.is_fault() && !lot.half ? -1 : call(lot.half);
    } else {
        result = lot.is_fault() ? -1 : call();
    }
    const int saved = errno;
    log(result, result < 0 ? saved : 0, lot.is_fault());
    if (lot.dies) {
        Disk::die();
    }
    errno = saved;
    return result;
}

// Any call that has a path or two and gives 0 or an error.
template <class Call>
int path_call(const char* kind, const char* name, const char* path, const char* other, Call call) {
    Disk& disk = Disk::get();
    const std::string from = path == nullptr ? "" : path;
    const std::string to = other == nullptr ? "" : other;
    if (!disk.is_ours(from) && !disk.is_ours(to)) {
        return call();
    }
    return static_cast<int>(attempt(kind, to.empty() ? from : to, call, [&](long result, int error, bool fault) {
        disk.log(name, -1, result, error, fault, 0, from, to);
    }));
}

template <class Call>
int open_call(const char* path, int flags, Call call) {
    Disk& disk = Disk::get();
    const bool is_ours = path != nullptr && disk.is_ours(path);
    const auto opened = [&] {
        const int descriptor = call();
        const int saved = errno;
        disk.note_open(descriptor, is_ours ? path : "", is_ours ? flags : 0);
        errno = saved;
        return descriptor;
    };
    if (!is_ours) {
        return opened();
    }
    const bool is_new = (flags & O_CREAT) != 0 && syscall(SYS_access, path, F_OK) != 0;
    const char* const what = is_new ? "create" : (flags & O_TRUNC) != 0 ? "empty" : "open";
    return static_cast<int>(attempt("open", path, opened, [&](long descriptor, int error, bool fault) {
        disk.log(what, static_cast<int>(descriptor), descriptor < 0 ? -1 : 0, error, fault, flags, path, "");
    }));
}

std::vector<iovec> first_half(const std::vector<iovec>& parts) {
    std::size_t size = 0;
    for (const iovec& part : parts) {
        size += part.iov_len;
    }
    std::size_t half = std::max<std::size_t>(size / 2, 1);
    std::vector<iovec> less;
    for (iovec part : parts) {
        part.iov_len = std::min(part.iov_len, half);
        half -= part.iov_len;
        if (part.iov_len > 0) {
            less.push_back(part);
        }
    }
    return less;
}

// @param at  the offset, or -1 for where the file stands.
// @param call  writes the given parts and gives what write(2) would.
template <class Call>
ssize_t write_call(int descriptor, std::vector<iovec> parts, long at, Call call) {
    Disk& disk = Disk::get();
    const Open file = disk.opened(descriptor);
    if (file.path.empty()) {
        return call(parts);
    }
    const bool syncs = (file.flags & O_DSYNC) != 0;
    const Lot sync = syncs ? disk.draw("sync", file.path) : Lot{};
    const auto made = [&](bool half) { return call(half ? first_half(parts) : parts); };
    long result = attempt("write", file.path, made, [&](long size, int error, bool fault) {
        const long offset = at >= 0 ? at : lseek(descriptor, 0, SEEK_CUR) - std::max<long>(size, 0);
        const bool is_durable = syncs && !sync.is_fault();
        disk.log(is_durable ? "dwrite" : "write", descriptor, size, error, fault, offset, file.path, "", parts);
    });
    if (sync.is_fault() && result >= 0) {  // the bytes are in the cache, and the disk has refused them
        disk.log("syncfail", descriptor, -1, sync.error, true, 0, file.path, "");
        result = -1;
        errno = sync.error;
    }
    if (sync.dies) {
        Disk::die();
    }
    return result;
}

template <class Call>
int sync_call(const char* name, int descriptor, Call call) {
    Disk& disk = Disk::get();
    const Open file = disk.opened(descriptor);
    if (file.path.empty()) {
        return call();
    }
    disk.log("syncing", descriptor, 0, 0, false, 0, file.path, name);
    return static_cast<int>(attempt("sync", file.path, call, [&](long result, int error, bool fault) {
        disk.log(result == 0 ? name : "syncfail", descriptor, result, error, fault, 0, file.path, name);
    }));
}

template <class Call>
int truncate_call(int descriptor, long size, Call call) {
    Disk& disk = Disk::get();
    const Open file = disk.opened(descriptor);
    if (file.path.empty()) {
        return call();
    }
    return static_cast<int>(attempt("truncate", file.path, call, [&](long result, int error, bool fault) {
        disk.log("truncate", descriptor, result, error, fault, size, file.path, "");
    }));
}

// Before the descriptor is closed: a moment later it may be another file's.
void forget(int descriptor) {
    Disk& disk = Disk::get();
    const Open file = disk.opened(descriptor);
    if (!file.path.empty()) {
        disk.note_open(descriptor, "", 0);
        disk.log("close", descriptor, 0, 0, false, 0, file.path, "");
    }
}

// The whole path of a call that names a file from an open folder of ours; a folder is named without a slash at its end.
std::string at(int folder, const char* path) {
    std::string whole = path == nullptr ? "" : path;
    if (const bool is_relative = !whole.starts_with('/') && folder != AT_FDCWD; is_relative) {
        const std::string above = Disk::get().opened(folder).path;
        whole = above.empty() ? whole : above + "/" + whole;
    }
    while (whole.size() > 1 && whole.ends_with('/')) {
        whole.pop_back();
    }
    return whole;
}

mode_t mode_of(int flags, va_list arguments) {
    return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
}

}  // namespace

// What gritd, LMDB, libstdc++ and zstd's users call. No alias may be missed: "64" and the checked ones of _FORTIFY_SOURCE are the
// same calls under other names.
extern "C" {

#define OPENING(name)                                                                                   \
    int name(const char* path, int flags, ...) {                                                        \
        va_list arguments;                                                                              \
        va_start(arguments, flags);                                                                     \
        const mode_t mode = mode_of(flags, arguments);                                                  \
        va_end(arguments);                                                                              \
        static const auto call = real<int (*)(const char*, int, ...)>(#name);                           \
        return open_call(path, flags, [&] { return call(path, flags, mode); });                         \
    }
OPENING(open)
OPENING(open64)
#define OPENING_CHECKED(name)                                                                           \
    int name(const char* path, int flags) {                                                             \
        static const auto call = real<int (*)(const char*, int)>(#name);                                \
        return open_call(path, flags, [&] { return call(path, flags); });                               \
    }
OPENING_CHECKED(__open_2)
OPENING_CHECKED(__open64_2)
#define OPENING_AT(name)                                                                                \
    int name(int folder, const char* path, int flags, ...) {                                            \
        va_list arguments;                                                                              \
        va_start(arguments, flags);                                                                     \
        const mode_t mode = mode_of(flags, arguments);                                                  \
        va_end(arguments);                                                                              \
        static const auto call = real<int (*)(int, const char*, int, ...)>(#name);                      \
        return open_call(at(folder, path).c_str(), flags, [&] { return call(folder, path, flags, mode); }); \
    }
OPENING_AT(openat)
OPENING_AT(openat64)

DIR* opendir(const char* path) {
    static const auto call = real<DIR* (*)(const char*)>("opendir");
    DIR* folder = nullptr;
    path_call("open", "opendir", path, nullptr, [&] {
        folder = call(path);
        return folder == nullptr ? -1 : 0;
    });
    return folder;
}

int close(int descriptor) {
    static const auto call = real<int (*)(int)>("close");
    forget(descriptor);
    return call(descriptor);
}

// Of a folder that was opened by its descriptor.
int closedir(DIR* folder) {
    static const auto call = real<int (*)(DIR*)>("closedir");
    forget(dirfd(folder));
    return call(folder);
}

ssize_t write(int descriptor, const void* bytes, size_t size) {
    static const auto call = real<ssize_t (*)(int, const iovec*, int)>("writev");
    const iovec whole{const_cast<void*>(bytes), size};
    if (!Disk::get().is_noted(descriptor)) {
        return call(descriptor, &whole, 1);
    }
    return write_call(descriptor, {whole}, -1,
                      [&](const std::vector<iovec>& parts) { return call(descriptor, parts.data(), static_cast<int>(parts.size())); });
}

ssize_t writev(int descriptor, const iovec* parts, int count) {
    static const auto call = real<ssize_t (*)(int, const iovec*, int)>("writev");
    return write_call(descriptor, std::vector<iovec>(parts, parts + count), -1,
                      [&](const std::vector<iovec>& some) { return call(descriptor, some.data(), static_cast<int>(some.size())); });
}

#define WRITING_AT(name)                                                                                \
    ssize_t name(int descriptor, const void* bytes, size_t size, off_t at) {                            \
        static const auto call = real<ssize_t (*)(int, const iovec*, int, off_t)>("pwritev");           \
        return write_call(descriptor, {iovec{const_cast<void*>(bytes), size}}, at,                      \
                          [&](const std::vector<iovec>& parts) {                                        \
                              return call(descriptor, parts.data(), static_cast<int>(parts.size()), at); \
                          });                                                                           \
    }
WRITING_AT(pwrite)
WRITING_AT(pwrite64)
#define WRITING_PARTS_AT(name)                                                                          \
    ssize_t name(int descriptor, const iovec* parts, int count, off_t at) {                             \
        static const auto call = real<ssize_t (*)(int, const iovec*, int, off_t)>(#name);               \
        return write_call(descriptor, std::vector<iovec>(parts, parts + count), at,                     \
                          [&](const std::vector<iovec>& some) {                                         \
                              return call(descriptor, some.data(), static_cast<int>(some.size()), at);  \
                          });                                                                           \
    }
WRITING_PARTS_AT(pwritev)
WRITING_PARTS_AT(pwritev64)

#define SYNCING(name)                                                                                   \
    int name(int descriptor) {                                                                          \
        static const auto call = real<int (*)(int)>(#name);                                             \
        return sync_call(#name, descriptor, [&] { return call(descriptor); });                          \
    }
SYNCING(fsync)
SYNCING(fdatasync)
SYNCING(syncfs)

#define TRUNCATING(name)                                                                                \
    int name(int descriptor, off_t size) {                                                              \
        static const auto call = real<int (*)(int, off_t)>(#name);                                      \
        return truncate_call(descriptor, size, [&] { return call(descriptor, size); });                 \
    }
TRUNCATING(ftruncate)
TRUNCATING(ftruncate64)
#define TRUNCATING_PATH(name)                                                                           \
    int name(const char* path, off_t size) {                                                            \
        static const auto call = real<int (*)(const char*, off_t)>(#name);                              \
        return path_call("truncate", ("resize " + std::to_string(size)).c_str(), path, nullptr, [&] { return call(path, size); }); \
    }
TRUNCATING_PATH(truncate)
TRUNCATING_PATH(truncate64)

int rename(const char* from, const char* to) {
    static const auto call = real<int (*)(const char*, const char*)>("rename");
    return path_call("rename", "rename", from, to, [&] { return call(from, to); });
}
int link(const char* from, const char* to) {
    static const auto call = real<int (*)(const char*, const char*)>("link");
    return path_call("rename", "link", from, to, [&] { return call(from, to); });
}
int unlink(const char* path) {
    static const auto call = real<int (*)(const char*)>("unlink");
    return path_call("unlink", "unlink", path, nullptr, [&] { return call(path); });
}
int rmdir(const char* path) {
    static const auto call = real<int (*)(const char*)>("rmdir");
    return path_call("unlink", "rmdir", path, nullptr, [&] { return call(path); });
}
int renameat(int from_folder, const char* from, int to_folder, const char* to) {
    static const auto call = real<int (*)(int, const char*, int, const char*)>("renameat");
    return path_call("rename", "rename", at(from_folder, from).c_str(), at(to_folder, to).c_str(),
                     [&] { return call(from_folder, from, to_folder, to); });
}
int unlinkat(int folder, const char* path, int flags) {
    static const auto call = real<int (*)(int, const char*, int)>("unlinkat");
    return path_call("unlink", (flags & AT_REMOVEDIR) != 0 ? "rmdir" : "unlink", at(folder, path).c_str(), nullptr,
                     [&] { return call(folder, path, flags); });
}
int mkdirat(int folder, const char* path, mode_t mode) {
    static const auto call = real<int (*)(int, const char*, mode_t)>("mkdirat");
    return path_call("mkdir", "mkdir", at(folder, path).c_str(), nullptr, [&] { return call(folder, path, mode); });
}
int mkdir(const char* path, mode_t mode) {
    static const auto call = real<int (*)(const char*, mode_t)>("mkdir");
    return path_call("mkdir", "mkdir", path, nullptr, [&] { return call(path, mode); });
}

}  // extern "C"
