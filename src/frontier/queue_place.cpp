#include "grit/frontier/queue_place.hpp"

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
    std::size_t blocks = 0;
    std::uint32_t from = stretch.block;
    for (RunId run = stretch.run; run <= stretch.last_run;) {
        if (blocks >= stretch.most_blocks) {
            return place;
        }
        const auto key = store::next_block(txn, stretch.host, run, from);
        if (!key) {
            if (key.error() != store::Errc::not_found) {
                return key.error();
            }
            ++run;
            from = 0;
            continue;
        }
        from = key->block + 1;
        ++blocks;
        const auto block = store::get_block(txn, codec, *key, stretch.name);
        const auto progress = store::get_progress(txn, *key);
        if (block && progress && search_block(*block, *progress, wanted, place.looked_at)) {
            place.ahead = place.looked_at;
            return place;
        }
    }
    place.to_the_end = true;
    return place;
}

}  // namespace grit::frontier
