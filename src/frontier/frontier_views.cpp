// What an operator sees of the frontier: counts, hosts, one URL, and the hosts with the most of something.
#include <algorithm>
#include <cassert>
#include <utility>

#include "frontier_host.hpp"
#include "grit/frontier/frontier.hpp"

namespace grit::frontier {

std::optional<HostState> host_state_named(std::string_view name) noexcept {
    const auto found = std::find(kHostStateNames.begin(), kHostStateNames.end(), name);
    return found == kHostStateNames.end() ? std::nullopt
                                          : std::optional(static_cast<HostState>(found - kHostStateNames.begin()));
}

FrontierCounts Frontier::counts() const {
    const auto of = [this](HostState state) { return states_[static_cast<std::size_t>(state)]; };
    FrontierCounts counts;
    counts.known = hosts_.size();
    counts.ready = of(HostState::ready);
    counts.active = of(HostState::active);
    counts.parked = of(HostState::parked);
    counts.site = of(HostState::site);
    counts.domain = of(HostState::domain);
    counts.backoff = of(HostState::backoff);
    counts.down = of(HostState::down);
    counts.finished = of(HostState::finished);
    counts.remaining = remaining_;
    counts.open = open_;
    counts.verdicts = verdicts_.size() + host_ends_.size();
    return counts;
}

// One host ------------------------------------------------------------------------------------------------------------

Wait Frontier::wait_of(const Host& host) const {
    if (is_ended(host)) {
        return remaining_of(host) == 0 ? Wait::nothing_left : Wait::given_up;
    }
    // Beside a longer wait the interval, which is over soon, is not worth a word.
    const bool is_held = host.gate.next_at() > clock_.now() && host.held_by != Wait::pace;
    switch (host.place) {
        case Place::idle:
            return Wait::nothing_left;
        case Place::domain:
            return Wait::domain;
        case Place::ready:
            if (clock_.now() < begins_at_) {
                return Wait::start;
            }
            if (host.gate.next_at() <= clock_.now()) {
                return Wait::slot;
            }
            break;
        case Place::busy:
            if (!is_held) {
                return Wait::connection;
            }
            break;
        case Place::site:
            if (!is_held) {
                return Wait::site;
            }
            break;
        case Place::parked:
            if (host.rests) {
                return Wait::origin;
            }
            break;
    }
    if (host.held_by != Wait::pace) {
        return host.held_by;
    }
    // As the state remembered it at the start.
    return host.gate.is_down() ? Wait::down : host.gate.in_back_off(clock_.now()) ? Wait::back_off : Wait::pace;
}

Milliseconds Frontier::eta_of(const Host& host, SteadyTime now) const {
    const std::uint64_t remaining = remaining_of(host);
    if (remaining == 0 || is_ended(host)) {
        return Milliseconds(0);
    }
    const SteadyTime rest = rests_until(host);  // max() while an answer decides
    const SteadyTime next = rest == SteadyTime::max() ? host.gate.next_at() : std::max(rest, host.gate.next_at());
    const auto wait = std::max(Milliseconds(0), std::chrono::ceil<Milliseconds>(next - now));
    return wait + host.gate.time_per_request(manners_of(host)) * static_cast<std::int64_t>(remaining);
}

HostView Frontier::view_of(const Host& host) const {
    const SteadyTime now = clock_.now();
    const politeness::GateMemory memory = host.gate.memory(now, clock_.wall_now());
    HostView view;
    view.id = host.id;
    view.name = table_.info(host.id).name;
    view.state = host.state;
    view.wait = wait_of(host);
    view.remaining = remaining_of(host);
    view.in_memory = view.remaining - host.pending;
    view.open = host.gate.open_requests();
    view.politeness_class = classes_.name(host.classes.host);
    view.connections = manners_of(host).connections_per_host;
    view.interval = host.gate.interval(manners_of(host));
    view.least_interval = manners_of(host).min_interval;
    view.next_in = std::max(Milliseconds(0), std::chrono::ceil<Milliseconds>(std::max(host.gate.next_at(), begins_at_) - now));
    if (const SteadyTime rest = rests_until(host); host.rests && rest != SteadyTime::max()) {
        view.next_in = std::max(view.next_in, std::chrono::ceil<Milliseconds>(rest - now));
    }
    view.per_request = host.gate.time_per_request(manners_of(host));
    view.eta = eta_of(host, now);
    view.refusals = memory.throttle_level;
    view.down_attempts = memory.down_attempts;
    view.down_schedule = static_cast<unsigned>(manners_of(host).down_schedule.size());
    if (host.last_failure != store::kNotGone) {
        view.last_failure = outcome_of_number(host.last_failure);
    }
    if (host.gone_as != store::kNotGone) {
        view.gone_as = outcome_of_number(host.gone_as);
    } else if (host.blocked) {
        view.gone_as = refused_hosts_.contains(host.id) ? Outcome::address_refused : Outcome::opted_out;
    }
    view.domain_open = domains_.open_requests(host.domain);
    view.domain_limit = domain_limit(host);
    view.stored = host.stored;
    view.failed = host.failed;
    return view;
}

std::optional<HostView> Frontier::view(HostId id) const {
    const Host* host = find(id);
    return host == nullptr ? std::nullopt : std::optional(view_of(*host));
}

// One URL -------------------------------------------------------------------------------------------------------------

std::optional<UrlView> Frontier::view(HostId home, const url::CanonicalUrl& url) {
    if (find(home) == nullptr) {
        return std::nullopt;
    }
    Host& host = host_of(home);
    UrlView view;
    tell_site(host, url, view);
    view.host = view_of(host);
    view.next_run = host.next_run;
    view.next_block = host.next_block;
    view.last_run = last_run_;
    if (const Trouble* trouble = trouble_of(host, url)) {
        const auto wait = std::max(Milliseconds(0), std::chrono::ceil<Milliseconds>(trouble->due - clock_.now()));
        view.origin = OriginView{trouble->as, trouble->attempts, wait, trouble->gone};
    }
    const UrlHash hash = url.hash();
    if (const auto lease = asked(hash)) {
        view.where = UrlView::Where::asked;
        view.asked = lease->host;
        view.asked_for = std::chrono::duration_cast<Milliseconds>(clock_.now() - lease->since);
        return view;
    }
    find_in_memory(host, hash, view);
    return view;
}

void Frontier::tell_site(Host& host, const url::CanonicalUrl& url, UrlView& view) {
    if (!sites_.obeyed().any()) {
        return;
    }
    view.site = UrlView::Site::unknown;
    const store::OriginKey origin{host.id, url.scheme == url::Scheme::https, url.port};
    const politeness::SitePolicy* policy = sites_.find(origin);
    if (policy == nullptr && recall_sites(host)) {
        policy = sites_.find(origin);
    }
    if (const auto file = sites_.missing(policy, clock_.now())) {
        view.site_file = politeness::name_of(*file);
        return;
    }
    const auto refusal = policy == nullptr ? std::nullopt : sites_.refusal(*policy, url.target);
    view.site = refusal ? UrlView::Site::forbid : UrlView::Site::allow;
    if (refusal) {
        view.refused_as = refusal->outcome;
        view.site_file = refusal->detail;
        if (refusal->outcome == Outcome::robots_denied) {
            view.rule = policy->rules.deciding_rule(url.target).value_or(std::string());
        }
    }
}

std::optional<Frontier::Asked> Frontier::asked(const UrlHash& hash) const {
    const auto found = asked_.find(hash);
    return found == asked_.end() ? std::nullopt : std::optional(found->second);
}

// In the order in which next_task takes them.
void Frontier::find_in_memory(const Host& host, const UrlHash& hash, UrlView& view) const {
    if (!host.in_play) {
        return;
    }
    const InPlay& work = *host.in_play;
    std::uint64_t ahead = work.questions.size();
    for (const TaskPtr& task : work.first) {
        if (task->hash == hash) {
            view.where = UrlView::Where::in_order;
            view.ahead = ahead;
            view.hops = task->hops;
            return;
        }
        ++ahead;
    }
    if (work.open_urls.contains(hash)) {
        view.where = UrlView::Where::left;
        return;
    }
    for (auto line = work.lines.rbegin(); line != work.lines.rend(); ++line, ++ahead) {
        const auto canonical = url::canonicalize(line->first.url);
        if (canonical && canonical->hash() == hash) {
            view.where = UrlView::Where::in_order;
            view.ahead = ahead;
            return;
        }
    }
    view.ahead = ahead;
}

// The hosts with the most of something --------------------------------------------------------------------------------

std::uint64_t rank_key(HostOrder order, const HostView& host) noexcept {
    switch (order) {
        case HostOrder::remaining:
            return host.remaining;
        case HostOrder::eta:
            return static_cast<std::uint64_t>(host.eta.count());
        case HostOrder::errors:
            return host.failed;
        case HostOrder::pace:
            return host.remaining == 0 ? 0 : static_cast<std::uint64_t>(host.interval.count());
        case HostOrder::stored:
            return host.stored;
    }
    return 0;
}

// As rank_key of its view, which would cost a hundred times as much.
std::uint64_t Frontier::key_of(HostOrder order, const Host& host, SteadyTime now) const {
    switch (order) {
        case HostOrder::remaining:
            return remaining_of(host);
        case HostOrder::eta:
            return static_cast<std::uint64_t>(eta_of(host, now).count());
        case HostOrder::errors:
            return host.failed;
        case HostOrder::pace:
            return remaining_of(host) == 0 ? 0 : static_cast<std::uint64_t>(host.gate.interval(manners_of(host)).count());
        case HostOrder::stored:
            return host.stored;
    }
    return 0;
}

std::optional<std::size_t> Frontier::rank(HostRanking& ranking, std::size_t from, std::size_t count) const {
    const SteadyTime now = clock_.now();
    const std::size_t end = std::min(hosts_.size(), from + count);
    const HostQuery& query = ranking.query();
    for (std::size_t i = from; i < end; ++i) {
        if (!query.state || hosts_[i].state == *query.state) {
            ranking.offer(key_of(query.order, hosts_[i], now), static_cast<std::uint32_t>(i));
        }
    }
    return end < hosts_.size() ? std::optional(end) : std::nullopt;
}

std::vector<HostView> Frontier::ranked(const HostRanking& ranking) const {
    std::vector<HostView> views;
    for (const std::uint32_t index : ranking.best()) {
        views.push_back(view_of(hosts_[index]));
    }
    return views;
}

std::vector<HostView> Frontier::largest(std::size_t limit) const {
    HostRanking ranking(HostQuery{HostOrder::remaining, limit, std::nullopt});
    static_cast<void>(rank(ranking, 0, hosts_.size()));
    return ranked(ranking);
}

}  // namespace grit::frontier
