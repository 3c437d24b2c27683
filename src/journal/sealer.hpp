// Turns files that are written to their end into sealed ones, on a thread of its own. Private to the module.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <mutex>
#include <thread>

#include "grit/base/log.hpp"

namespace grit::metrics {
class Metrics;
}

namespace grit::journal {

/// What can not be sealed stays as it is, readable, until the next start.
/// Threads: all functions from any. Lifetime: all that it is given outlives it; the destructor waits.
class Sealer {
  public:
    Sealer(std::filesystem::path folder, metrics::Metrics& metrics, const Logger& log);
    ~Sealer();
    Sealer(const Sealer&) = delete;
    Sealer& operator=(const Sealer&) = delete;

    /// @param bytes  of the file that count: all that is durable and committed.
    void add(std::uint64_t number, std::uint64_t bytes);
    /// Until all that was added is done.
    void drain();

  private:
    struct Work {
        std::uint64_t number = 0;
        std::uint64_t bytes = 0;
    };
    void run();
    void seal(const Work& work) const;

    std::filesystem::path folder_;
    metrics::Metrics& metrics_;
    const Logger& log_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Work> work_;
    bool busy_ = false;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace grit::journal
