// Origins that are down: their lines are passed over while the host's other origins are asked on, and what comes from
// elsewhere waits on disk.
//
// A pass goes once through what is left of the host's queue. Lines of an origin that waits stay in their blocks and are
// counted as pending. At the end of a pass in which nothing else is left the host rests until one of these origins is due;
// then it goes back to the first line that was passed over.
#include <algorithm>
#include <chrono>
#include <utility>

#include "frontier_host.hpp"
#include "grit/frontier/frontier.hpp"

namespace grit::frontier {
namespace {

// Of one host; more are not told apart: then the host is down. Bounds its row and what a line costs.
constexpr std::size_t kMostTroubles = 64;
// How long somebody else's task stays away while the one request is open that finds out whether the origin is back.
constexpr Milliseconds kProbeWait{30'000};
// A task from elsewhere, or a retry, waits here in memory for so long at most ...
constexpr Milliseconds kLongWait{60'000};
// ... and there are so many of them at most.
constexpr std::size_t kMostWaiting = 256;

bool waits(const auto& trouble, SteadyTime now) { return !trouble.gone && (trouble.probing || trouble.due > now); }

Milliseconds between(SteadyTime from, SteadyTime to) {
    return std::max(Milliseconds(0), std::chrono::duration_cast<Milliseconds>(to - from));
}

}  // namespace

Frontier::Origins* Frontier::origins_of(const Host& host) const {
    return host.has_origins ? origins_.find(host.id)->second.get() : nullptr;
}

Frontier::Trouble* Frontier::trouble_of(const Host& host, const url::CanonicalUrl& url) const {
    // A host that is blocked ends, whatever its origins do.
    Origins* origins = host.blocked ? nullptr : origins_of(host);
    return origins == nullptr ? nullptr : origins->find(url.scheme == url::Scheme::https, url.port);
}

Frontier::Trouble* Frontier::make_trouble(Host& host, const store::OriginKey& origin) {
    if (!host.has_origins) {
        origins_[host.id] = std::make_unique<Origins>();
        host.has_origins = true;
    }
    Origins& origins = *origins_of(host);
    if (Trouble* known = origins.find(origin.https, origin.port)) {
        return known;
    }
    if (origins.troubles.size() >= kMostTroubles) {
        return nullptr;
    }
    Trouble& fresh = origins.troubles.emplace_back();
    fresh.https = origin.https;
    fresh.port = origin.port;
    return &fresh;
}

void Frontier::load_origins(Host& host, const std::vector<store::OriginRow>& rows) {
    const SteadyTime now = clock_.now();
    for (const store::OriginRow& row : rows) {
        Trouble* trouble = make_trouble(host, {host.id, row.https, row.port});
        if (trouble == nullptr) {
            return;
        }
        trouble->attempts = row.attempts;
        trouble->as = row.as;
        trouble->gone = row.gone;
        // A wall clock that was set back must not silence an origin for ever.
        const auto schedule = manners_of(host).down_schedule;
        const Milliseconds longest = schedule.empty() ? Milliseconds(0) : schedule.back() * 2;
        trouble->due = now + std::clamp(Milliseconds(row.due_ms) - clock_.wall_now().time_since_epoch(), Milliseconds(0), longest);
        origins_of(host)->ended |= row.gone && static_cast<std::uint8_t>(row.as) == host.gone_as;
    }
}

std::vector<store::OriginRow> Frontier::origins_down(HostId id) const {
    std::vector<store::OriginRow> rows;
    const Host* host = find(id);
    if (host == nullptr || !host->has_origins) {
        return rows;
    }
    for (const Trouble& trouble : origins_of(*host)->troubles) {
        const Milliseconds left = between(clock_.now(), trouble.due);
        const std::int64_t due_ms = trouble.gone ? 0 : (clock_.wall_now().time_since_epoch() + left).count();
        rows.push_back({trouble.https, trouble.port, trouble.attempts, trouble.as, trouble.gone, due_ms});
    }
    return rows;
}

// What happens to an origin -------------------------------------------------------------------------------------------

std::optional<Milliseconds> Frontier::origin_down(const store::OriginKey& origin, Outcome as) {
    const SteadyTime now = clock_.now();
    Host& host = host_of(origin.host);
    Trouble* trouble = make_trouble(host, origin);
    if (trouble == nullptr) {
        return host_down(origin.host, as);
    }
    // Nothing was sent, so nothing else keeps the next connection from following at once.
    host.gate.hold_until(now + host.gate.interval(manners_of(host)));
    if (trouble->gone) {
        return std::nullopt;
    }
    if (trouble->attempts > 0 && trouble->due > now) {
        return between(now, trouble->due);  // it was asked before the failure that it waits for
    }
    trouble->as = as;
    trouble->probing = false;
    std::optional<Milliseconds> wait;
    const auto schedule = manners_of(host).down_schedule;
    if (trouble->attempts < schedule.size()) {
        std::uniform_real_distribution<double> jitter(0.9, 1.1);
        const auto planned = static_cast<double>(schedule[trouble->attempts].count());
        wait = Milliseconds(static_cast<std::int64_t>(planned * jitter(random_)));
        ++trouble->attempts;
        trouble->due = now + *wait;
    } else {
        trouble->gone = true;
    }
    origin_changed(host, *trouble);
    return wait;
}

void Frontier::origin_hold(const store::OriginKey& origin, Milliseconds time, Outcome as) {
    Host& host = host_of(origin.host);
    Trouble* trouble = make_trouble(host, origin);
    if (trouble == nullptr) {
        hold(origin.host, time, Wait::site);
        return;
    }
    trouble->as = as;
    trouble->due = std::max(trouble->due, clock_.now() + time);
    origin_changed(host, *trouble);
}

// Where all that is left was known to be this origin's, nothing has to be looked at again.
void Frontier::origin_changed(Host& host, const Trouble& trouble) {
    Origins& origins = *origins_of(host);
    if (origins.ended) {
        return;
    }
    if (origins.only && origins.is_only(trouble)) {
        unload(host);
        origins.rests_until = trouble.due;
        if (trouble.gone) {
            end_lines_with(host, trouble);
        }
    } else {
        origins.rests_until = {};
    }
    place_if_free(index_of(host.id));
}

void Frontier::origin_answered(Host& host, const store::OriginKey& origin) {
    Origins* origins = origins_of(host);
    if (origins == nullptr || origins->find(origin.https, origin.port) == nullptr) {
        return;
    }
    std::erase_if(origins->troubles, [&](const Trouble& trouble) {
        return trouble.https == origin.https && trouble.port == origin.port;
    });
    look_again(host);
    if (origins->troubles.empty() && origins->passed_over == 0) {
        origins_.erase(host.id);
        host.has_origins = false;
    }
}

void Frontier::forget_origins(Host& host) {
    unload(host);
    origins_.erase(host.id);
    host.has_origins = false;
}

void Frontier::set_probing(const Host& host, const url::CanonicalUrl& url, bool probing) {
    Trouble* trouble = trouble_of(host, url);
    if (trouble == nullptr || trouble->probing == probing) {
        return;
    }
    trouble->probing = probing;
    if (Origins& origins = *origins_of(host); !probing && !origins.ended && origins.rests_until > trouble->due) {
        origins.rests_until = trouble->due;
    }
}

// There may be lines of other origins: those that came, or those of an origin that has answered.
void Frontier::look_again(Host& host) {
    if (Origins* origins = origins_of(host)) {
        origins->rests_until = {};
        origins->only.reset();
        if (!origins->ended) {
            return;
        }
        // What had ended is looked at again, line by line. Nothing is read before the state has taken it back
        // (lines_back): it lies in the same blocks.
        origins->rests_until = SteadyTime::max();
        if (std::exchange(host.gone_as, store::kNotGone) != store::kNotGone) {
            host_ends_.push_back(HostEnd{host.id, 0});
        }
    }
}

bool Frontier::is_given_up(const Host& host) const {
    const Origins* origins = origins_of(host);
    return host.gone_as != store::kNotGone && (origins == nullptr || !origins->ended);
}

// What happens to tasks and lines -------------------------------------------------------------------------------------

// @return the task, if its origin may be asked.
TaskPtr Frontier::unless_origin_waits(Host& host, TaskPtr task) {
    const SteadyTime now = clock_.now();
    Trouble* trouble = trouble_of(host, task->url);
    if (trouble == nullptr || (!trouble->gone && !waits(*trouble, now))) {
        return task;
    }
    if (task->line && task->hops == 0) {
        in_play(host).open_urls.erase(task->hash);
        pass_over(host, *task->line, *trouble);
    } else if (trouble->gone) {
        verdict(std::move(task), trouble->as, "its origin was given up");
    } else {
        const Milliseconds wait = trouble->probing ? kProbeWait : between(now, trouble->due);
        verdicts_.push_back(Verdict{std::move(task), trouble->as, "its origin is down", reserve(host, wait)});
    }
    return nullptr;
}

// @return whether the line stays in the queue, or has ended, since its origin is down.
bool Frontier::origin_takes(Host& host, const Task& line) {
    Trouble* trouble = trouble_of(host, line.url);
    if (trouble == nullptr || (!trouble->gone && !waits(*trouble, clock_.now()))) {
        return false;
    }
    if (trouble->gone && origins_of(host)->ends_gone) {
        return false;
    }
    pass_over(host, *line.line, *trouble);
    return true;
}

// The line goes back into the queue: it is met again in the next pass, or, where it has not come yet, in this one.
void Frontier::pass_over(Host& host, const LineRef& line, Trouble& trouble) {
    in_play(host).out.erase(line);
    ++host.pending;
    ++remaining_;
    Origins& origins = *origins_of(host);
    if (origins.ended) {
        // What has ended lies in the queue, uncounted: nothing may be read there.
        if (host.gone_as == static_cast<std::uint8_t>(trouble.as)) {
            end_lines_with(host, trouble);
        } else {
            look_again(host);
        }
        return;
    }
    if (line.block < store::QueueKey{host.next_run, host.id, host.next_block}) {
        origins.from = origins.passed_over == 0 ? line.block : std::min(origins.from, line.block);
        ++origins.passed_over;
        ++trouble.passed_over;
    }
}

std::uint64_t Frontier::passed_over(const Host& host) const {
    const Origins* origins = origins_of(host);
    return origins == nullptr ? 0 : std::min<std::uint64_t>(origins->passed_over, host.pending);
}

void Frontier::go_back(Host& host) {
    Origins* origins = origins_of(host);
    if (origins == nullptr || origins->passed_over == 0) {
        return;
    }
    if (origins->from < store::QueueKey{host.next_run, host.id, host.next_block}) {
        host.next_run = origins->from.run;
        host.next_block = origins->from.block;
    }
    origins->passed_over = 0;
    for (Trouble& trouble : origins->troubles) {
        trouble.passed_over = 0;
    }
}

// No line is left but those that were passed over.
void Frontier::end_pass(Host& host) {
    Origins* origins = origins_of(host);
    if (origins == nullptr || passed_over(host) == 0) {
        return;
    }
    const Trouble* met = nullptr;
    std::size_t kinds = 0;
    std::uint64_t lines = 0;
    SteadyTime next = SteadyTime::max();
    bool any_waits = false;
    for (const Trouble& trouble : origins->troubles) {
        if (trouble.passed_over == 0) {
            continue;
        }
        ++kinds;
        met = &trouble;
        lines += trouble.passed_over;
        any_waits = any_waits || !trouble.gone;
        next = trouble.gone || trouble.probing ? next : std::min(next, trouble.due);
    }
    const bool all_of_one = kinds == 1 && lines == host.pending;
    go_back(host);
    origins->only = all_of_one ? std::optional(std::pair(met->https, met->port)) : std::nullopt;
    origins->ends_gone = kinds > 0 && !any_waits;
    if (any_waits) {
        origins->rests_until = next;
    } else if (all_of_one) {
        end_lines_with(host, *met);
    }
}

// All that the host has left is of one origin that is gone.
void Frontier::end_lines_with(Host& host, const Trouble& trouble) {
    host.gone_as = static_cast<std::uint8_t>(trouble.as);
    Origins& origins = *origins_of(host);
    origins.ended = true;
    origins.ends_gone = false;
    origins.rests_until = {};
    if (host.pending > 0) {
        host_ends_.push_back(HostEnd{host.id, host.pending});
        host.failed += host.pending;
        remaining_ -= std::exchange(host.pending, 0U);
    }
}

// @return when the host has a line that may be asked, as far as its origins go.
SteadyTime Frontier::rests_until(const Host& host) const {
    const Origins* origins = origins_of(host);
    const bool has_more = host.in_play && host.in_play->tasks() > 0;
    const bool moot = host.blocked && origins != nullptr && !origins->ended;
    return origins == nullptr || has_more || moot ? SteadyTime{} : origins->rests_until;
}

// What comes from elsewhere, and retries ------------------------------------------------------------------------------

// The time after which one more task may come back: as many as the host can take, one after the other.
Milliseconds Frontier::reserve(const Host& host, Milliseconds least) {
    const SteadyTime now = clock_.now();
    SteadyTime& taken = reserved_until_[host.id];
    taken = std::max(taken, now + least) + host.gate.time_per_request(manners_of(host));
    return between(now, taken);
}

// A task that would wait in memory for long, or with many others, waits on disk.
bool Frontier::put_off(Host& host, TaskPtr& task) {
    const bool from_elsewhere = task->hops > 0;
    if (is_ended(host) || !(from_elsewhere || task->retry)) {
        return false;
    }
    const Milliseconds each = host.gate.time_per_request(manners_of(host));
    const Milliseconds left = between(clock_.now(), host.gate.next_at());
    const bool held = left > std::max(kLongWait, 2 * each);
    const std::size_t waiting = host.in_play ? host.in_play->first.size() + host.in_play->questions.size() : 0;
    if (!held && !(from_elsewhere && waiting >= kMostWaiting)) {
        if (waiting == 0) {
            reserved_until_.erase(host.id);
        }
        return false;
    }
    const Outcome as = host.gate.is_down() ? host.down_as : Outcome::http_unavailable;
    const Milliseconds wait = reserve(host, std::max(left, each * static_cast<std::int64_t>(waiting)));
    verdicts_.push_back(Verdict{std::move(task), as, held ? "the host is left alone" : "many wait for the host", wait});
    return true;
}

// The host is left alone for long: nothing waits for it in memory.
void Frontier::put_off_waiting(Host& host) {
    if (!host.in_play) {
        return;
    }
    for (auto* tasks : {&host.in_play->questions, &host.in_play->first}) {
        remaining_ -= std::erase_if(*tasks, [&](TaskPtr& task) { return put_off(host, task); });
    }
    shed(host);
}

}  // namespace grit::frontier
