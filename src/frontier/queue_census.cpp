#include "grit/frontier/queue_census.hpp"

#include <algorithm>

#include "grit/store/tables.hpp"

namespace grit::frontier {

Result<QueueCensus> QueueCensus::take(const store::Txn& txn) {
    QueueCensus census;
    const auto walked = store::for_each_run(txn, [&](RunId run, const std::vector<store::RunHost>& hosts) {
        if (!hosts.empty() && hosts.back().host >= census.by_host_.size()) {
            census.by_host_.resize(std::max<std::size_t>(hosts.back().host + 1, census.by_host_.size() * 3 / 2));
        }
        for (const store::RunHost& entry : hosts) {
            QueuedLines& queued = census.by_host_[entry.host];
            queued.lines += entry.lines;
            queued.first_run = queued.first_run == 0 ? run : queued.first_run;
            queued.last_run = run;
        }
        return true;
    });
    if (!walked) {
        return walked.error();
    }
    return census;
}

}  // namespace grit::frontier
