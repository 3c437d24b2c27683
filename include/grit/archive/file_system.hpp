// The system calls of the archive behind an interface, so that tests can make each one fail.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace grit::archive {

struct Volume {
    std::uint64_t free_bytes = 0;  ///< For us, not for root alone.
    std::uint64_t total_bytes = 0;
    std::uint64_t free_inodes = 0;  ///< The largest number where the file system has no limit.
    bool read_only = false;         ///< Mounted so.
};

/// Each call gives 0 or an errno value. Interrupted calls are repeated inside.
/// Threads: any at once.
class FileSystem {
  public:
    virtual ~FileSystem() = default;
    /// A new file for writing; EEXIST if there is one.
    virtual int create(const std::string& path, mode_t mode, int& descriptor) = 0;
    virtual int open_folder(const std::string& path, int& descriptor) = 0;
    /// One write(2): may take less than given.
    virtual int write(int descriptor, std::span<const std::byte> bytes, std::size_t& written) = 0;
    /// The descriptor is gone afterwards, whatever it gives.
    virtual int close(int descriptor) = 0;
    virtual int rename(const std::string& from, const std::string& to) = 0;
    virtual int unlink(const std::string& path) = 0;
    virtual int make_folder(const std::string& path, mode_t mode) = 0;
    /// ENOENT if there is nothing.
    virtual int look(const std::string& path) = 0;
    /// Names in a folder, without "." and "..".
    virtual int list(const std::string& path, std::vector<std::string>& names) = 0;
    /// The first 4 KiB of a small file.
    virtual int read_small(const std::string& path, std::string& text) = 0;
    /// syncfs(2). Since Linux 5.8 it tells of every failed write-back since the descriptor was opened, once.
    virtual int sync_volume(int descriptor) = 0;
    virtual int measure(const std::string& path, Volume& volume) = 0;
    /// Which file system a path is on, links followed: stat(2)'s st_dev.
    virtual int device_of(const std::string& path, std::uint64_t& device) = 0;

    /// From now on paths below `root` are looked up from this open folder, so that nothing is written to what lies under it
    /// when its volume is unmounted. `open_folder`, `measure`, `device_of` and the root itself are not.
    virtual void anchor(const std::string& root, int descriptor) = 0;
    /// The descriptor stays taken and refers to nothing of ours any more: it does not keep a volume busy, and a call that
    /// uses it meanwhile meets no other file.
    virtual int let_go(int descriptor) = 0;
    /// A symbolic link; EEXIST if there is something.
    virtual int make_link(const std::string& target, const std::string& path) = 0;
    /// EINVAL if it is something else.
    virtual int read_link(const std::string& path, std::string& target) = 0;

    // Bytes of a file elsewhere that are not copied. Both files are on one file system, or the call gives EXDEV.
    /// A second name for the file that is open there; EEXIST if there is one. EPERM, EMLINK: not of this file.
    virtual int link(int descriptor, const std::string& path) = 0;
    /// Makes a new, empty file (open for writing) share the blocks of another until one of them is written: FICLONE.
    /// EOPNOTSUPP, EINVAL: this file system can not do it.
    virtual int clone(int from, int to) = 0;

    // Files that are written more than once.
    /// A regular file that is there, for reading and, if asked, for writing. Never a symbolic link.
    virtual int open_file(const std::string& path, bool to_write, int& descriptor) = 0;
    /// One pread(2): may give less; 0 bytes only at the end.
    virtual int read_at(int descriptor, std::uint64_t offset, std::span<std::byte> bytes, std::size_t& count) = 0;
    /// One pwrite(2): may take less than given.
    virtual int write_at(int descriptor, std::uint64_t offset, std::span<const std::byte> bytes,
                         std::size_t& written) = 0;
    /// fdatasync(2). After an error the bytes may be gone, and a second call may say that all is well.
    virtual int sync_data(int descriptor) = 0;
    virtual int truncate(int descriptor, std::uint64_t size) = 0;
    /// Of a regular file; ENOENT if there is nothing.
    virtual int size_of(const std::string& path, std::uint64_t& size) = 0;
};

/// The machine's.
class RealFileSystem : public FileSystem {
  public:
    int create(const std::string& path, mode_t mode, int& descriptor) override;
    int open_folder(const std::string& path, int& descriptor) override;
    int write(int descriptor, std::span<const std::byte> bytes, std::size_t& written) override;
    int close(int descriptor) override;
    int rename(const std::string& from, const std::string& to) override;
    int unlink(const std::string& path) override;
    int make_folder(const std::string& path, mode_t mode) override;
    int look(const std::string& path) override;
    int list(const std::string& path, std::vector<std::string>& names) override;
    int read_small(const std::string& path, std::string& text) override;
    int sync_volume(int descriptor) override;
    int measure(const std::string& path, Volume& volume) override;
    int device_of(const std::string& path, std::uint64_t& device) override;
    void anchor(const std::string& root, int descriptor) override;
    int let_go(int descriptor) override;
    int make_link(const std::string& target, const std::string& path) override;
    int read_link(const std::string& path, std::string& target) override;
    int link(int descriptor, const std::string& path) override;
    int clone(int from, int to) override;
    int open_file(const std::string& path, bool to_write, int& descriptor) override;
    int read_at(int descriptor, std::uint64_t offset, std::span<std::byte> bytes, std::size_t& count) override;
    int write_at(int descriptor, std::uint64_t offset, std::span<const std::byte> bytes,
                 std::size_t& written) override;
    int sync_data(int descriptor) override;
    int truncate(int descriptor, std::uint64_t size) override;
    int size_of(const std::string& path, std::uint64_t& size) override;

  private:
    struct At {
        int folder;
        const char* path;
    };
    [[nodiscard]] At at(const std::string& path) const;

    std::string anchored_;  // with a slash at its end
    int anchor_ = -1;
};

}  // namespace grit::archive
