#include "grit/store/damage_guard.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <lmdb.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): sigaction is POSIX's
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <fstream>
#include <iterator>
#include <system_error>

#include "data_file.hpp"
#include "grit/store/env.hpp"

namespace grit::store {
namespace {

constexpr std::array kSignals{SIGBUS, SIGSEGV};
constexpr const char* kNoteName = "damaged";

// All that the handlers need: made before, since they may allocate nothing. The signals are the process's, so is this.
struct Guarded {
    std::array<char, 4096> words{};
    std::size_t words_bytes = 0;
    std::array<char, 4096> note{};  // path; empty: none is left
    int exit_code = 1;
    std::atomic<const Env*> env{nullptr};
    const void* lmdb = nullptr;  // where its code begins
};

Guarded& guarded() noexcept {
    static Guarded one;
    return one;
}

void keep(std::array<char, 4096>& buffer, const std::string& text, std::size_t& bytes) {
    bytes = std::min(text.size(), buffer.size() - 1);
    std::copy_n(text.begin(), bytes, buffer.begin());
    buffer[bytes] = '\0';
}

void put(int descriptor, const char* text, std::size_t bytes) noexcept {
    while (bytes > 0) {
        const ssize_t written = ::write(descriptor, text, bytes);
        if (written <= 0) {
            return;
        }
        text += written;
        bytes -= static_cast<std::size_t>(written);
    }
}

// Only what signal-safety(7) allows.
[[noreturn]] void end_in_words(const char* why) noexcept {
    const Guarded& known = guarded();
    put(STDERR_FILENO, known.words.data(), known.words_bytes);
    put(STDERR_FILENO, why, std::strlen(why));
    put(STDERR_FILENO, "\n", 1);
    if (known.note[0] != '\0') {
        const int note = ::open(known.note.data(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
        if (note >= 0) {
            put(note, why, std::strlen(why));
            put(note, "\n", 1);
            ::fsync(note);
        }
    }
    _exit(known.exit_code);
}

// The code that met the fault; nothing: not known on such a machine.
const void* place_of_fault(const void* context) noexcept {
    const auto& machine = static_cast<const ucontext_t*>(context)->uc_mcontext;
#if defined(__x86_64__)
    return reinterpret_cast<const void*>(machine.gregs[REG_RIP]);  // NOLINT(performance-no-int-to-ptr)
#elif defined(__aarch64__)
    return reinterpret_cast<const void*>(machine.pc);  // NOLINT(performance-no-int-to-ptr)
#else
    static_cast<void>(machine);
    return nullptr;
#endif
}

// Where the library that has this code begins. (dladdr takes no lock that a fault in LMDB could be holding, and allocates nothing.)
const void* library_of(const void* code) noexcept {
    Dl_info found{};
    return code != nullptr && ::dladdr(code, &found) != 0 ? found.dli_fbase : nullptr;
}

// Garbage in a page leads LMDB to pages it has no cursor for, also to addresses outside of its map.
bool is_in_lmdb(const void* context) noexcept {
    const void* const lmdb = guarded().lmdb;
    return lmdb != nullptr && library_of(place_of_fault(context)) == lmdb;
}

void on_fault(int number, siginfo_t* info, void* context) {
    const Env* const env = guarded().env.load();
    if (number == SIGBUS || env == nullptr || env->in_map(info->si_addr) || is_in_lmdb(context)) {
        end_in_words(number == SIGBUS ? "a page of its file could not be had (SIGBUS): the file is cut, or the disk failed"
                                      : "a page of its file leads astray (SIGSEGV): its bytes are not what was written");
    }
    // A bug of ours: as if nobody had looked. Returning repeats the fault.
    signal(number, SIG_DFL);
}

}  // namespace

DamageGuard::DamageGuard(const std::filesystem::path& state_dir, const Options& options) {
    Guarded& known = guarded();
    const std::string file = (state_dir / "data.mdb").string();
    // As a line of the log, which journald may have at the level "error".
    keep(known.words, "<3>" + options.program + ": state.damaged: " + file + " is damaged. " + std::string(kStateRemedy) +
                          ". What was met: ", known.words_bytes);
    std::size_t bytes = 0;
    keep(known.note, options.leave_note ? (state_dir / kNoteName).string() : std::string(), bytes);
    known.exit_code = options.exit_code;
    known.env = nullptr;
    const void* const lmdb = library_of(reinterpret_cast<const void*>(&mdb_get));
    known.lmdb = lmdb != library_of(reinterpret_cast<const void*>(&on_fault)) ? lmdb : nullptr;  // unless it is linked into the program
    struct sigaction action{};
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO;
    sigemptyset(&action.sa_mask);
    for (const int number : kSignals) {
        sigaction(number, &action, nullptr);
    }
}

DamageGuard::~DamageGuard() {
    for (const int number : kSignals) {
        signal(number, SIG_DFL);
    }
    guarded().env = nullptr;
}

void DamageGuard::on_impossible(const char* words) noexcept { end_in_words(words); }

void DamageGuard::watch(const Env& env) noexcept { guarded().env = &env; }

std::optional<std::string> noted_damage(const std::filesystem::path& state_dir) {
    std::ifstream file(state_dir / kNoteName);
    std::string words;
    return file && std::getline(file, words) ? std::optional(words) : std::nullopt;
}

void note_damage(const std::filesystem::path& state_dir, std::string_view what) {
    std::ofstream(state_dir / kNoteName) << what << '\n';
}

void forget_noted_damage(const std::filesystem::path& state_dir) {
    std::error_code ignored;  // then the pages are looked at again with the next start
    std::filesystem::remove(state_dir / kNoteName, ignored);
}

}  // namespace grit::store
