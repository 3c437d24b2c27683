// What a volume that went out held, by name: a list file, for whoever has to know what can not be read now.
#pragma once

#include "grit/base/log.hpp"
#include "grit/base/result.hpp"
#include "grit/store/env.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace grit::crawl {

struct HeldState {
    std::string list;         ///< Path of the file, once it is whole: a JSON line {"path", "url"} per record.
    std::uint64_t count = 0;  ///< Records whose image is there, so far.
    bool running = false;
    std::string problem;  ///< Why there is none.
};

/// Writes STATE/volumes/NAME.jsonl on a thread of its own that gives way to all others, one volume after the other. Records
/// are read in short transactions, and none is open while the disk is waited for.
/// Threads: all functions from one thread. Lifetime: all that it is given outlives it.
class HeldList {
  public:
    HeldList(store::Env& env, const Logger& log);
    ~HeldList();
    HeldList(const HeldList&) = delete;
    HeldList& operator=(const HeldList&) = delete;

    /// Begins a new list, or does so when the others are done.
    /// @param name    what the volume is called: of its list.
    /// @param volume  as its images' locations have it (`archive::volume_of`).
    void begin(const std::string& name, const std::string& volume);
    /// Nothing if none was begun.
    [[nodiscard]] std::optional<HeldState> state(const std::string& name) const;
    /// Ends the one under way. Idempotent; waits.
    void stop();

  private:
    struct Order {
        std::string name;
        std::string volume;
    };
    void run();
    [[nodiscard]] Checked<void> write(const Order& order, HeldState& state);
    void publish(const Order& order, const HeldState& state);

    store::Env& env_;
    const Logger& log_;
    std::thread thread_;
    std::atomic<bool> stopping_{false};
    mutable std::mutex mutex_;
    std::condition_variable change_;
    std::deque<Order> orders_;
    std::map<std::string, HeldState> states_;
};

}  // namespace grit::crawl
