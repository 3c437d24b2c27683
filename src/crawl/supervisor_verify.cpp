// Images that are read again, and what an earlier life had left to be removed.
#include "grit/crawl/supervisor.hpp"

#include "grit/store/opt_out_rows.hpp"
#include "removals.hpp"

namespace grit::crawl {

Checked<void> Supervisor::verify(const VerifyOrder& order) {
    const auto opt_out = opt_out_.state();
    if (order.repair && opt_out && opt_out->running && opt_out->row.erase && !opt_out->dry_run) {
        return Problem{"the opt-out of " + opt_out->row.domain + " deletes images: repair when it is done"};
    }
    return verify_.begin(order);
}

// A repair that was cut between its records and its files. An opt-out that was cut goes on by itself, beside the crawl.
void Supervisor::remove_due_images() {
    {
        const auto txn = parts_.env.read();
        if (!txn || store::get_opt_out(*txn)) {
            return;
        }
    }
    if (const auto removed = remove_due_files(parts_.env, parts_.writer, parts_.volumes, [] { return false; }); !removed) {
        parts_.log.error("start.due_images_kept", {{"problem", removed.error().what}});  // until the next start
    }
}

}  // namespace grit::crawl
