#include "grit/store/queue_walk.hpp"

#include <algorithm>

namespace grit::store {

Result<QueueKey> next_block_of_runs(const Txn& txn, const QueueKey& from, RunId last_run) {
    for (RunId run = std::max<RunId>(from.run, 1); run <= last_run; ++run) {
        auto key = next_block(txn, from.host, run, run == from.run ? from.block : 0);
        if (key || key.error() != Errc::not_found) {
            return key;
        }
    }
    return Errc::not_found;
}

}  // namespace grit::store
