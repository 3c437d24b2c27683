// Files of the state folder that have to outlive a power failure. Private to the module.
#pragma once

#include "grit/base/result.hpp"

#include <string>
#include <string_view>
#include <utility>

namespace grit::crawl {

/// A file that is there whole or not at all; dropped before `commit` it leaves nothing but, after a kill, a `.part`.
class DurableFile {
  public:
    /// Makes its folder too (0750), where that is missing.
    [[nodiscard]] static Checked<DurableFile> create(const std::string& path);
    ~DurableFile();
    DurableFile(DurableFile&& other) noexcept;
    DurableFile& operator=(DurableFile&&) = delete;

    /// Buffered: a disk that is full may be met at the commit only.
    [[nodiscard]] Checked<void> write(std::string_view bytes);
    [[nodiscard]] Checked<void> commit();

  private:
    DurableFile(std::string path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}
    [[nodiscard]] Checked<void> flush();

    std::string path_;
    std::string buffer_;
    int descriptor_ = -1;
};

/// Appends a line, unless the file has one with `mark` in it, and makes it durable.
[[nodiscard]] Checked<void> append_line_once(const std::string& path, std::string_view line, std::string_view mark);

}  // namespace grit::crawl
