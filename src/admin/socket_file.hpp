// The file of a UNIX socket that is listened on: made safely, taken over from the dead, taken away at the end.
#pragma once

#include <sys/types.h>

#include <string>

#include "grit/base/result.hpp"

namespace grit::admin {

/// A listening UNIX stream socket and its file. The file is taken away when this is destroyed, unless another process
/// has put its own in its place.
class SocketFile {
  public:
    /// Makes the file with that mode (it is never more open than that, not even for a moment) and listens.
    ///
    /// A socket file on which nobody answers is replaced by rename(2): there is no moment without one.
    /// @param path  at most 106 bytes. A missing last folder is made (0755).
    /// @return a Problem if somebody answers there, if the path is something other than a socket, or if the system
    /// refuses.
    [[nodiscard]] static Checked<SocketFile> listen(const std::string& path, mode_t mode);

    SocketFile() = default;
    SocketFile(SocketFile&& other) noexcept;
    SocketFile& operator=(SocketFile&& other) noexcept;
    ~SocketFile();

    /// Gives the descriptor away; the file stays this object's.
    [[nodiscard]] int release_descriptor() noexcept;

    /// Takes the file away now.
    void remove() noexcept;

  private:
    std::string path_;
    dev_t device_ = 0;
    ino_t inode_ = 0;
    int descriptor_ = -1;
};

}  // namespace grit::admin
