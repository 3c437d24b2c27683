// What modules that write files of their own have in common. (Images go through archive::FileSystem.)
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace grit {

/// Owns a descriptor: closes it at its end.
class FileDescriptor {
  public:
    /// @param number  below 0 where an open(2) has failed: nothing is closed then.
    explicit FileDescriptor(int number) noexcept : number_(number) {}
    ~FileDescriptor();
    FileDescriptor(const FileDescriptor&) = delete;
    FileDescriptor& operator=(const FileDescriptor&) = delete;

    [[nodiscard]] int get() const noexcept { return number_; }

  private:
    int number_;
};

/// Writes all of `rest`, and takes away from it what is written; calls that are interrupted are repeated.
/// Blocks on the disk. @return 0 or errno.
[[nodiscard]] int write_all(int descriptor, std::string_view& rest);

/// Makes the names in a folder durable. Blocks on the disk. @return 0 or errno.
[[nodiscard]] int sync_folder(const std::filesystem::path& folder);

/// When the file was last written, ns since 1970.
[[nodiscard]] std::int64_t modified_ns(const struct stat& status) noexcept;

}  // namespace grit
