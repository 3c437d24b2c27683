// One daemon per state folder.
#pragma once

#include <filesystem>

#include "grit/base/result.hpp"

namespace grit::store {

/// Holds DIR/gritd.lock by flock(2) with the holder's pid in it. The kernel drops it when the process ends, however it
/// ends, so there is no stale lock to remove by hand.
///
/// Movable; released by the destructor. The file stays (removing it would let two daemons hold two files).
class StateLock {
  public:
    /// Takes the lock, without waiting. Makes the folder (0750) where it is missing.
    /// @return the lock; a Problem that names the folder and the other holder's pid.
    [[nodiscard]] static Checked<StateLock> acquire(const std::filesystem::path& dir);

    StateLock() = default;
    ~StateLock();
    StateLock(StateLock&& other) noexcept;
    StateLock& operator=(StateLock&& other) noexcept;
    StateLock(const StateLock&) = delete;
    StateLock& operator=(const StateLock&) = delete;

  private:
    explicit StateLock(int descriptor) : descriptor_(descriptor) {}
    int descriptor_ = -1;
};

/// Makes a folder and its missing parents, mode 0750 less the umask.
/// @return nothing, or a Problem in words.
[[nodiscard]] Checked<void> make_state_folder(const std::filesystem::path& dir);

}  // namespace grit::store
