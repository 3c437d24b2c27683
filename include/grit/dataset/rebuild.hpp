// A state made anew of the outcome journal and the images, when the old one is lost.
//
// What comes back: records, the map, spellings, content, retries, blocks, an opt-out under way, hosts with their back-offs,
// ceilings and ends, counters, the ordinals of the inputs' lines. The lines of the inputs do not: gritd reads the
// inputs again at its next start, and passes over each line whose record is there.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "grit/base/clock.hpp"
#include "grit/base/log.hpp"
#include "grit/base/result.hpp"

namespace grit::dataset {

struct RebuildOptions {
    std::filesystem::path state;    ///< The caller holds its StateLock. Refused where a state in it opens.
    std::filesystem::path root;     ///< Of the images; layout `files`.
    std::filesystem::path journal;  ///< Its folder.
    std::string url_field = "url";  ///< Of the inputs, which are read where images are without a line.
};

/// How far it is: what is being done, and how much of it. `of` is 0 where that is not known.
struct RebuildProgress {
    std::string what;
    std::uint64_t done = 0;
    std::uint64_t of = 0;
};
/// False ends it.
using OnRebuild = std::function<bool(const RebuildProgress&)>;

struct RebuildReport {
    std::uint64_t journal_files = 0;
    std::uint64_t journal_lines = 0;
    std::uint64_t lines_missing = 0;  ///< Of the journal, by their numbers.
    std::uint64_t lines_damaged = 0;
    std::uint64_t records = 0;
    std::uint64_t images = 0;         ///< Records with one.
    std::uint64_t waiting = 0;        ///< Records with a retry.
    std::uint64_t hosts = 0;
    std::uint64_t blocks = 0;
    std::uint64_t lost = 0;     ///< Images that lines tell of and that are missing or of another size: asked for again.
    std::uint64_t found = 0;    ///< Images without a line whose URL the input told: taken over.
    std::uint64_t unknown = 0;  ///< Images without a line that nobody knows: they stay where they are.
    std::uint64_t removed = 0;  ///< Files that were to be removed by an opt-out or a repair, and are now.
    std::string list;           ///< JSON lines of what was lost, found, unknown and removed; empty if there was nothing.
    std::vector<std::string> problems;  ///< In words, for people.
};

/// Made aside, in STATE/rebuild.part, and put in place at the end: where it fails or is ended nothing has changed but lines
/// that were added to the journal, and files that had to be removed. A data.mdb that does not open is kept as
/// data.mdb.damaged-TIME.
/// Errors, in words: a state that opens; no mark of a dataset, and no journal; a root whose images are all missing (is its
/// volume mounted?); the disk.
[[nodiscard]] Checked<RebuildReport> rebuild_state(const RebuildOptions& options, const Clock& clock, const Logger& log,
                                                   const OnRebuild& on_progress);

}  // namespace grit::dataset
