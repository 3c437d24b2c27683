#include "stats_files.hpp"

#include "grit/archive/names.hpp"
#include "grit/base/low_priority.hpp"
#include "grit/store/error.hpp"
#include "grit/store/tables.hpp"

#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <span>
#include <utility>
#include <vector>

namespace grit::crawl {
namespace {

constexpr std::chrono::hours kEvery{1};

// img2dataset's second kind of failure: bytes came, and were not the image that is wanted.
bool is_of_the_bytes(Outcome outcome) {
    return outcome == Outcome::not_an_image || outcome == Outcome::broken_image || outcome == Outcome::truncated_body ||
           outcome == Outcome::filtered || outcome == Outcome::empty_body;
}

}  // namespace

void StatsFiles::start() {
    thread_ = std::thread([this] { work(); });
}

void StatsFiles::ask() {
    const std::lock_guard lock(mutex_);
    asked_ = true;
    wake_.notify_all();
}

void StatsFiles::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        wake_.notify_all();
    }
    if (thread_.joinable()) {
        thread_.join();
    }
}

bool StatsFiles::stopping() {
    const std::lock_guard lock(mutex_);
    return stopping_;
}

void StatsFiles::work() {
    give_way_to_others();
    while (true) {
        {
            std::unique_lock lock(mutex_);
            wake_.wait_for(lock, kEvery, [this] { return asked_ || stopping_; });
            if (stopping_) {
                return;
            }
            asked_ = false;
        }
        if (const auto written = write(); !written) {
            log_.warning("stats_files.not_written", {{"problem", written.error().what}});
        }
    }
}

Checked<StatsFiles::Shards> StatsFiles::count() {
    Shards shards;
    const bool was_stopping = stopping();  // the last word, at the end of a crawl, is not cut
    const auto take = [&](const store::RecordKey&, const store::Record& record) {
        if (!record.waiting && record.last_ms != 0 && record.outcome != Outcome::duplicate_content) {
            Shard& shard = shards[record.ordinal / archive::kShardSize];
            const bool stored = record.outcome == Outcome::stored;
            ++(stored ? shard.successes : is_of_the_bytes(record.outcome) ? shard.failed_to_resize : shard.failed_to_download);
            ++shard.statuses[stored ? "success" : std::string(name_of(record.outcome))];
            const std::int64_t first = record.first_ms != 0 ? record.first_ms : record.last_ms;
            shard.first_ms = shard.first_ms == 0 ? first : std::min(shard.first_ms, first);
            shard.last_ms = std::max(shard.last_ms, record.last_ms);
        }
        return was_stopping || !stopping();
    };
    if (const auto scanned = store::scan_records(env_, take); !scanned) {
        return store::unreadable(scanned.error());
    }
    return shards;
}

// Fields and indentation are those of img2dataset's logger.
std::string StatsFiles::text_of(const Shard& shard) {
    const auto seconds = [](std::int64_t ms) { return static_cast<double>(ms) / 1000; };
    std::string statuses;
    for (const auto& [name, number] : shard.statuses) {
        statuses += fmt::format("{}        {}: {}", statuses.empty() ? "\n" : ",\n", boost::json::serialize(boost::json::string(name)), number);
    }
    return fmt::format(
        "{{\n    \"count\": {},\n    \"successes\": {},\n    \"failed_to_download\": {},\n    \"failed_to_resize\": {},\n"
        "    \"duration\": {},\n    \"start_time\": {},\n    \"end_time\": {},\n    \"status_dict\": {{{}\n    }}\n}}",
        shard.successes + shard.failed_to_download + shard.failed_to_resize, shard.successes, shard.failed_to_download,
        shard.failed_to_resize, seconds(shard.last_ms - shard.first_ms), seconds(shard.first_ms), seconds(shard.last_ms), statuses);
}

Checked<void> StatsFiles::write() {
    const auto shards = count();
    if (!shards) {
        return shards.error();
    }
    const std::shared_ptr<archive::Depot> depot = volumes_.first();
    std::vector<archive::Move> moves;
    for (const auto& [number, shard] : *shards) {
        archive::TempImage file = depot->create();
        const std::string text = text_of(shard);
        Result<void> done = file.append(std::as_bytes(std::span(text)));
        done = done ? file.close() : done;
        if (!done) {
            return Problem{fmt::format("{:05}_stats.json can not be written: {}", number, done.error().message())};
        }
        moves.push_back(archive::Move{file.release(), fmt::format("{:05}_stats.json", number)});
    }
    // Whole or as they were, also after a power cut: the bytes first, then the names.
    auto synced = moves.empty() ? Result<void>() : depot->sync();
    const archive::Published published = synced ? depot->publish(moves) : archive::Published{0, synced.error()};
    for (std::size_t i = published.done; i < moves.size(); ++i) {
        static_cast<void>(depot->discard(moves[i].temp_name));
    }
    return published ? Checked<void>() : Problem{"the stats files can not be put in place: " + published.error.message()};
}

}  // namespace grit::crawl
