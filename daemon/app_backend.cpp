#include "app_backend.hpp"

#include "json_views.hpp"

#include "grit/base/quantity.hpp"
#include "grit/dataset/url_to_path_export.hpp"
#include "grit/frontier/queue_search.hpp"
#include "grit/store/error.hpp"
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

frontier::HostOrder order_of(admin::HostSort sort) {
    switch (sort) {
        case admin::HostSort::errors:
            return frontier::HostOrder::errors;
        case admin::HostSort::stored:
            return frontier::HostOrder::stored;
        case admin::HostSort::eta:
            return frontier::HostOrder::eta;
        case admin::HostSort::pace:
            return frontier::HostOrder::pace;
        case admin::HostSort::remaining:
            break;
    }
    return frontier::HostOrder::remaining;
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

}  // namespace

// Of lines that became a URL to be fetched: neither settled nor waiting for a retry.
std::uint64_t AppBackend::open_lines(const store::Totals& totals, std::uint64_t waiting) {
    const std::uint64_t ended = std::accumulate(totals.outcomes.begin(), totals.outcomes.end(), waiting + totals.quarantined);
    return totals.lines > ended ? totals.lines - ended : 0;
}

AppBackend::AppBackend(const Parts& parts)
    : parts_(parts),
      backup_(parts.env, parts.clock, parts.log),
      adopt_(parts.writer, parts.clock, parts.log, [&supervisor = parts.supervisor] { supervisor.expect_adoptions(); }),
      started_at_(clock_seconds()),
      reloaded_at_(started_at_) {}

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
    const std::uint64_t under_way = now.in_flight + now.uncommitted;
    const std::uint64_t open = open_lines(now.totals, now.waiting);
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
                    {"parked", now.hosts.parked}, {"site", now.hosts.site},         {"domain", now.hosts.domain},
                    {"backoff", now.hosts.backoff}, {"down", now.hosts.down},       {"finished", now.hosts.finished}};
    out["longest_host"] = now.longest_host ? json::value(longest_host_json(*now.longest_host)) : json::value(nullptr);
    out["stored_bytes"] = now.totals.stored_bytes;
    out["volumes"] = volumes();
    out["volume"] = volumes_together();
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
        found.host = parts_.supervisor.hosts().find(found.url->host);
        if (!found.host) {
            return found;
        }
        found.host_name = found.url->host;
        key = store::RecordKey{*found.host, found.url->hash()};
    } else {
        found.url_problem = canonical.error().message();
    }
    auto txn = parts_.env.read();
    if (!txn) {
        return store::unreadable(txn.error());
    }
    auto record = store::get_record(*txn, key);
    if (record) {
        found.record = std::move(*record);
        found.record->due_ms += parts_.supervisor.machine_ahead().count();
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
        return std::optional(record_json(*found->record, found->host_name));
    }
    if (!found->host) {
        return std::optional<json::object>();
    }
    const auto queued = frontier::find_in_queue(parts_.env, *found->host, *found->url);
    if (!queued) {
        return Problem{"the host's queue can not be read: " + queued.error().message()};
    }
    return *queued ? std::optional(queued_json(**queued, found->host_name)) : std::optional<json::object>();
}

Checked<json::array> AppBackend::hosts(const admin::HostsQuery& query) {
    const frontier::HostQuery wanted{order_of(query.sort), query.limit, frontier::host_state_named(query.state)};
    const auto found = parts_.supervisor.rank_hosts(wanted);
    if (!found) {
        return found.error();
    }
    json::array out;
    for (const frontier::HostView& view : *found) {
        out.push_back(host_json(view));
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
