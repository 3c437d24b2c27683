// Images that are read again, and what an earlier life had left to be given up or removed.
#include "grit/crawl/supervisor.hpp"

#include "grit/store/error.hpp"
#include "grit/store/opt_out_rows.hpp"
#include "grit/store/volume_rows.hpp"

#include <utility>

namespace grit::crawl {

bool Supervisor::opt_out_deletes() const {
    const auto opt_out = opt_out_.state();
    return opt_out && opt_out->running && opt_out->row.erase && !opt_out->dry_run && !opt_out->only_files_left;
}

Checked<void> Supervisor::verify(const VerifyOrder& order) {
    if (order.repair && opt_out_deletes()) {
        return Problem{"the opt-out of " + opt_out_.state()->row.domain + " deletes images: repair when it is done"};
    }
    interrupt_resumed();
    return verify_.begin(order);
}

// What an operator asks for comes before what is only to be finished.
void Supervisor::interrupt_resumed() {
    if (verify_.running() && verify_.state()->order.resumed) {
        verify_.interrupt();
        owes_repair_ = true;
    }
}

// What it was about to finish is left to a later repair, or the next start.
void Supervisor::stop_verify() {
    owes_repair_ = false;
    verify_.cancel();
}

// A repair that was cut between its records and its files. An opt-out that was cut goes on by itself, beside the crawl.
void Supervisor::remove_due_images() {
    {
        const auto txn = parts_.env.read();
        if (!txn || store::get_opt_out(*txn)) {
            return;
        }
    }
    if (const auto removed = removals_.remove_due([] { return false; }); !removed) {
        parts_.log.error("start.due_images_kept", {{"problem", removed.error().what}});  // until the next start
    }
}

// Of a repair that was cut, or of volumes whose giving up was; nothing: all is done.
Result<std::optional<VerifyOrder>> Supervisor::order_to_finish() const {
    const auto txn = parts_.env.read();
    const auto volumes = txn ? store::get_volumes(*txn) : Result<std::vector<store::VolumeRow>>(txn.error());
    if (!volumes) {
        return volumes.error();
    }
    VerifyOrder order;
    order.repair = true;
    for (const store::VolumeRow& row : *volumes) {
        if (row.lost) {
            order.lost.push_back(row.name);
        }
    }
    bool is_any_broken = false;
    const auto walked = store::for_each_removal(*txn, [&](std::string_view, store::Removal removal) {
        is_any_broken = removal == store::Removal::broken;
        return !is_any_broken;
    });
    if (!walked) {
        return walked.error();
    }
    order.resumed = order.lost.empty();
    return is_any_broken || !order.lost.empty() ? std::optional(std::move(order)) : std::nullopt;
}

// What is in its way (an opt-out, another verify) is waited for.
void Supervisor::finish_repairs() {
    if (!owes_repair_ || verify_.running() || opt_out_deletes()) {
        return;
    }
    owes_repair_ = false;
    const auto order = order_to_finish();
    if (order && !*order) {
        return;
    }
    Checked<void> begun;
    if (order) {
        parts_.log.warning("verify.resumed", {{"lost_volumes", (*order)->lost.size()}});
        begun = verify(**order);
    } else {
        begun = store::unreadable(order.error());
    }
    if (!begun) {
        parts_.log.error("verify.not_resumed", {{"problem", begun.error().what}});  // until a later repair, or the next start
    }
}

// URLs are about to wait again.
bool Supervisor::is_repairing() const { return owes_repair_ || (verify_.running() && verify_.state()->order.repair); }

}  // namespace grit::crawl
