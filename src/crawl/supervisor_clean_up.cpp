// What a start does about the end of the last life: temporaries, and images that no record names, are removed.
#include "grit/crawl/supervisor.hpp"

#include "grit/base/kill_point.hpp"
#include "grit/store/error.hpp"
#include "grit/store/shard_rows.hpp"
#include "grit/store/tables.hpp"

#include <string>
#include <utility>
#include <vector>

namespace grit::crawl {
namespace {

// Shards of images that are open, and the last one: what a start has to know.
Result<std::vector<archive::ShardMark>> shard_marks(const store::Txn& txn) {
    std::vector<archive::ShardMark> marks;
    const auto walked = store::for_each_shard(txn, [&marks](std::uint32_t shard, const store::ShardRow& row) {
        if (!marks.empty() && marks.back().sealed && marks.back().volume == row.volume) {
            marks.pop_back();
        }
        marks.push_back(archive::ShardMark{shard, row.bytes, row.samples, row.sealed, row.volume});
        return true;
    });
    return walked ? Result<std::vector<archive::ShardMark>>(std::move(marks)) : Result<std::vector<archive::ShardMark>>(walked.error());
}

}  // namespace

Checked<void> Supervisor::clean_up_after_crash() {
    const auto swept = parts_.volumes.sweep_temporaries();
    if (!swept) {
        return Problem{"left-over temporaries can not be removed: " + swept.error().message()};
    }
    kill_point("start.temporaries_swept");
    std::vector<std::string> intents;
    std::vector<archive::ShardMark> marks;
    {
        auto txn = parts_.env.read();
        auto read = txn ? store::get_intents(*txn) : Result<std::vector<std::string>>(txn.error());
        auto shards = read ? shard_marks(*txn) : Result<std::vector<archive::ShardMark>>(read.error());
        if (!shards) {
            return store::unreadable(shards.error());
        }
        intents = std::move(*read);
        marks = std::move(*shards);
    }
    const auto restored = parts_.volumes.restore(intents, marks);
    if (!restored) {
        return restored.error();
    }
    for (const std::string& damage : restored->damaged) {
        parts_.log.error("start.images_damaged", {{"what", damage}});
    }
    if (restored->bytes_cut > 0) {
        parts_.log.info("start.unrecorded_bytes_cut", {{"bytes", restored->bytes_cut}});
    }
    if (!intents.empty()) {
        kill_point("start.images_removed");
        const auto cleared = parts_.writer.transact([](store::WriteTxn& txn) { return store::put_intents(txn, {}); });
        if (!cleared) {
            return store::unwritable(cleared.error());
        }
        kill_point("start.intents_cleared");
    }
    if (restored->files_removed > 0) {
        parts_.log.info("start.unrecorded_images_removed", {{"count", restored->files_removed}});
    }
    if (*swept > 0) {
        parts_.log.info("start.temporaries_removed", {{"count", *swept}});
    }
    return {};
}

}  // namespace grit::crawl
