// NNNNN_stats.json, for the layout that has them. Private to the module.
#pragma once

#include "grit/archive/volumes.hpp"
#include "grit/base/log.hpp"
#include "grit/store/env.hpp"

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace grit::crawl {

/// What img2dataset would say of the shards, in its form: from the records, so that each file is true of one moment, and
/// whole whatever happens. Written at the start, when the crawl has nothing left, every hour, and by `write`.
///
/// A shard's numbers are of the URLs with an ordinal in it that have been asked for: those that wait for a retry, that ended
/// with their host, or whose bytes were there already are in none.
/// Threads: a thread of its own, which gives way to others; `ask` from any. Lifetime: all that it is given outlives it.
class StatsFiles {
  public:
    StatsFiles(store::Env& env, archive::Volumes& volumes, const Logger& log) : env_(env), volumes_(volumes), log_(log) {}
    ~StatsFiles() { stop(); }
    StatsFiles(const StatsFiles&) = delete;
    StatsFiles& operator=(const StatsFiles&) = delete;

    void start();
    /// Soon.
    void ask();
    /// Now, on this thread. Errors, in words: the state can not be read, a file not be written.
    [[nodiscard]] Checked<void> write();
    /// Idempotent; joins.
    void stop();

  private:
    struct Shard {
        std::uint64_t successes = 0;
        std::uint64_t failed_to_download = 0;
        std::uint64_t failed_to_resize = 0;  // was no image, or not a wanted one
        std::int64_t first_ms = 0;
        std::int64_t last_ms = 0;
        std::map<std::string, std::uint64_t> statuses;
    };
    using Shards = std::map<std::uint64_t, Shard>;

    void work();
    [[nodiscard]] bool stopping();
    [[nodiscard]] Checked<Shards> count();
    [[nodiscard]] static std::string text_of(const Shard& shard);

    store::Env& env_;
    archive::Volumes& volumes_;
    const Logger& log_;
    std::mutex mutex_;
    std::condition_variable wake_;
    bool asked_ = true;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace grit::crawl
