// The long jobs beside the crawl, as the control socket sees them.
#include "app_backend.hpp"

#include <boost/json/array.hpp>

#include <string_view>

namespace grit::daemon {
namespace json = boost::json;

namespace {

std::string_view state_name(bool running, bool stopped, const std::string& problem) {
    return running ? "running" : !problem.empty() ? "failed" : stopped ? "stopped" : "done";
}

json::object verify_json(const crawl::VerifyState& state) {
    return json::object{{"state", state_name(state.running, state.stopped, state.problem)},
                        {"problem", state.problem},
                        {"sample", state.order.sample},
                        {"repair", state.order.repair},
                        {"by_uid", state.order.by_uid},
                        {"began_at", state.began_ms / 1000},
                        {"seconds", state.seconds},
                        {"images_total", state.images_total},
                        {"bytes_total", state.bytes_total == 0 ? json::value(nullptr) : json::value(state.bytes_total)},
                        {"checked", state.checked},
                        {"bytes_read", state.bytes_read},
                        {"shared", state.shared},
                        {"changed", state.changed},
                        {"on_volumes_out", state.on_volumes_out},
                        {"lost_volumes", json::array(state.order.lost.begin(), state.order.lost.end())},
                        {"missing", state.missing},
                        {"wrong_size", state.wrong_size},
                        {"wrong_digest", state.wrong_digest},
                        {"wrong_header", state.wrong_header},
                        {"unreadable", state.unreadable},
                        {"broken", state.broken()},
                        {"requeued", state.requeued},
                        {"files_left", state.files_left},
                        {"resumed", state.order.resumed},
                        {"damaged_rows", state.damaged_rows},
                        {"list", state.list}};
}

json::object backup_json(const BackupState& state) {
    return json::object{{"state", state_name(state.running, state.stopped, state.problem)},
                        {"problem", state.problem},
                        {"dir", state.folder},
                        {"began_at", state.began_ms / 1000},
                        {"seconds", state.seconds},
                        {"bytes_written", state.progress.bytes_written},
                        {"bytes_total", state.progress.bytes_total},
                        {"files", state.progress.files},
                        {"state_grew_bytes", state.state_grew_bytes}};
}

json::object adopt_json(const AdoptState& state) {
    const dataset::AdoptionProgress& progress = state.progress;
    return json::object{{"state", state_name(state.running, state.stopped, state.problem)},
                        {"task", state.forgets ? "forget" : "note"},
                        {"forgotten", state.forgotten},
                        {"problem", state.problem},
                        {"dir", state.order.folder},
                        {"failures", state.order.failures},
                        {"hard_links", state.order.hard_links},
                        {"began_at", state.began_ms / 1000},
                        {"seconds", state.seconds},
                        {"shards", progress.shards},
                        {"shards_done", progress.shards_done},
                        {"images", progress.images},
                        {"final_failures", progress.final_failures},
                        {"open_failures", progress.open_failures},
                        {"bad_urls", progress.bad_urls},
                        {"damaged", progress.damaged},
                        {"imageless", progress.imageless},
                        {"damaged_shards", progress.damaged_shards}};
}

}  // namespace

// What may still come: lines that are not read yet, and URLs that are not settled.
bool AppBackend::is_through() const {
    const crawl::CrawlStatus now = parts_.supervisor.status();
    return now.input.complete && open_lines(now.totals, now.waiting) == 0 && now.waiting == 0;
}

Checked<json::object> AppBackend::adopt(const admin::AdoptRequest& request) {
    if (request.forget && !request.force && !is_through()) {
        return Problem{"the crawl is not through: URLs that are left may be among those that were noted, and would be asked for "
                       "(gritctl adopt --forget --force)"};
    }
    const dataset::AdoptionOrder order{request.folder, request.failures, request.hard_links};
    if (const auto begun = request.forget ? adopt_.begin_to_forget(request.by_uid) : adopt_.begin(order, request.by_uid); !begun) {
        return begun.error();
    }
    return adopt_state();
}

json::object AppBackend::stop_adopt() {
    adopt_.cancel();
    return adopt_state();
}

json::object AppBackend::adopt_state() {
    const auto state = adopt_.state();
    json::object view = state ? adopt_json(*state) : json::object{{"state", "none"}};
    const auto left = [this]() -> Result<std::uint64_t> {
        const auto txn = parts_.env.read();
        return txn ? txn->count(store::Table::adoptions) : Result<std::uint64_t>(txn.error());
    }();
    view["left"] = left ? json::value(*left) : json::value(nullptr);
    json::object taken;  // since the daemon's start
    for (std::size_t i = 0; i < metrics::kLabelNames<metrics::Adopted>.size(); ++i) {
        taken[metrics::kLabelNames<metrics::Adopted>[i]] = parts_.metrics.adoptions(static_cast<metrics::Adopted>(i)).value();
    }
    view["taken"] = std::move(taken);
    view["pause_reason"] = parts_.supervisor.status().pause_reason;
    return view;
}

Checked<json::object> AppBackend::verify(const admin::VerifyRequest& request) {
    const crawl::VerifyOrder order{request.sample, request.repair, request.by_uid};
    if (const auto begun = parts_.supervisor.verify(order); !begun) {
        return begun.error();
    }
    return verify_json(*parts_.supervisor.verify_state());
}

std::optional<json::object> AppBackend::stop_verify() {
    parts_.supervisor.stop_verify();
    return verify_state();
}

std::optional<json::object> AppBackend::verify_state() {
    const auto state = parts_.supervisor.verify_state();
    return state ? std::optional(verify_json(*state)) : std::nullopt;
}

Checked<json::object> AppBackend::backup(const admin::BackupRequest& request) {
    if (const auto begun = backup_.begin(request.folder, request.by_uid); !begun) {
        return begun.error();
    }
    return backup_json(*backup_.state());
}

std::optional<json::object> AppBackend::stop_backup() {
    backup_.cancel();
    return backup_state();
}

std::optional<json::object> AppBackend::backup_state() {
    const auto state = backup_.state();
    return state ? std::optional(backup_json(*state)) : std::nullopt;
}

}  // namespace grit::daemon
