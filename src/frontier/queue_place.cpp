#include "grit/frontier/queue_place.hpp"

#include "grit/store/queue_walk.hpp"
#include "grit/url/canonical_url.hpp"

namespace grit::frontier {
namespace {

// Counts the block's open lines up to the one that is wanted. @return whether it is there.
bool search_block(const store::QueueBlock& block, const store::Progress& progress, const UrlHash& wanted,
                  std::uint64_t& lines) {
    for (std::size_t i = 0; i < block.size(); ++i) {
        if (progress.test(i)) {
            continue;
        }
        const auto canonical = url::canonicalize(block[i].url);
        if (canonical && canonical->hash() == wanted) {
            return true;
        }
        ++lines;
    }
    return false;
}

}  // namespace

Result<QueuePlace> place_in_queue(const store::ReadTxn& txn, const QueueStretch& stretch, const UrlHash& wanted) {
    QueuePlace place;
    store::BlockCodec codec;
    store::QueueKey from{stretch.run, stretch.host, stretch.block};
    for (std::size_t blocks = 0; blocks < stretch.most_blocks; ++blocks) {
        const auto key = store::next_block_of_runs(txn, from, stretch.last_run);
        if (!key) {
            place.to_the_end = key.error() == store::Errc::not_found;
            return place.to_the_end ? Result<QueuePlace>(place) : key.error();
        }
        from = store::QueueKey{key->run, key->host, key->block + 1};
        const auto block = store::get_block(txn, codec, *key, stretch.name);
        const auto progress = store::get_progress(txn, *key);
        if (block && progress && search_block(*block, *progress, wanted, place.looked_at)) {
            place.ahead = place.looked_at;
            return place;
        }
    }
    return place;
}

}  // namespace grit::frontier
