// What the crawl takes over from the state, and what it has to make good there.
#include "grit/crawl/supervisor.hpp"

#include "grit/base/quantity.hpp"
#include "grit/store/clock_row.hpp"
#include "grit/store/codec.hpp"
#include "grit/store/error.hpp"
#include "host_mend.hpp"

#include <fmt/format.h>

#include <chrono>
#include <utility>

namespace grit::crawl {
namespace {

// A host whose row was damaged is left alone first: what it had asked for is not known any more.
constexpr Milliseconds kCautiousRest{30'000};
// The wall clock is slewed and stepped a little all the time; more than this is told.
constexpr Milliseconds kJumpTold{5'000};

Problem unreadable(std::string_view what, const ErrorCode& error) {
    return Problem{fmt::format("the state's {} can not be read: {}. Restore the state folder from a backup (gritctl backup makes "
                               "them), or have gritctl rebuild make it anew",
                               what, error.message())};
}

}  // namespace

Checked<void> Supervisor::take_up_state() {
    std::vector<std::pair<HostId, store::HostRow>> mended;
    if (auto taken = take_over(mended); !taken || mended.empty()) {
        return taken;
    }
    const auto written = parts_.writer.transact([&](store::WriteTxn& txn) -> Result<void> {
        for (const auto& [host, row] : mended) {
            if (const auto put = store::put_host(txn, host, row); !put) {
                return put;
            }
        }
        return {};
    });
    return written ? Checked<void>() : store::unwritable(written.error());
}

Checked<void> Supervisor::take_over(std::vector<std::pair<HostId, store::HostRow>>& mended) {
    auto txn = parts_.env.read();
    if (!txn) {
        return store::unreadable(txn.error());
    }
    take_up_the_clock(*txn);
    if (const auto counted = committer_.load(*txn); !counted) {
        return unreadable("retries", counted.error());
    }
    if (auto blocks = load_blocks(*txn); !blocks) {
        return blocks;
    }
    const auto adoptions = txn->count(store::Table::adoptions);
    if (!adoptions) {
        return unreadable("adoptions", adoptions.error());
    }
    if (*adoptions > 0) {
        expect_adoptions();
    }
    return load_hosts(*txn, mended);
}

Checked<void> Supervisor::load_hosts(const store::Txn& txn, std::vector<std::pair<HostId, store::HostRow>>& mended) {
    const auto census = frontier::QueueCensus::take(txn);
    if (!census) {
        return unreadable("runs", census.error());
    }
    if (const auto known = txn.count(store::Table::hosts)) {
        hosts_.reserve(*known);
    }
    const auto load = [&](HostId id, const store::HostRow& row) {
        hosts_.load(id, row.name, row.domain, row.partition);
        shards_[row.partition % shards_.size()]->frontier().load_host(id, row, census->of(id));
    };
    std::vector<HostId> damaged;
    const auto walked = store::for_each(txn, store::Table::hosts, [&](std::string_view key, std::string_view bytes) {
        store::Decoder number(key);
        const HostId id = number.be32();
        const auto row = store::decode_host(bytes);
        if (number.finish() && row) {
            load(id, *row);
        } else if (number.finish() && id != kNoHost) {
            damaged.push_back(id);
        }
        return true;
    });
    if (!walked) {
        return unreadable("hosts", walked.error());
    }
    for (const HostId id : damaged) {
        mend_host_of(txn, id, *census, mended);
    }
    for (const auto& [id, row] : mended) {
        load(id, row);
    }
    return {};
}

void Supervisor::mend_host_of(const store::Txn& txn, HostId host, const frontier::QueueCensus& census,
                              std::vector<std::pair<HostId, store::HostRow>>& mended) {
    const std::int64_t rested_ms = (schedule_.wall_now().time_since_epoch() + kCautiousRest).count();
    auto row = mend_host(txn, host, census.of(host), rested_ms);
    if (row && *row) {
        parts_.log.error("start.host_mended", {{"host", (*row)->name}, {"lines_left", census.of(host).lines - (*row)->taken}});
        mended.emplace_back(host, std::move(**row));
        return;
    }
    // Its number stays taken: its lines are under it.
    const std::string stand_in = fmt::format("host-{}.invalid", host);
    hosts_.load(host, stand_in, stand_in, 0);
    parts_.log.error("start.host_lost", {{"host_id", host},
                                         {"lines", census.of(host).lines},
                                         {"error", row ? "its row is damaged, and no record tells its name" : row.error().message()},
                                         {"remedy", "gritctl rebuild, or a backup"}});
}

// The clock -----------------------------------------------------------------------------------------------------------

void Supervisor::take_up_the_clock(const store::Txn& txn) {
    const auto mark = store::get_clock(txn);
    if (!mark) {
        if (mark.error() != store::Errc::not_found) {
            parts_.log.error("start.clock_unknown", {{"error", mark.error().message()}});
        }
        return;
    }
    const Milliseconds jump = schedule_.go_on_from(*mark);
    machine_ahead_ = schedule_.machine_ahead();
    if (std::chrono::abs(jump) > kJumpTold) {
        parts_.log.warning("clock.jumped", {{"by_seconds", jump.count() / 1000}, {"while", "gritd was not running"}});
    }
}

void Supervisor::watch_the_clock() {
    const Milliseconds ahead = schedule_.machine_ahead();
    const Milliseconds jump = ahead - std::exchange(machine_ahead_, ahead);
    if (std::chrono::abs(jump) > kJumpTold) {
        parts_.log.warning("clock.jumped", {{"by_seconds", jump.count() / 1000}, {"while", "gritd was running"}});
    }
}

}  // namespace grit::crawl
