#include "grit/frontier/frontier.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "frontier_host.hpp"

namespace grit::frontier {
namespace {

// Hosts looked at per call that turn out to have nothing to ask for now.
constexpr std::size_t kHostsPerCall = 64;

}  // namespace

Lease::Lease(Frontier& frontier, HostId host, TaskPtr task)
    : frontier_(&frontier), host_(host), task_(std::move(task)) {}

Lease::Lease(Lease&& other) noexcept
    : frontier_(other.frontier_), host_(other.host_), task_(std::move(other.task_)), sent_(other.sent_) {}

Lease::~Lease() {
    if (task_) {
        frontier_->give_back(std::move(*this), politeness::Answer::none);
    }
}

Frontier::Frontier(store::Env& env, HostTable& hosts, const politeness::HostClasses& classes,
                   politeness::SitePolicies& sites, const Clock& clock, const Logger& log)
    : env_(env),
      table_(hosts),
      classes_(classes),
      sites_(sites),
      clock_(clock),
      log_(log),
      random_(std::random_device{}()),
      parked_(clock.now()),
      made_at_(clock.now()),
      begins_at_(made_at_) {}

Frontier::~Frontier() = default;

void Frontier::measure_with(metrics::DurationHistogram& politeness_wait, metrics::DurationHistogram& schedule_lag) {
    politeness_wait_ = &politeness_wait;
    schedule_lag_ = &schedule_lag;
}

void Frontier::load_host(HostId id, const store::HostRow& row, const QueuedLines& queued) {
    begins_at_ = made_at_ + classes_.manners(politeness::HostClasses::kNone).min_interval;
    const std::uint32_t index = index_of(id);
    Host& host = hosts_[index];
    const politeness::GateMemory memory{row.not_before_ms, row.interval_ms, row.backoff_level,
                                        row.down_attempts, row.ceiling_ms,  row.answers_since_refusal,
                                        row.near_ceiling};
    host.gate = politeness::HostGate(memory, manners_of(host), clock_.now(), clock_.wall_now());
    if (host.classes.host != politeness::HostClasses::kNone) {
        host.gate.hold_until(made_at_ + manners_of(host).min_interval);  // may be longer than for everybody
    }
    host.gone_as = row.gone_as;
    load_origins(host, row.origins);
    host.pending = static_cast<std::uint32_t>(queued.lines - std::min(row.taken, queued.lines));
    host.stored = static_cast<std::uint32_t>(row.stored);
    host.failed = static_cast<std::uint32_t>(row.failed);
    // Lines are settled in any order, so what is left of a host in work may lie in an earlier run than it seems.
    host.next_run = std::max(row.cursor_run, queued.first_run);
    host.at_first_run = row.taken == 0 || host.pending == 0;
    last_run_ = std::max(last_run_, queued.last_run);
    remaining_ += host.pending;
    if (host.has_origins && host.pending > 0) {
        look_again(host);  // lines came after the others had ended with an origin
    }
    place(index);
}

void Frontier::add_lines(HostId id, RunId run, std::uint32_t lines) {
    const std::uint32_t index = index_of(id);
    Host& host = hosts_[index];
    last_run_ = std::max(last_run_, run);
    if (host.next_run == 0 || (host.pending == 0 && host.at_first_run)) {
        host.next_run = std::max(run, host.next_run);
        host.next_block = 0;
    }
    host.pending += lines;
    remaining_ += lines;
    look_again(host);
    place_if_free(index);
}

void Frontier::push(TaskPtr task) {
    const auto target = table_.find_or_add(task->url.host);
    const std::uint32_t index = index_of(target);
    Host& host = hosts_[index];
    if (put_off(host, task)) {
        return;
    }
    InPlay& work = in_play(host);
    if (task->kind == Task::Kind::site) {
        work.questions.push_back(std::move(task));
    } else {
        if (task->hops == 0) {
            work.open_urls.insert(task->hash);
        }
        work.first.push_back(std::move(task));
    }
    ++remaining_;
    place_if_free(index);
}

// Leasing -------------------------------------------------------------------------------------------------------------

std::optional<Lease> Frontier::lease() {
    const SteadyTime now = clock_.now();
    promote_parked(now);
    if (now < begins_at_) {
        return std::nullopt;
    }
    for (std::size_t looked_at = 0; ready_count_ > 0 && looked_at < kHostsPerCall; ++looked_at) {
        if (verdicts_.size() >= kLinesPerCall) {
            break;
        }
        if (auto lease = lease_from(pop_ready(), now)) {
            return lease;
        }
    }
    return std::nullopt;
}

std::optional<Lease> Frontier::lease_from(std::uint32_t index, SteadyTime now) {
    Host& host = hosts_[index];
    host.place = Place::idle;
    const bool came_due = host.came_due;
    host.came_due = false;
    if (is_ended(host)) {
        end_tasks_of_ended(host);
        place(index);
        wake_domain(host);  // it may have been woken for a place that it does not need
        return std::nullopt;
    }
    if (must_wait_for_site(host) || !host.gate.open_at(now, manners_of(host))) {
        place(index);
        wake_domain(host);
        return std::nullopt;
    }
    if (!domains_.try_enter(host.domain, domain_limit(host))) {
        host.place = Place::domain;
        domains_.wait(host.domain, index);
        recount(host);
        return std::nullopt;
    }
    TaskPtr task = next_allowed_task(host, now);
    if (!task) {
        domains_.leave(host.domain);
        place(index);
        wake_domain(host);
        return std::nullopt;
    }
    set_probing(host, task->url, true);
    if (came_due && schedule_lag_ != nullptr) {
        schedule_lag_->observe(now - host.gate.next_at());
    }
    host.gate.lease();
    if (task->kind == Task::Kind::image) {
        asked_.insert_or_assign(task->hash, Asked{host.id, now});
    }
    ++open_;
    place(index);
    return Lease(*this, host.id, std::move(task));
}

// The end of a lease --------------------------------------------------------------------------------------------------

bool Frontier::may_send(Lease& lease) {
    const std::uint32_t index = index_of(lease.host_);
    Host& host = hosts_[index];
    if (block_of(*lease.task_) != nullptr) {
        return false;  // blocked since the lease
    }
    if (lease.sent_) {
        return host.gate.sent_again(clock_.now(), manners_of(host));
    }
    if (host.gate.next_at() > clock_.now()) {
        return false;  // while the connection was made the host asked for less, by another answer
    }
    lease.sent_ = true;
    host.gate.sent(clock_.now(), manners_of(host));
    host.held_by = Wait::pace;
    place_if_free(index);
    return true;
}

void Frontier::written(const Lease& lease) {
    Host& host = host_of(lease.host_);
    host.gate.written(clock_.now(), manners_of(host));
}

TaskPtr Frontier::finish(Lease lease, politeness::Answer answer, Milliseconds latency) {
    TaskPtr task = std::move(lease.task_);
    Host& host = host_of(lease.host_);
    set_probing(host, task->url, false);
    // A site's word is heard by site_known: an answer that says nothing of the rules is none.
    if (answer != politeness::Answer::none && task->kind == Task::Kind::image) {
        origin_answered(host, origin_of(host.id, task->url));
    }
    asked_.erase(task->hash);
    end_request(lease, answer, latency);
    return task;
}

void Frontier::give_back(Lease lease, politeness::Answer answer) {
    const std::uint32_t index = index_of(lease.host_);
    InPlay& work = in_play(hosts_[index]);
    set_probing(hosts_[index], lease.task_->url, false);
    asked_.erase(lease.task_->hash);
    (lease.task_->kind == Task::Kind::site ? work.questions : work.first).push_front(std::move(lease.task_));
    ++remaining_;
    end_request(lease, answer, Milliseconds(0));
}

void Frontier::end_request(const Lease& lease, politeness::Answer answer, Milliseconds latency) {
    const std::uint32_t index = index_of(lease.host_);
    Host& host = hosts_[index];
    if (lease.sent_) {
        host.gate.answered(answer, latency, clock_.now(), manners_of(host));
    } else {
        host.gate.withdrawn();
    }
    --open_;
    domains_.leave(host.domain);
    wake_domain(host);
    place_if_free(index);
}

void Frontier::acknowledge(HostId home, const UrlHash& hash, const std::optional<LineRef>& line, Ending ending) {
    Host& host = host_of(home);
    host.stored += ending == Ending::stored ? 1U : 0U;
    host.failed += ending == Ending::failed ? 1U : 0U;
    if (host.in_play) {
        host.in_play->open_urls.erase(hash);
    }
    acknowledge_duplicate(home, line);
}

void Frontier::acknowledge_duplicate(HostId home, const std::optional<LineRef>& line) {
    const std::uint32_t index = index_of(home);
    Host& host = hosts_[index];
    if (host.in_play && line) {
        host.in_play->out.erase(*line);
    }
    if (host.place == Place::parked && parked_.time_of(index) - clock_.now() >= kLongPark) {
        unload(host);
    }
    shed(host);
}

// What a host asked for, or was judged to be --------------------------------------------------------------------------

void Frontier::site_known(const SiteQuestion& question, politeness::SiteWord word, std::uint16_t status) {
    Host& host = host_of(question.origin.host);
    origin_answered(host, question.origin);
    // What has left the memory meanwhile: the origin's other file, and its host's other origins, whose Crawl-delay counts.
    static_cast<void>(recall_sites(host));
    sites_.put(question.origin, std::move(word), status, clock_.now());
    const Milliseconds delay = sites_.crawl_delay(host.id, clock_.now());
    host.gate.slow_to(delay);
    if (delay > Milliseconds(0)) {
        host.gate.hold_until(clock_.now() + host.gate.interval(manners_of(host)));  // it lies behind the request for it, too
    }
    site_asked(host.id);
}

bool Frontier::site_unreachable(const SiteQuestion& question, bool put_off) {
    static_cast<void>(recall_sites(host_of(question.origin.host)));
    return sites_.unreachable(question.origin, question.file, put_off, clock_.now());
}

void Frontier::site_asked(HostId id) {
    const std::uint32_t index = index_of(id);
    hosts_[index].awaits_site = false;
    place_if_free(index);
}

store::SiteRow Frontier::site_memory(const store::OriginKey& origin) const {
    return sites_.row(origin, clock_.now(), clock_.wall_now());
}

Milliseconds Frontier::throttle(HostId id, std::optional<Milliseconds> retry_after, Outcome as) {
    Host& host = host_of(id);
    host.held_by = retry_after ? Wait::retry_after : Wait::back_off;
    host.last_failure = static_cast<std::uint8_t>(as);
    const Milliseconds wait = host.gate.throttled(retry_after, clock_.now(), manners_of(host), random_);
    if (host.gate.throttled_for_good()) {
        give_up(id, as);
    }
    recount(host);
    return wait;
}

std::optional<Milliseconds> Frontier::host_down(HostId id, Outcome as) {
    Host& host = host_of(id);
    host.held_by = Wait::down;
    host.last_failure = static_cast<std::uint8_t>(as);
    const auto wait = host.gate.down(clock_.now(), manners_of(host), random_);
    host.down_as = as;
    if (!wait) {
        give_up(id, as);
    }
    recount(host);
    return wait;
}

void Frontier::give_up(HostId id, Outcome as) {
    const std::uint32_t index = index_of(id);
    hosts_[index].gone_as = static_cast<std::uint8_t>(as);
    place_if_free(index);
}

void Frontier::forgive(HostId id) {
    const std::uint32_t index = index_of(id);
    Host& host = hosts_[index];
    host.gate.forgive(clock_.now());
    forget_origins(host);
    host.held_by = Wait::pace;
    host.gone_as = store::kNotGone;
    if (host.place == Place::parked) {
        host.place = Place::idle;
    }
    place_if_free(index);
}

void Frontier::lines_back(HostId id, std::uint64_t lines, RunId first_run) {
    const std::uint32_t index = index_of(id);
    Host& host = hosts_[index];
    unload(host);
    host.pending += static_cast<std::uint32_t>(lines);
    host.failed -= std::min(host.failed, static_cast<std::uint32_t>(lines));
    remaining_ += lines;
    host.next_run = std::max<RunId>(std::min(host.next_run, first_run), 1);
    host.next_block = 0;
    host.at_first_run = false;
    if (Origins* origins = origins_of(host)) {
        origins->ended = false;
    }
    look_again(host);
    place_if_free(index);
}

void Frontier::hold(HostId id, Milliseconds time, Wait why) {
    Host& host = host_of(id);
    if (clock_.now() + time > host.gate.next_at()) {
        host.gate.hold_until(clock_.now() + time);
        host.held_by = why;
    }
}

politeness::GateMemory Frontier::memory(HostId id) const {
    const Host* host = find(id);
    return host == nullptr ? politeness::GateMemory{} : host->gate.memory(clock_.now(), clock_.wall_now());
}

std::uint8_t Frontier::gone_as(HostId id) const {
    const Host* host = find(id);
    return host == nullptr ? store::kNotGone : host->gone_as;
}

}  // namespace grit::frontier
