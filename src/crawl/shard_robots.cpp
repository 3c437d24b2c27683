// The end of a request for a robots.txt: its rules, a redirect to where they are, or why they can not be had.
#include "grit/crawl/shard.hpp"

#include "grit/metrics/metrics.hpp"
#include "grit/robots/rules.hpp"
#include "shard_answer.hpp"

#include <utility>

namespace grit::crawl {
using fetch::Fetched;
using frontier::Lease;
using frontier::TaskPtr;
using politeness::Answer;

namespace {

// RFC 9309 section 2.3.1.2: at least five consecutive redirects are followed.
constexpr std::uint8_t kMaxRobotsRedirects = 5;

}  // namespace

void Shard::end_robots(Lease lease, Fetched result) {
    const HostId asked = lease.host();
    if (result.busy) {
        frontier_.hold(asked, kBusyAddressWait);
    }
    // Where a redirect leads may fail time after time: it must not count as the good answer that forgives failures.
    const bool says_nothing = result.busy || (result.redirect && !result.rules);
    TaskPtr task = frontier_.finish(std::move(lease), says_nothing ? Answer::none : answer_of(result.outcome), result.latency);
    const bool redirected_too_often = result.redirect && task->hops >= kMaxRobotsRedirects;
    const bool pointless = !result.redirect && !result.busy && disposition_of(result.outcome) == Disposition::gone;
    if (!result.rules && (redirected_too_often || pointless)) {
        // RFC 9309 section 2.3.1.2 and 2.3.1.3: the file may be taken as unavailable. (An address that the guard refuses
        // is refused for the image too.)
        result.redirect.reset();
        result.rules = robots::Rules::allow_all();
    }
    if (result.redirect) {
        ++task->hops;
        task->url = std::move(*result.redirect);
        remember(asked);
        crossing_.route(std::move(task));
        return;
    }
    if (!result.rules) {
        robots_failed(std::move(task), asked, result);
        return;
    }
    remember(asked);
    crossing_.on_shard_of(task->home, [home = task->home, origin = task->robots_origin,
                                       rules = std::move(*result.rules)](frontier::Frontier& frontier) {
        frontier.robots_known(home, origin, rules);
    });
}

// Nobody may be asked for an image of that host until its rules are known (RFC 9309 section 2.3.1.4).
void Shard::robots_failed(TaskPtr task, HostId asked, const Fetched& result) {
    const HostId home = task->home;
    const Disposition disposition = disposition_of(result.outcome);
    context_.metrics.robots_decisions(metrics::RobotsDecision::unreachable).add();
    std::optional<Milliseconds> retry_after = result.retry_after;
    if (disposition == Disposition::slow_host) {
        const Milliseconds wait = frontier_.throttle(asked, retry_after, Outcome::robots_denied);
        remember(asked, true);
        crossing_.on_shard_of(home, [home, wait](frontier::Frontier& frontier) {
            frontier.hold(home, wait);
            frontier.robots_unknown(home);
        });
        return;
    }
    if (disposition == Disposition::own_fault) {
        if (!result.busy && result.outcome != Outcome::shutting_down) {
            crossing_.fault(result.outcome, result.detail);
        }
        crossing_.on_shard_of(home, [home](frontier::Frontier& frontier) { frontier.robots_unknown(home); });
        return;
    }
    // A host that can not be reached at all is that, whatever was asked of it; else its rules keep us out.
    const Outcome as = disposition == Disposition::host_down ? result.outcome : Outcome::robots_denied;
    crossing_.on_shard_of(home, [&committer = context_.committer, home, as](frontier::Frontier& frontier) {
        static_cast<void>(frontier.host_down(home, as));
        frontier.robots_unknown(home);
        committer.note(home, HostNote{frontier.memory(home), frontier.gone_as(home)});
    });
}

}  // namespace grit::crawl
