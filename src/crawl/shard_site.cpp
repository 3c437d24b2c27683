// The end of a question about a site: what it says, a redirect to where that is, or why it can not be had.
#include "grit/crawl/shard.hpp"

#include "grit/metrics/metrics.hpp"
#include "shard_answer.hpp"

#include <optional>
#include <utility>

namespace grit::crawl {
using fetch::Fetched;
using frontier::Lease;
using frontier::SiteQuestion;
using frontier::TaskPtr;
using politeness::Answer;
using politeness::SiteFile;

namespace {

// RFC 9309 section 2.3.1.2: at least five consecutive redirects are followed.
constexpr std::uint8_t kMaxSiteRedirects = 5;

// What the URLs of a host end as that refuses for good while it is asked that.
Outcome refused_as(SiteFile file, Outcome outcome) {
    return file == SiteFile::robots ? Outcome::robots_denied : outcome;
}

}  // namespace

void Shard::end_site(Lease lease, Fetched result, bool address_blocked) {
    const HostId asked = lease.host();
    if (result.busy) {
        frontier_.hold(asked, kBusyAddressWait, frontier::Wait::address);
    }
    const bool refused = !result.busy && !result.redirect && disposition_of(result.outcome) == Disposition::slow_host;
    std::optional<Milliseconds> wait;
    if (refused && !result.word) {
        // Before the request ends: what it says of the pace is said of the pace at which it was sent.
        wait = frontier_.throttle(asked, result.retry_after, refused_as(lease.task().question.file, result.outcome));
    }
    // Where a redirect leads may fail time after time: it must not count as the good answer that forgives failures.
    const bool says_nothing = result.busy || (result.redirect && !result.word);
    TaskPtr task = frontier_.finish(std::move(lease), says_nothing ? Answer::none : answer_of(result.outcome), result.latency);
    remember(asked, wait.has_value());
    if (address_blocked && task->hops == 0) {
        // Its images are at the same addresses; and no word is made up that would hold when the block is gone.
        frontier_.refuse_host(task->home, std::move(result.detail));
        return;
    }
    const bool redirected_too_often = result.redirect && task->hops >= kMaxSiteRedirects;
    const bool pointless = !result.redirect && !result.busy && disposition_of(result.outcome) == Disposition::gone;
    if (!result.word && (redirected_too_often || pointless)) {
        // RFC 9309 section 2.3.1.2 and 2.3.1.3: the file may be taken as unavailable. (An address that the guard refuses
        // is refused for the image too.)
        result.redirect.reset();
        result.word = politeness::word_of_none(task->question.file);
    }
    if (result.redirect) {
        ++task->hops;
        task->url = std::move(*result.redirect);
        crossing_.route(std::move(task));
    } else if (result.word) {
        site_answered(task->question, std::move(result));
    } else {
        const store::OriginKey where = frontier::origin_of(asked, task->url);
        const bool elsewhere = where != task->question.origin;
        if (elsewhere && disposition_of(result.outcome) == Disposition::host_down && !result.busy) {
            static_cast<void>(charge(where, result.outcome));
            remember(asked);
            result.outcome = Outcome::robots_denied;
        }
        // A host that asked for less is left alone as a whole already.
        site_failed(task->question, result, wait && asked == task->question.origin.host ? Milliseconds(0) : wait);
    }
}

void Shard::site_answered(const SiteQuestion& question, Fetched result) {
    crossing_.on_shard_of(question.origin.host,
                          [&committer = context_.committer, question, word = std::move(*result.word),
                           status = result.http_status](frontier::Frontier& frontier) {
                              frontier.site_known(question, word, status);
                              committer.note_site(question.origin, frontier.site_memory(question.origin));
                          });
}

// The host that is to be asked is blocked. If it is the site's own, then so are its images, and nothing needs to be known.
// Another host that a redirect led to is not asked: the file may be taken as unavailable.
void Shard::site_blocked(const frontier::Task& task) {
    if (task.hops == 0) {
        frontier_.site_asked(task.home);
        return;
    }
    Fetched none;
    none.word = politeness::word_of_none(task.question.file);
    site_answered(task.question, std::move(none));
}

// Without its last good copy a robots.txt that can not be had keeps us out (RFC 9309 section 2.3.1.4).
// That concerns its origin alone, unless it is the host that can not be found or reached.
// @param wait  it is nobody's failure, but the origin has to wait for so long.
void Shard::site_failed(const SiteQuestion& question, const Fetched& result, std::optional<Milliseconds> wait) {
    const HostId home = question.origin.host;
    const Disposition disposition = disposition_of(result.outcome);
    if (disposition == Disposition::own_fault) {
        if (!result.busy && result.outcome != Outcome::shutting_down) {
            crossing_.fault(result.outcome, result.detail);
        }
        crossing_.on_shard_of(home, [home](frontier::Frontier& frontier) { frontier.site_asked(home); });
        return;
    }
    if (question.file == SiteFile::robots) {
        context_.metrics.robots_decisions(metrics::RobotsDecision::unreachable).add();
    }
    // A host that can not be reached at all is that, whatever was asked of it; else its rules keep us out.
    const Outcome as = disposition == Disposition::host_down ? result.outcome : Outcome::robots_denied;
    crossing_.on_shard_of(home, [&committer = context_.committer, question, wait, as](frontier::Frontier& frontier) {
        const HostId host = question.origin.host;
        if (frontier.site_unreachable(question, wait.has_value())) {
            committer.note_site(question.origin, frontier.site_memory(question.origin));
        } else if (wait && *wait > Milliseconds(0)) {
            frontier.origin_hold(question.origin, *wait, as);
        } else if (!wait && (as == Outcome::robots_denied || is_of_origin(as))) {
            static_cast<void>(frontier.origin_down(question.origin, as));
        } else if (!wait) {
            static_cast<void>(frontier.host_down(host, as));
        }
        frontier.site_asked(host);
        committer.note(host, note_of(frontier, host));
    });
}

}  // namespace grit::crawl
