#include "app_backend.hpp"

#include "grit/base/quantity.hpp"
#include "grit/dataset/url_to_path_export.hpp"
#include "grit/frontier/queue_search.hpp"
#include "grit/media/digest.hpp"
#include "grit/media/image_type.hpp"
#include "grit/store/tables.hpp"
#include "grit/url/canonical_url.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace grit::daemon {
namespace json = boost::json;

namespace {

std::string_view state_name(const crawl::CrawlStatus& status) {
    if (status.draining) {
        return "draining";
    }
    if (status.paused) {
        return "paused";
    }
    return status.input.complete ? "running" : "ingesting";
}

json::object outcomes_json(const store::Totals& totals) {
    json::object outcomes;
    for (const Outcome outcome : kAllOutcomes) {
        if (const std::uint64_t count = totals.outcomes[index_of(outcome)]; count > 0) {
            outcomes[name_of(outcome)] = count;
        }
    }
    return outcomes;
}

json::value text_or_null(const std::string& text) { return text.empty() ? json::value(nullptr) : json::value(text); }
json::value time_or_null(std::int64_t unix_ms) {
    return unix_ms == 0 ? json::value(nullptr) : json::value(format_utc(unix_ms));
}

json::object record_json(const store::Record& record, std::string_view host) {
    json::object out;
    out["url"] = record.url;
    out["host"] = host.empty() ? json::value(nullptr) : json::value(host);
    out["state"] = record.waiting ? "waiting" : name_of(disposition_of(record.outcome)) == "done" ? "done" : "gone";
    out["outcome"] = name_of(record.outcome);
    out["http_status"] = record.http_status == 0 ? json::value(nullptr) : json::value(record.http_status);
    out["detail"] = text_or_null(record.detail);
    out["attempts"] = record.attempts;
    out["first_try"] = time_or_null(record.first_ms);
    out["last_try"] = time_or_null(record.last_ms);
    out["next_try"] = time_or_null(record.waiting ? record.due_ms : 0);
    out["ordinal"] = record.ordinal;
    out["final_url"] = text_or_null(record.final_url);
    out["path"] = text_or_null(record.location);
    if (!record.location.empty()) {
        out["bytes"] = record.size;
        out["width"] = record.width;
        out["height"] = record.height;
        out["media_type"] = media::media_type_of(static_cast<media::ImageType>(record.image_type));
        out["sha256"] = media::hex(record.sha256);
    }
    return out;
}

// A URL that has no record: it waits for its turn, or it ended with its host.
json::object queued_json(const frontier::QueuedLine& line, std::string_view host) {
    store::Record none;
    none.url = line.raw_url;
    none.ordinal = line.ordinal;
    none.outcome = line.gone_as.value_or(Outcome::stored);
    none.detail = line.gone_as ? "it ended with its host, which was given up" : "";
    json::object out = record_json(none, host);
    if (!line.gone_as) {
        out["state"] = "queued";
        out["outcome"] = nullptr;
    } else {
        out["state"] = "gone";
        out["host_given_up"] = time_or_null(line.gone_ms);
    }
    return out;
}

}  // namespace

// What is known of one URL.
struct AppBackend::Found {
    url::CanonicalUrl url;
    std::optional<HostId> host;
    std::optional<store::Record> record;
};

AppBackend::AppBackend(const Parts& parts) : parts_(parts), started_at_(clock_seconds()), reloaded_at_(started_at_) {}

std::int64_t AppBackend::clock_seconds() const {
    return std::chrono::duration_cast<std::chrono::seconds>(parts_.clock.wall_now().time_since_epoch()).count();
}

json::object AppBackend::status() {
    const crawl::CrawlStatus now = parts_.supervisor.status();
    std::uint64_t done = 0;
    std::uint64_t gone = 0;
    for (const Outcome outcome : kAllOutcomes) {
        (disposition_of(outcome) == Disposition::done ? done : gone) += now.totals.outcomes[index_of(outcome)];
    }
    const std::uint64_t settled = done + gone + now.waiting + now.totals.quarantined;
    const std::uint64_t under_way = now.in_flight + now.uncommitted;
    const std::uint64_t open = now.totals.lines > settled ? now.totals.lines - settled : 0;
    json::object out;
    out["instance"] = std::filesystem::path(parts_.config_file).stem().string();
    out["state"] = state_name(now);
    out["pause_reason"] = now.pause_reason;
    out["since"] = started_at_;
    out["uptime_seconds"] = clock_seconds() - started_at_;
    out["config"] = {{"file", parts_.config_file}, {"reloaded_at", reloaded_at_}};
    out["input"] = {{"lines", now.totals.lines},
                    {"quarantined", now.totals.quarantined},
                    {"bytes_read", now.input.bytes_read},
                    {"bytes_total", now.input.bytes_total ? json::value(*now.input.bytes_total) : json::value(nullptr)},
                    {"complete", now.input.complete},
                    {"problem", now.input.problem}};
    out["records"] = {{"pending", open > under_way ? open - under_way : 0},
                      {"in_flight", std::min(open, under_way)},
                      {"waiting", now.waiting},
                      {"done", done},
                      {"gone", gone}};
    out["outcomes"] = outcomes_json(now.totals);
    out["rate"] = {{"fetches_per_second", now.fetches_per_second},
                   {"stored_per_second", now.stored_per_second},
                   {"bytes_per_second", now.bytes_per_second}};
    out["eta_seconds"] = now.eta_seconds ? json::value(*now.eta_seconds) : json::value(nullptr);
    out["hosts"] = {{"known", now.hosts.known},   {"ready", now.hosts.ready},       {"active", now.hosts.active},
                    {"parked", now.hosts.parked}, {"backoff", now.hosts.backoff},   {"down", now.hosts.down},
                    {"finished", now.hosts.finished}};
    out["stored_bytes"] = now.totals.stored_bytes;
    const auto volume = parts_.depot.free_space();
    out["volume"] = {{"root", parts_.depot.root()},
                     {"free_bytes", volume ? json::value(volume->free_bytes) : json::value(nullptr)},
                     {"total_bytes", volume ? json::value(volume->total_bytes) : json::value(nullptr)}};
    const store::EnvStats state = parts_.env.stats();
    out["state_store"] = {{"dir", parts_.env.folder().string()}, {"used_bytes", state.used_bytes}, {"map_bytes", state.map_bytes}};
    out["metrics"] = metrics_port_ == 0 ? json::value(nullptr)
                                        : json::value(fmt::format("http://127.0.0.1:{}/metrics", metrics_port_));
    return out;
}

json::object AppBackend::stats() {
    const crawl::CrawlStatus now = parts_.supervisor.status();
    json::object out;
    out["lines"] = now.totals.lines;
    out["quarantined"] = now.totals.quarantined;
    out["waiting"] = now.waiting;
    out["stored_bytes"] = now.totals.stored_bytes;
    json::object outcomes;
    for (const Outcome outcome : kAllOutcomes) {
        outcomes[name_of(outcome)] = now.totals.outcomes[index_of(outcome)];
    }
    out["outcomes"] = std::move(outcomes);
    out["hosts_known"] = now.hosts.known;
    return out;
}

void AppBackend::pause(const std::string& reason) { parts_.supervisor.pause(reason); }
void AppBackend::resume() { parts_.supervisor.resume(); }
void AppBackend::drain() { parts_.controls.drain_and_end(); }
void AppBackend::stop() { parts_.controls.drain_and_end(); }
Checked<json::object> AppBackend::reload() { return parts_.controls.reload(); }
void AppBackend::set_log_level(LogLevel level) { parts_.log.set_level(level); }

Checked<AppBackend::Found> AppBackend::find(const std::string& url) {
    Found found;
    store::RecordKey key{kNoHost, url::hash_of_text(url)};  // a line that is no URL is known by its text
    if (auto canonical = url::canonicalize(url)) {
        found.url = std::move(*canonical);
        found.host = parts_.supervisor.hosts().find(found.url.host);
        if (!found.host) {
            return found;
        }
        key = store::RecordKey{*found.host, found.url.hash()};
    }
    auto txn = parts_.env.read();
    if (!txn) {
        return Problem{"the state can not be read: " + txn.error().message()};
    }
    auto record = store::get_record(*txn, key);
    if (record) {
        found.record = std::move(*record);
    } else if (record.error() != store::Errc::not_found) {
        return Problem{"the record can not be read: " + record.error().message()};
    }
    return found;
}

Checked<std::optional<json::object>> AppBackend::record(const std::string& url) {
    auto found = find(url);
    if (!found) {
        return found.error();
    }
    if (found->record) {
        return std::optional(record_json(*found->record, found->url.host));
    }
    if (!found->host) {
        return std::optional<json::object>();
    }
    const auto queued = frontier::find_in_queue(parts_.env, *found->host, found->url);
    if (!queued) {
        return Problem{"the host's queue can not be read: " + queued.error().message()};
    }
    return *queued ? std::optional(queued_json(**queued, found->url.host)) : std::optional<json::object>();
}

Checked<json::object> AppBackend::explain(const std::string& url) {
    auto found = find(url);
    if (!found) {
        return found.error();
    }
    json::object out;
    out["url"] = found->url.text.empty() ? url : found->url.text;
    out["host"] = found->host ? json::value(found->url.host) : json::value(nullptr);
    std::string why;
    if (found->record && !found->record->waiting) {
        why = fmt::format("it is settled as {}", name_of(found->record->outcome));
    } else if (found->url.text.empty()) {
        why = "it is no URL";
    } else if (const politeness::Block* block = block_of(found->url)) {
        why = "an operator's block: it ends as " + politeness::blocked_detail(*block);
    } else if (!found->host) {
        why = "no annotation read so far names that host";
    } else {
        const auto view = parts_.supervisor.host(found->url.host);
        const crawl::CrawlStatus now = parts_.supervisor.status();
        if (now.paused) {
            why = "the crawl is paused: " + now.pause_reason;
        } else if (found->record) {
            why = fmt::format("it waits for a retry after {}", name_of(found->record->outcome));
            out["next_try"] = format_utc(found->record->due_ms);
        } else if (view && view->gone_as) {
            why = fmt::format("its host was given up as {}, and its URLs ended with it: gritctl retry asks them again",
                              name_of(*view->gone_as));
            out["host_state"] = view->state;
        } else if (view) {
            why = fmt::format("its host is {} with {} URLs left", view->state, view->remaining);
            out["host_may_be_asked_in_ms"] = view->next_in.count();
            out["host_state"] = view->state;
            out["host_class"] = text_or_null(view->politeness_class);
        }
    }
    out["why"] = why;
    if (found->record) {
        out["record"] = record_json(*found->record, found->url.host);
    }
    return out;
}

json::object AppBackend::host_json(const frontier::HostView& view) {
    json::object out;
    out["name"] = view.name;
    out["state"] = view.state;
    out["remaining"] = view.remaining;
    out["open_requests"] = view.open;
    out["class"] = text_or_null(view.politeness_class);
    out["interval_ms"] = view.interval.count();
    out["next_in_ms"] = view.next_in.count();
    out["eta_seconds"] = static_cast<std::int64_t>(view.remaining) * view.interval.count() / 1000;
    out["gone_as"] = view.gone_as ? json::value(name_of(*view.gone_as)) : json::value(nullptr);
    if (auto txn = parts_.env.read()) {
        const auto row = store::get_host(*txn, view.id);
        out["stored"] = row ? row->stored : 0;
        out["failed"] = row ? row->failed : 0;
    }
    return out;
}

json::array AppBackend::hosts(admin::HostSort sort, std::size_t limit) {
    // What is stored and failed is in the state, not with the shards: those orders are of the hosts with the most left.
    constexpr std::size_t kLookedAt = 10'000;
    const bool by_remaining = sort == admin::HostSort::remaining;
    std::vector<json::object> hosts;
    for (const frontier::HostView& view : parts_.supervisor.largest_hosts(by_remaining ? limit : std::max(limit, kLookedAt))) {
        hosts.push_back(host_json(view));
    }
    const auto key = [sort]() -> std::string_view {
        switch (sort) {
            case admin::HostSort::errors:
                return "failed";
            case admin::HostSort::stored:
                return "stored";
            case admin::HostSort::eta:
                return "eta_seconds";
            case admin::HostSort::remaining:
                break;
        }
        return "remaining";
    }();
    std::sort(hosts.begin(), hosts.end(), [key](const json::object& a, const json::object& b) {
        return a.at(key).to_number<std::int64_t>() > b.at(key).to_number<std::int64_t>();
    });
    json::array out;
    for (std::size_t i = 0; i < std::min(limit, hosts.size()); ++i) {
        out.push_back(std::move(hosts[i]));
    }
    return out;
}

std::optional<json::object> AppBackend::host(const std::string& name) {
    const auto view = parts_.supervisor.host(name);
    return view ? std::optional(host_json(*view)) : std::nullopt;
}

Checked<json::object> AppBackend::retry(const admin::RetryFilter& filter) {
    crawl::RequeueFilter chosen;
    chosen.outcomes = filter.outcomes;
    chosen.dry_run = filter.dry_run;
    if (filter.host) {
        chosen.host = parts_.supervisor.hosts().find(*filter.host);
        if (!chosen.host) {
            return Problem{fmt::format("no annotation read so far names the host \"{}\"", *filter.host)};
        }
    }
    if (filter.since) {
        chosen.since_ms = (parts_.clock.wall_now().time_since_epoch() - *filter.since).count();
    }
    const auto requeued = parts_.supervisor.requeue(chosen);
    if (!requeued) {
        return requeued.error();
    }
    return json::object{{"requeued", *requeued}};
}

Checked<std::unique_ptr<dataset::ExportSource>> AppBackend::export_url_to_path(dataset::Format format) {
    return std::unique_ptr<dataset::ExportSource>(
        std::make_unique<dataset::UrlToPathExport>(parts_.env, format, parts_.config.storage.root));
}

}  // namespace grit::daemon
