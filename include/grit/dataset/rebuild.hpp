// A state made anew of the outcome journal, the images and their sidecars, when the old one is lost.
//
// What comes back: records, the map, spellings, content, retries, blocks, an opt-out under way, hosts with their back-offs,
// ceilings and ends, counters, the ordinals of the inputs' lines. The lines of the inputs do not: gritd reads the
// inputs again at its next start, and passes over each line whose record is there. Where the journal is gone, too, images
// come back by their sidecars, in layouts that have them, and nothing else does.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "grit/archive/volumes.hpp"
#include "grit/base/clock.hpp"
#include "grit/base/log.hpp"
#include "grit/base/result.hpp"

namespace grit::dataset {

struct RebuildOptions {
    std::filesystem::path state;    ///< The caller holds its StateLock. Refused where a state in it opens.
    archive::VolumesOptions volumes;  ///< As `volumes_of` makes them of the config: each has to be there.
    std::string layout;               ///< As the config names it.
    std::vector<std::string> lost = {};  ///< Volumes that are gone for good; none of `volumes`. What they held is asked for again.
    std::filesystem::path journal;    ///< Its folder.
    bool begins_journal = true;       ///< False: where there is none, none is begun.
    std::vector<std::string> inputs = {};  ///< As the config has them. Read where there is no journal.
    std::string url_field = "url";    ///< Of the inputs.
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
    std::uint64_t found = 0;    ///< Images without a line whose URL a sidecar or the input told: taken over.
    std::uint64_t unknown = 0;  ///< Images without a line that nobody knows: they stay where they are.
    std::uint64_t removed = 0;  ///< Files that were to be removed by an opt-out or a repair, and are now.
    std::string list;           ///< JSON lines of what was lost, found, unknown and removed; empty if there was nothing.
    std::vector<std::string> problems;  ///< In words, for people.
};

/// Made aside, in STATE/rebuild.part, and put in place at the end: where it fails or is ended nothing has changed but lines
/// that were added to the journal, and images that had to be removed. A data.mdb that does not open is kept as
/// data.mdb.damaged-TIME.
/// Errors, in words: a state that opens; no mark of a dataset; neither a journal nor an image with a sidecar; a journal of another
/// dataset or layout; a volume that is not mounted, or whose images are all missing; the disk.
[[nodiscard]] Checked<RebuildReport> rebuild_state(const RebuildOptions& options, const Clock& clock, const Logger& log,
                                                   const OnRebuild& on_progress);

}  // namespace grit::dataset
