// Brings the state's file into the page cache beside the work.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <thread>

namespace grit::store {

/// Reads a file once from front to end on a thread of its own, a piece at a time: the page faults of a crawl that has
/// just started would take many times as long as that, each with a shard waiting for it. What is in the page cache
/// already costs next to nothing.
class ReadAhead {
  public:
    /// @param limit_bytes  stops there; 0 is half of the machine's memory.
    /// @param then  called on that thread afterwards, with what tells that it is to stop.
    explicit ReadAhead(const std::filesystem::path& file, std::uint64_t limit_bytes = 0,
                       std::function<void(const std::atomic<bool>& stopping)> then = {});
    /// Stops where it is.
    ~ReadAhead();
    ReadAhead(const ReadAhead&) = delete;
    ReadAhead& operator=(const ReadAhead&) = delete;

    /// Waits for the end. @return bytes read.
    std::uint64_t join();

  private:
    void read(int descriptor, std::uint64_t limit_bytes);

    std::atomic<bool> stopping_{false};
    std::atomic<std::uint64_t> bytes_{0};
    std::thread thread_;
};

}  // namespace grit::store
