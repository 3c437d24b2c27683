// What a rebuild did, on its way into the journal and into a list for people. Private to the module.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <string_view>

#include "grit/base/clock.hpp"
#include "grit/base/log.hpp"
#include "grit/journal/line.hpp"
#include "grit/metrics/metrics.hpp"
#include "grit/store/env.hpp"
#include "grit/store/journal_rows.hpp"
#include "grit/store/writer.hpp"

namespace grit::dataset {

/// Gathers in files: there may be a line for each image.
class RebuildTelling {
  public:
    /// @param folder  is made; it goes with the rest of what a rebuild sets aside.
    RebuildTelling(std::filesystem::path folder, const Clock& clock);

    /// A line for the journal; it is given its time.
    void tell(journal::Line& line);
    /// An entry of the list.
    void list(std::string_view fate, std::string_view path, std::string_view url, std::string_view why);

    /// Appends the lines to the journal in that folder, which goes on where its last whole line ends.
    /// @param mark  of the last file and line that were read. Errors, in words.
    [[nodiscard]] Checked<void> write_journal(const std::filesystem::path& journal, store::JournalMark mark, store::Env& env, store::Writer& writer,
                                              const Logger& log);
    /// Moves the list to that place. @return false if there is nothing in it. Errors, in words.
    [[nodiscard]] Checked<bool> keep_list(const std::filesystem::path& file);

  private:
    std::filesystem::path folder_;
    const Clock& clock_;
    metrics::Metrics metrics_;
    std::ofstream lines_;
    std::ofstream list_;
    bool has_list_ = false;
};

}  // namespace grit::dataset
