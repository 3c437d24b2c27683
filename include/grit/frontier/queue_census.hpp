// What the runs of a state hold for each host, counted before the frontier takes its hosts over.
#pragma once

#include <cstdint>
#include <vector>

#include "grit/base/ids.hpp"
#include "grit/store/error.hpp"
#include "grit/store/txn.hpp"

namespace grit::frontier {

/// The lines that all runs together brought for one host, settled ones included.
struct QueuedLines {
    std::uint64_t lines = 0;
    RunId first_run = 0;  ///< 0: no run has lines for it
    RunId last_run = 0;
};

/// Adds up a state's runs by host. A state of 20 million lines has some seven million pairs of run and host: each costs
/// an addition in an array here, where telling the frontier of each took ten times the rest of the start. 16 bytes per
/// host id, meant to live as long as the start.
class QueueCensus {
  public:
    /// Errors: those of the store.
    [[nodiscard]] static Result<QueueCensus> take(const store::Txn& txn);

    [[nodiscard]] QueuedLines of(HostId host) const { return host < by_host_.size() ? by_host_[host] : QueuedLines{}; }

  private:
    std::vector<QueuedLines> by_host_;
};

}  // namespace grit::frontier
