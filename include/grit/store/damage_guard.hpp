// A state that is damaged under our hands ends the process in words, instead of by a signal's name.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace grit::store {

class Env;

/// LMDB maps its file: where the file is shorter than its header says, where the disk fails, or where a page that was
/// overwritten leads astray, the process gets SIGBUS or SIGSEGV in the midst of anything, or LMDB aborts it. While a guard
/// lives those say on standard error what has happened and what to do, leave a note in the state folder for the next
/// start (`noted_damage`), and end the process with an exit code. Nothing is written after that.
///
/// A SIGSEGV elsewhere than in the map of the state, once that is known, is a bug, and ends the process as ever.
/// Signal handlers are the process's: one guard at a time.
class DamageGuard {
  public:
    struct Options {
        std::string program;    ///< Begins the words: "gritd".
        int exit_code = 1;
        bool leave_note = false;
    };
    DamageGuard(const std::filesystem::path& state_dir, const Options& options);
    ~DamageGuard();
    DamageGuard(const DamageGuard&) = delete;
    DamageGuard& operator=(const DamageGuard&) = delete;

    /// For EnvOptions::on_impossible.
    static void on_impossible(const char* words) noexcept;
    /// From now on a fault is the state's where it lies in its map.
    void watch(const Env& env) noexcept;
};

/// What an earlier process has noted in that state folder: it ended, since the state seemed damaged.
[[nodiscard]] std::optional<std::string> noted_damage(const std::filesystem::path& state_dir);
/// Writes such a note.
void note_damage(const std::filesystem::path& state_dir, std::string_view what);
void forget_noted_damage(const std::filesystem::path& state_dir);

}  // namespace grit::store
