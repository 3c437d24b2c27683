#include "grit/crawl/explanation.hpp"

#include "grit/base/outcome.hpp"
#include "grit/base/quantity.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace grit::crawl {
namespace {

using frontier::HostView;
using frontier::UrlView;
using frontier::Wait;
using Answer = std::optional<Reason>;

std::int64_t in(const UrlFacts& facts, Milliseconds wait) { return facts.now_ms + wait.count(); }

// As in a config: "1500ms", "30s".
std::string interval_text(Milliseconds interval) {
    return interval.count() % 1000 == 0 ? format_duration(interval) : fmt::format("{}ms", interval.count());
}

std::string retry_command(const UrlFacts& facts, Outcome outcome) {
    return fmt::format("gritctl retry --outcome {} --host {}", name_of(outcome), facts.host);
}

// What ends the matter: the first that answers is the whole explanation ------------------------------------------------

Answer no_url(const UrlFacts& facts) {
    if (facts.url || facts.record) {
        return std::nullopt;
    }
    return Reason{"no_url", "it is no URL: " + facts.url_problem, {}, {}, {}};
}

Answer settled(const UrlFacts& facts) {
    if (!facts.record || facts.record->waiting) {
        return std::nullopt;
    }
    const store::Record& record = *facts.record;
    Reason reason{"settled", fmt::format("it is settled as {}", name_of(record.outcome)), record.last_ms, {}, {}};
    if (record.http_status != 0) {
        reason.why += fmt::format(" (HTTP {})", record.http_status);
    }
    if (!record.detail.empty()) {
        reason.why += ": " + record.detail;
    }
    if (record.outcome == Outcome::duplicate_content) {
        reason.why += ", its bytes were there already: " + record.location;
    }
    if (facts.url && facts.asked_for != record.url) {
        reason.why += fmt::format(", by line {}, which has it as {}: this spelling is duplicate_url of that", record.ordinal,
                                  record.url);
    }
    if (record.location.empty()) {
        reason.remedy = retry_command(facts, record.outcome);
    }
    return reason;
}

Answer blocked(const UrlFacts& facts) {
    if (facts.block.empty()) {
        return std::nullopt;
    }
    return Reason{"blocked",
                  "an operator's block: it ends as opted_out when its turn comes: " + facts.block,
                  {},
                  {},
                  "gritctl unblock, and a retry of what has ended"};
}

Answer unknown_host(const UrlFacts& facts) {
    if (!facts.host.empty()) {
        return std::nullopt;
    }
    if (facts.input_complete) {
        return Reason{"unknown", "no annotation names that host", {}, {}, {}};
    }
    return Reason{"not_ingested",
                  "no annotation read so far names that host, and the input is not read to its end",
                  {},
                  {},
                  facts.input_problem};
}

Answer unknown_url(const UrlFacts& facts) {
    const bool looked_everywhere = facts.queue && facts.queue->to_the_end && !facts.queue->ahead;
    const bool nowhere = !facts.view || (facts.view->where == UrlView::Where::unseen && looked_everywhere);
    if (facts.record || !nowhere) {
        return std::nullopt;
    }
    if (facts.input_complete) {
        return Reason{"unknown", "no annotation has that URL, though its host is known", {}, {}, {}};
    }
    return Reason{"not_ingested",
                  "no annotation read so far has that URL, and the input is not read to its end",
                  {},
                  {},
                  facts.input_problem};
}

Answer in_flight(const UrlFacts& facts) {
    if (!facts.view || facts.view->where != UrlView::Where::asked) {
        return std::nullopt;
    }
    std::string why = "it is being fetched now";
    if (facts.asked_host != facts.host) {
        why += ", after a redirect from " + facts.asked_host;
    }
    return Reason{"in_flight", std::move(why), facts.now_ms - facts.view->asked_for.count(), {}, {}};
}

Answer on_its_way(const UrlFacts& facts) {
    if (!facts.view || facts.view->where != UrlView::Where::left) {
        return std::nullopt;
    }
    return Reason{"on_its_way",
                  "its host has answered: the result is being written, or a redirect waits for another host",
                  {},
                  {},
                  {}};
}

// What holds it: all that answer, the widest first ----------------------------------------------------------------------

Answer draining(const UrlFacts& facts) {
    if (!facts.draining) {
        return std::nullopt;
    }
    return Reason{"draining", "gritd is ending: nothing new is begun", {}, {}, "start gritd again"};
}

Answer paused(const UrlFacts& facts) {
    if (!facts.paused) {
        return std::nullopt;
    }
    return Reason{"paused",
                  "the crawl is paused: " + facts.pause_reason,
                  {},
                  {},
                  facts.paused_by_operator ? "gritctl resume" : "it goes on by itself once the fault is over"};
}

Answer retry_wait(const UrlFacts& facts) {
    if (!facts.record || !facts.record->waiting) {
        return std::nullopt;
    }
    const store::Record& record = *facts.record;
    // Put off, or put back by an operator: no try is counted.
    const std::string put_back = record.detail.empty() ? "it was put back" : "it was put back, " + record.detail;
    const std::string tries = record.attempts == 0 ? put_back
                                                   : fmt::format("try {} of {} ended as {}", record.attempts,
                                                                 facts.retries + 1, name_of(record.outcome));
    if (record.due_ms > facts.now_ms) {
        return Reason{"retry_wait", "it waits for its next try: " + tries, record.last_ms, record.due_ms, {}};
    }
    return Reason{"retry_due", "its next try is due: " + tries, record.due_ms, {}, {}};
}

Answer site_forbids(const UrlFacts& facts) {
    if (!facts.view || facts.view->site != UrlView::Site::forbid) {
        return std::nullopt;
    }
    const std::string rule = facts.view->rule.empty() ? std::string() : fmt::format(" (\"{}\")", facts.view->rule);
    return Reason{"site_forbids",
                  fmt::format("the {} of {} forbids it{}: it ends as {} when its turn comes", facts.view->site_file,
                              facts.url->origin(), rule, name_of(facts.view->refused_as)),
                  {},
                  {},
                  "a change of that file, which is believed for a day"};
}

Answer site_unknown(const UrlFacts& facts) {
    if (!facts.view || facts.view->site != UrlView::Site::unknown) {
        return std::nullopt;
    }
    const bool asks_now = facts.view->host.wait == Wait::site;
    return Reason{"site_unknown",
                  fmt::format("what the {} of {} says is not known: it is {}", facts.view->site_file, facts.url->origin(),
                              asks_now ? "being asked for" : "asked for when the URL's turn comes"),
                  {},
                  {},
                  {}};
}

Answer backlog(const UrlFacts& facts) {
    if (!facts.backlog) {
        return std::nullopt;
    }
    return Reason{"backlog", "more results wait to be written than may: nothing new is begun until the disk has caught up", {}, {}, {}};
}

Answer origin_waits(const UrlFacts& facts) {
    if (!facts.view || !facts.view->origin) {
        return std::nullopt;
    }
    const frontier::OriginView& origin = *facts.view->origin;
    if (origin.gone) {
        return Reason{"origin_given_up",
                      fmt::format("its origin {} was given up: its URLs end as {}", facts.url->origin(), name_of(origin.as)),
                      {},
                      {},
                      retry_command(facts, origin.as)};
    }
    return Reason{"origin_down",
                  fmt::format("its origin {} could not be had after {} (attempt {} of {}); others of its host are asked on",
                              facts.url->origin(), name_of(origin.as), origin.attempts, facts.view->host.down_schedule + 1),
                  {},
                  in(facts, origin.next_in),
                  {}};
}

std::string after_failure(const HostView& host) {
    return host.last_failure ? fmt::format(" after {}", name_of(*host.last_failure)) : std::string();
}

// One reason per frontier::Wait; nothing for those of which the position in the order tells enough.
Answer host_waits(const UrlFacts& facts) {
    if (!facts.view) {
        return std::nullopt;
    }
    const HostView& host = facts.view->host;
    const auto held = [&](std::string_view code, std::string why, std::string remedy) {
        const auto until = host.next_in > Milliseconds(0) ? std::optional(in(facts, host.next_in)) : std::nullopt;
        return Reason{code, std::move(why), {}, until, std::move(remedy)};
    };
    if (host.gone_as) {
        Reason reason = held("host_given_up", fmt::format("its host was given up: all its URLs end as {}", name_of(*host.gone_as)),
                             retry_command(facts, *host.gone_as));
        reason.until_ms.reset();
        return reason;
    }
    switch (host.wait) {
        case Wait::given_up:
        case Wait::nothing_left:
        case Wait::site:    // site_unknown says it
        case Wait::origin:  // origin_waits says it
            return std::nullopt;
        case Wait::slot:
            return held("slots", fmt::format("its host may be asked: it waits for a fetch slot ({} of {} are in use), and "
                                             "hosts that need longer go first",
                                             facts.in_flight, facts.max_in_flight),
                        facts.in_flight >= facts.max_in_flight ? "more fetch.max_in_flight" : "");
        case Wait::start:
            return held("just_started", "gritd has just started: nobody is asked before politeness.min_interval has passed, since "
                                        "what was asked last is not known",
                        {});
        case Wait::connection:
            return held("host_busy", fmt::format("{} of {} requests to its host are open", host.open, host.connections),
                        "more politeness.connections_per_host, with its operator's consent");
        case Wait::pace:
            return held("host_paced", fmt::format("its host is asked every {}", interval_text(host.interval)), {});
        case Wait::retry_after:
            return held("host_retry_after",
                        fmt::format("its host asked to be left alone (Retry-After{}, refusal {} in a row)",
                                    after_failure(host), host.refusals),
                        {});
        case Wait::back_off:
            return held("host_back_off",
                        fmt::format("its host is left alone{} (refusal {} in a row)", after_failure(host), host.refusals),
                        {});
        case Wait::down:
            return held("host_down",
                        fmt::format("its host could not be reached{} (attempt {} of {}); one URL is tried next, all others wait for it", after_failure(host),
                                    host.down_attempts, host.down_schedule + 1),
                        {});
        case Wait::address:
            return held("address_full", "as many connections as may be are open to its host's address",
                        "more politeness.connections_per_address");
        case Wait::domain:
            return held("domain_full",
                        fmt::format("{} of {} requests to its domain are open", host.domain_open, host.domain_limit),
                        "more politeness.connections_per_domain");
        case Wait::state:
            return held("state_unread", "the state could not be read a moment ago (see the log)", {});
    }
    return std::nullopt;
}

// A bound, as its host's present pace goes.
Answer order(const UrlFacts& facts) {
    if (!facts.view || facts.view->host.gone_as || (facts.record && facts.record->due_ms > facts.now_ms)) {
        return std::nullopt;
    }
    const UrlView& view = *facts.view;
    std::optional<std::uint64_t> ahead;
    if (view.where == UrlView::Where::in_order) {
        ahead = view.ahead;
    } else if (facts.queue && facts.queue->ahead) {
        ahead = view.ahead + *facts.queue->ahead;
    }
    if (!ahead) {
        return facts.record ? std::nullopt
                            : Answer(Reason{"in_order",
                                            fmt::format("it is not among the next {} of the {} lines left of its host: "
                                                        "further back, or in none",
                                                        view.ahead + (facts.queue ? facts.queue->looked_at : 0),
                                                        view.host.remaining),
                                            {},
                                            {},
                                            {}});
    }
    const std::int64_t about = in(facts, view.host.next_in + view.host.per_request * static_cast<std::int64_t>(*ahead));
    if (*ahead == 0) {
        return Reason{"next_in_order", "it is next in its host's order", {}, about, {}};
    }
    return Reason{"in_order",
                  fmt::format("it is number {} of {} in its host's order", *ahead + 1, view.host.remaining),
                  {},
                  about,
                  {}};
}

// One more reason is one more function here, and a row in docs/admin_api.md.
constexpr std::array kEnds{no_url, settled, blocked, unknown_host, unknown_url, in_flight, on_its_way};
constexpr std::array kHolds{draining, paused, backlog, site_forbids, origin_waits, host_waits, retry_wait, site_unknown, order};

}  // namespace

std::vector<Reason> explain(const UrlFacts& facts) {
    for (const auto& question : kEnds) {
        if (Answer answer = question(facts)) {
            return {std::move(*answer)};
        }
    }
    std::vector<Reason> reasons;
    for (const auto& question : kHolds) {
        if (Answer answer = question(facts)) {
            reasons.push_back(std::move(*answer));
        }
    }
    if (reasons.empty()) {
        reasons.push_back({"due", "nothing holds it: its turn comes within moments", {}, {}, {}});
    }
    return reasons;
}

}  // namespace grit::crawl
