// What the supervisor makes of the image volumes: a pause when none can be used, and words for whoever looks.
#include "grit/crawl/supervisor.hpp"

#include "grit/base/kill_point.hpp"
#include "grit/metrics/metrics.hpp"
#include "grit/store/error.hpp"
#include "grit/store/volume_rows.hpp"

#include <utility>

namespace grit::crawl {
using archive::VolumeState;

void Supervisor::watch_volumes() {
    parts_.volumes.tick();
    std::vector<metrics::VolumeGauges::Row> rows;
    for (const archive::VolumeView& view : parts_.volumes.views()) {
        tell_of_volume(view);
        rows.push_back({view.name, std::string(name_of(view.state)), view.space ? std::optional(view.space->free_bytes) : std::nullopt});
    }
    parts_.metrics.volumes.set(std::move(rows));
    volume_trouble_ = parts_.volumes.trouble();
}

void Supervisor::tell_of_volume(const archive::VolumeView& now) {
    const auto before = volumes_told_.find(now.name);
    const VolumeState then = before == volumes_told_.end() ? VolumeState::in_use : before->second.state;
    const bool went_out = now.times_out != (before == volumes_told_.end() ? 0 : before->second.times_out);
    volumes_told_[now.name] = now;
    if (went_out) {
        parts_.log.error("volume.out", {{"volume", now.name}, {"root", now.root}, {"why", now.why}});
        if (!parts_.volumes.alone()) {
            held_.begin(now.name, now.name == archive::kFirstVolume ? std::string() : now.name);
        }
    }
    if (is_there(now.state) && (then == VolumeState::out || went_out)) {
        removals_.begin();  // what was due while it was out
        opt_out_.try_again();
    }
    if (now.state == VolumeState::full && then != VolumeState::full) {
        parts_.log.warning("volume.full", {{"volume", now.name}, {"root", now.root}, {"why", now.why}});
    } else if (now.state == VolumeState::in_use && (then != VolumeState::in_use || went_out)) {
        parts_.log.info(then == VolumeState::full ? "volume.has_room" : "volume.back", {{"volume", now.name}, {"root", now.root}});
    }
}

Checked<void> Supervisor::give_up_volume(const std::string& name, std::uint32_t by_uid) {
    if (verify_.running() && !verify_.state()->order.resumed) {
        return Problem{"a verify is under way: give the volume up when it is done (gritctl verify --stop ends it)"};
    }
    if (opt_out_deletes()) {
        return Problem{"the opt-out of " + opt_out_.state()->row.domain + " deletes images: give the volume up when it is done"};
    }
    const auto note = [&]() -> Checked<void> {
        const auto noted = parts_.writer.transact([&](store::WriteTxn& txn) { return store::mark_volume_lost(txn, name); });
        return noted ? Checked<void>() : store::unwritable(noted.error());
    };
    if (auto declared = parts_.volumes.declare_lost(name, note); !declared) {
        return declared;
    }
    kill_point("volume_lost.noted");
    parts_.log.warning("volume.lost", {{"volume", name}, {"uid", by_uid}});
    watch_volumes();
    return verify(VerifyOrder{0, true, by_uid, {name}});
}

}  // namespace grit::crawl
