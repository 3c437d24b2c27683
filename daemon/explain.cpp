// gritctl explain: what is known of one URL is gathered here, and judged by crawl::explain.
#include "app_backend.hpp"

#include "json_views.hpp"

#include <utility>

namespace grit::daemon {
namespace json = boost::json;

Checked<json::object> AppBackend::explain(const std::string& url) {
    auto found = find(url);
    if (!found) {
        return found.error();
    }
    const crawl::UrlFacts facts = facts_of(url, *found);
    return explanation_json(facts, crawl::explain(facts));
}

crawl::UrlFacts AppBackend::facts_of(const std::string& url, Found& found) {
    const crawl::CrawlStatus now = parts_.supervisor.status();
    crawl::UrlFacts facts;
    facts.asked_for = url;
    facts.url = std::move(found.url);
    facts.url_problem = std::move(found.url_problem);
    facts.now_ms = parts_.clock.wall_now().time_since_epoch().count();
    facts.record = std::move(found.record);
    facts.host = found.host_name;
    facts.paused = now.paused;
    facts.paused_by_operator = now.paused_by_operator;
    facts.pause_reason = now.pause_reason;
    facts.draining = now.draining;
    facts.backlog = now.uncommitted >= crawl::Committer::kBacklog;
    facts.input_complete = now.input.complete;
    facts.input_problem = now.input.problem;
    facts.in_flight = now.in_flight;
    facts.max_in_flight = now.max_in_flight;
    facts.retries = parts_.config.retry.schedule.size();
    if (facts.url) {
        if (const politeness::Block* block = block_of(*facts.url)) {
            facts.block = politeness::blocked_detail(*block);
        }
    }
    if (!facts.url || !found.host || (facts.record && !facts.record->waiting)) {
        return facts;
    }
    facts.view = parts_.supervisor.url(*found.host, *facts.url);
    if (facts.view && facts.view->asked != kNoHost) {
        facts.asked_host = parts_.supervisor.hosts().info(facts.view->asked).name;
    }
    if (facts.view && !facts.record && facts.view->where == frontier::UrlView::Where::unseen) {
        facts.queue = place_of(*found.host, facts);
    }
    return facts;
}

// Where a line lies that no shard has in memory.
std::optional<frontier::QueuePlace> AppBackend::place_of(HostId host, const crawl::UrlFacts& facts) {
    auto txn = parts_.env.read();
    if (!txn) {
        return std::nullopt;
    }
    frontier::QueueStretch stretch{host, facts.host, facts.view->next_run, facts.view->next_block, facts.view->last_run};
    if (facts.view->host.gone_as) {  // what ended with it may lie anywhere
        stretch.run = 1;
        stretch.block = 0;
    }
    auto place = frontier::place_in_queue(*txn, stretch, facts.url->hash());
    return place ? std::optional(*place) : std::nullopt;
}

}  // namespace grit::daemon
