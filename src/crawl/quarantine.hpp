// The file of lines that no URL could be read from.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "grit/base/result.hpp"

namespace grit::crawl {

/// Only ever appended to. The state counts its bytes, so that what a crash leaves behind them can be told from what an
/// operator did to the file. Threads: one at a time.
class Quarantine {
  public:
    Quarantine() = default;
    ~Quarantine();
    Quarantine(const Quarantine&) = delete;
    Quarantine& operator=(const Quarantine&) = delete;

    /// Opens or makes the file; again, if it is open already: it may have been taken away.
    ///
    /// What lies behind the counted bytes belongs to a run that was never committed and is cut off: its lines are read
    /// again. A file that is shorter was cut or taken away by somebody, who may: it stays as it is, but for an end to
    /// its last line.
    /// @return the bytes that count now; `counted`, unless the file was shorter.
    [[nodiscard]] Checked<std::uint64_t> open(const std::filesystem::path& file, std::uint64_t counted);

    /// Appends as much of `rest` as goes, and takes that off it. @return errno; 0.
    [[nodiscard]] int append(std::string_view& rest);
    /// What was appended is on the disk then. After a failure the system may have dropped it, and would say that all is well when
    /// asked again: the next call writes it again first. @return errno; 0.
    [[nodiscard]] int sync();
    void close();

  private:
    [[nodiscard]] int cut_back_to(std::uint64_t counted) const;
    [[nodiscard]] int end_last_line(std::uint64_t& size);
    [[nodiscard]] int write_again() const;

    int descriptor_ = -1;
    std::uint64_t synced_bytes_ = 0;
    std::string unsynced_;  // what was appended behind them: of one run
    bool sync_failed_ = false;
};

}  // namespace grit::crawl
