// What the frontier keeps of one host. Private to the frontier's own files.
#pragma once

#include "grit/frontier/frontier.hpp"

#include <algorithm>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <unordered_set>
#include <utility>
#include <vector>

namespace grit::frontier {

// Lines looked at per `lease` that turn out to need no request (duplicates): bounds its time.
inline constexpr std::size_t kLinesPerCall = 256;
// A host that is parked for this long gives its lines back to the disk. Longer than any pace: only back-off does it.
inline constexpr Milliseconds kLongPark{45'000};

// Lines that have left the queue and are not acknowledged: a block that is read once more is read without them.
class LinesOut {
  public:
    void insert(const LineRef& line) { blocks_[line.block].set(line.entry); }
    void erase(const LineRef& line) {
        if (const auto block = blocks_.find(line.block); block != blocks_.end()) {
            block->second.clear(line.entry);
            if (block->second.count() == 0) {
                blocks_.erase(block);
            }
        }
    }
    [[nodiscard]] bool contains(const LineRef& line) const {
        const auto block = blocks_.find(line.block);
        return block != blocks_.end() && block->second.test(line.entry);
    }
    [[nodiscard]] bool empty() const { return blocks_.empty(); }

  private:
    std::map<store::QueueKey, store::Progress> blocks_;
};

// What a host needs only while it is being worked on.
struct Frontier::InPlay {
    // Lists, since they are empty as a rule and an empty deque holds 600 bytes.
    std::list<TaskPtr> questions;  // about sites: before all else
    std::list<TaskPtr> first;      // given back, redirected here, due again: before the queue
    std::vector<std::pair<store::QueueEntry, LineRef>> lines;  // of the block in work; the next one is the last
    std::unordered_set<UrlHash> open_urls;  // leased and not committed yet

    LinesOut out;

    [[nodiscard]] bool empty() const { return tasks() == 0 && open_urls.empty() && out.empty(); }
    [[nodiscard]] std::size_t tasks() const { return questions.size() + first.size() + lines.size(); }
};

// An origin that is down.
struct Frontier::Trouble {
    bool https = false;
    bool gone = false;     // the schedule is used up
    bool probing = false;  // a request to it is open: one at a time
    std::uint8_t attempts = 0;
    std::uint16_t port = 0;
    Outcome as = Outcome::unreachable;
    SteadyTime due{};
    std::uint64_t passed_over = 0;  // lines, in this pass
};

// Only of hosts that have an origin in trouble.
struct Frontier::Origins {
    std::vector<Trouble> troubles;
    std::uint64_t passed_over = 0;  // lines in the queue, pending, before the next block
    store::QueueKey from;           // of them the first one's block
    SteadyTime rests_until{};       // nothing left but lines of origins that wait
    std::optional<std::pair<bool, std::uint16_t>> only;  // all that is left is known to be this one's
    bool ends_gone = false;         // lines of origins that are gone end when they are met
    bool ended = false;             // the host's lines ended with an origin; the host is not given up for others

    [[nodiscard]] Trouble* find(bool https, std::uint16_t port) {
        const auto found = std::find_if(troubles.begin(), troubles.end(),
                                        [&](const Trouble& one) { return one.https == https && one.port == port; });
        return found == troubles.end() ? nullptr : &*found;
    }
    [[nodiscard]] bool is_only(const Trouble& one) const { return only == std::pair(one.https, one.port); }
};

struct Frontier::Host {
    HostId id = kNoHost;
    std::uint32_t next_block = 0;
    RunId next_run = 0;  // where the next block is to be looked for; 0: no line yet
    Place place = Place::idle;
    HostState state = HostState::finished;
    ReadyQueue::Urgency urgency = 0;         // when it was ready last: entries of it with another one are stale
    ReadyQueue::Urgency loaded_urgency = 0;  // when the block in work was loaded
    bool awaits_site : 1 = false;
    bool blocked : 1 = false;      // by name, or its addresses are
    bool has_origins : 1 = false;  // in trouble: Frontier::origins_
    bool rests : 1 = false;        // parked for the sake of its origins, not of its gate
    bool at_first_run : 1 = true;  // next_run is known to be the first run with lines left
    bool came_due : 1 = false;     // it was parked, its time has come, and it has not been leased since
    Outcome down_as = Outcome::unreachable;  // what it was down as last
    std::uint8_t gone_as = store::kNotGone;
    std::uint8_t last_failure = store::kNotGone;  // outcome number: why it was left alone last
    Wait held_by = Wait::pace;                    // what its gate's time is, until it is asked again
    politeness::HostClasses::Found classes;
    std::uint32_t pending = 0;  // lines in the queue, not loaded
    std::uint32_t stored = 0;   // URLs with an image
    std::uint32_t failed = 0;   // URLs that ended without one
    std::uint64_t domain = 0;
    politeness::HostGate gate;
    std::unique_ptr<InPlay> in_play;
};

}  // namespace grit::frontier
