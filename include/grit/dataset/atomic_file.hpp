// A file that is there whole or not at all.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "grit/base/result.hpp"
#include "grit/dataset/export_source.hpp"

namespace grit::dataset {

/// Writes a file beside its final place and puts it there when it is complete and on the disk. Dropped before
/// `commit()` it leaves nothing, and what was at the path before stays as it was. On file systems with O_TMPFILE not
/// even a killed process leaves anything.
///
/// A symbolic link is followed: the file that it names is replaced. A path that is no regular file (/dev/stdout, a
/// FIFO) is written directly, as there is nothing to replace.
/// Threads: one at a time.
class AtomicFile {
  public:
    /// Opens the temporary file. The folder has to be there. The new file has mode 0666 less the umask.
    [[nodiscard]] static Checked<AtomicFile> create(const std::string& path);

    AtomicFile(AtomicFile&& other) noexcept;
    AtomicFile& operator=(AtomicFile&& other) noexcept;
    ~AtomicFile();

    /// Appends. After a Problem (the disk is full, say) only the destructor makes sense.
    [[nodiscard]] Checked<void> write(std::string_view bytes);

    /// Syncs the file, puts it in place and syncs the folder. Nothing may be written after it.
    [[nodiscard]] Checked<void> commit();

  private:
    AtomicFile() = default;
    [[nodiscard]] Checked<void> open();
    [[nodiscard]] Checked<void> put_in_place();
    [[nodiscard]] Problem failed(std::string_view doing, int error) const;
    void drop() noexcept;

    std::string path_;
    std::string temporary_;  ///< Its name, if it has one now.
    int descriptor_ = -1;
    bool direct_ = false;  ///< No temporary: the path is no regular file.
};

/// Pulls a source to its end into a file, by AtomicFile; "-" is standard output.
/// @return bytes written; the first Problem of the source or the file, and then there is no file.
[[nodiscard]] Checked<std::uint64_t> write_export(ExportSource& source, const std::string& path);

}  // namespace grit::dataset
