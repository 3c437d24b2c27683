#include "json_views.hpp"

#include "grit/admin/backend.hpp"
#include "grit/base/quantity.hpp"
#include "grit/media/digest.hpp"
#include "grit/media/image_type.hpp"

#include <boost/json/array.hpp>

#include <algorithm>

namespace grit::daemon {
namespace json = boost::json;

static_assert(std::equal(frontier::kHostStateNames.begin(), frontier::kHostStateNames.end(), admin::kHostStates.begin(),
                         admin::kHostStates.end()),
              "what can be asked for is what there is");

namespace {

json::value text_or_null(const std::string& text) { return text.empty() ? json::value(nullptr) : json::value(text); }
json::value time_or_null(std::int64_t unix_ms) {
    return unix_ms == 0 ? json::value(nullptr) : json::value(format_utc(unix_ms));
}

// Unix seconds, rounded up: what is promised then holds then.
json::value seconds_or_null(const std::optional<std::int64_t>& unix_ms) {
    return unix_ms ? json::value((*unix_ms + 999) / 1000) : json::value(nullptr);
}

std::int64_t seconds_up(Milliseconds time) { return (time.count() + 999) / 1000; }

constexpr std::string_view name_of(frontier::Wait wait) {
    constexpr std::array<std::string_view, 14> kNames{"nothing", "slot",    "connection", "pace", "retry_after",
                                                      "back_off", "down",  "address",    "site", "start",
                                                      "domain",  "origin", "state",   "given_up"};
    return kNames[static_cast<std::size_t>(wait)];
}

json::value outcome_or_null(const std::optional<Outcome>& outcome) {
    return outcome ? json::value(grit::name_of(*outcome)) : json::value(nullptr);
}

// Of an explanation as a whole.
std::string_view state_of(std::string_view first_code) {
    for (const std::string_view whole : {"settled", "in_flight", "on_its_way", "unknown", "not_ingested", "no_url", "blocked"}) {
        if (first_code == whole) {
            return whole;
        }
    }
    return "waiting";
}

}  // namespace

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

json::object host_json(const frontier::HostView& view) {
    json::object out;
    out["name"] = view.name;
    out["state"] = frontier::name_of(view.state);
    out["waits_for"] = name_of(view.wait);
    out["remaining"] = view.remaining;
    out["open_requests"] = view.open;
    out["class"] = text_or_null(view.politeness_class);
    out["interval_ms"] = view.interval.count();
    out["per_request_ms"] = view.per_request.count();
    out["next_in_ms"] = view.next_in.count();
    out["eta_seconds"] = seconds_up(view.eta);
    out["stored"] = view.stored;
    out["failed"] = view.failed;
    out["refusals"] = view.refusals;
    out["down_attempts"] = view.down_attempts;
    out["last_failure"] = outcome_or_null(view.last_failure);
    out["gone_as"] = outcome_or_null(view.gone_as);
    out["domain_open"] = view.domain_open;
    return out;
}

json::object longest_host_json(const crawl::LongestHost& host) {
    return json::object{{"name", host.name},
                        {"remaining", host.remaining},
                        {"interval_ms", host.interval.count()},
                        {"eta_seconds", seconds_up(host.eta)}};
}

json::object explanation_json(const crawl::UrlFacts& facts, std::span<const crawl::Reason> reasons) {
    json::array list;
    std::optional<std::int64_t> not_before;
    for (const crawl::Reason& reason : reasons) {
        if (reason.until_ms) {
            not_before = std::max(not_before.value_or(0), *reason.until_ms);
        }
        list.push_back(json::object{{"code", reason.code},
                                    {"why", reason.why},
                                    {"since", seconds_or_null(reason.since_ms)},
                                    {"until", seconds_or_null(reason.until_ms)},
                                    {"remedy", text_or_null(reason.remedy)}});
    }
    json::object out;
    out["url"] = facts.url ? facts.url->text : facts.asked_for;
    out["host"] = facts.host.empty() ? json::value(nullptr) : json::value(facts.host);
    out["state"] = state_of(reasons.front().code);
    out["why"] = reasons.front().why;
    out["not_before"] = seconds_or_null(not_before);
    out["now"] = facts.now_ms / 1000;
    out["reasons"] = std::move(list);
    if (facts.record && facts.record->waiting) {
        out["next_try"] = format_utc(facts.record->due_ms);
    }
    if (facts.view) {
        out["host_state"] = frontier::name_of(facts.view->host.state);
        out["host_may_be_asked_in_ms"] = facts.view->host.next_in.count();
        out["host_class"] = text_or_null(facts.view->host.politeness_class);
        out["host_remaining"] = facts.view->host.remaining;
    }
    if (facts.record) {
        out["record"] = record_json(*facts.record, facts.host);
    }
    return out;
}

}  // namespace grit::daemon
