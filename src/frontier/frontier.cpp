#include "grit/frontier/frontier.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <list>
#include <utility>

#include "grit/store/tables.hpp"

namespace grit::frontier {
namespace {

// Lines looked at per call that turn out to need no request (duplicates, hosts given up): bounds the time of a `lease`.
constexpr std::size_t kLinesPerCall = 256;
// Hosts looked at per call that turn out to have nothing to ask for now.
constexpr std::size_t kHostsPerCall = 64;
// After the state could not be read.
constexpr Milliseconds kReadFaultPause{1000};
// A host that is parked for this long gives its lines back to the disk. Longer than any pace: only back-off does it.
constexpr Milliseconds kLongPark{45'000};

}  // namespace

// What a host needs only while it is being worked on.
struct Frontier::InPlay {
    // Lists, since they are empty as a rule and an empty deque holds 600 bytes.
    std::list<TaskPtr> questions;  // for a robots.txt: before all else
    std::list<TaskPtr> first;      // given back, redirected here, due again: before the queue
    std::vector<std::pair<store::QueueEntry, LineRef>> lines;  // of the block in work; the next one is the last
    // URLs leased and not committed yet, each with the duplicate lines met meanwhile.
    std::unordered_map<UrlHash, std::vector<TaskPtr>> open_urls;

    [[nodiscard]] bool empty() const { return tasks() == 0 && open_urls.empty(); }
    [[nodiscard]] std::size_t tasks() const { return questions.size() + first.size() + lines.size(); }
};

struct Frontier::Host {
    HostId id = kNoHost;
    std::uint32_t next_block = 0;
    RunId next_run = 0;  // where the next block is to be looked for; 0: no line yet
    Place place = Place::idle;
    Category category = Category::finished;
    ReadyQueue::Urgency urgency = 0;         // when it was ready last: entries of it with another one are stale
    ReadyQueue::Urgency loaded_urgency = 0;  // when the block in work was loaded
    bool awaits_robots = false;
    bool at_first_run = true;  // next_run is known to be the first run with lines left
    std::uint8_t gone_as = store::kNotGone;
    // Requests that were open when the host last refused: if they are refused too, that is part of the same event.
    std::uint16_t refused_with = 0;
    std::uint64_t pending = 0;    // lines in the queue, not loaded
    std::uint64_t unsettled = 0;  // lines and retries that have left the queue and are not acknowledged
    std::uint64_t taken = 0;      // lines of the runs being loaded at start that are settled already
    std::uint64_t domain = 0;
    politeness::HostGate gate;
    std::unique_ptr<InPlay> in_play;
};

Lease::Lease(Frontier& frontier, HostId host, TaskPtr task)
    : frontier_(&frontier), host_(host), task_(std::move(task)) {}

Lease::Lease(Lease&& other) noexcept
    : frontier_(other.frontier_), host_(other.host_), task_(std::move(other.task_)), sent_(other.sent_) {}

Lease::~Lease() {
    if (task_) {
        frontier_->give_back(std::move(*this), politeness::Answer::none);
    }
}

Frontier::Frontier(store::Env& env, HostTable& hosts, const politeness::Manners& manners,
                   politeness::RobotsCache* robots, const Clock& clock, const Logger& log)
    : env_(env),
      table_(hosts),
      manners_(manners),
      robots_(robots),
      clock_(clock),
      log_(log),
      random_(std::random_device{}()),
      domains_(manners.connections_per_domain),
      parked_(clock.now()) {}

Frontier::~Frontier() = default;

void Frontier::load_host(HostId id, const store::HostRow& row) {
    Host& host = host_of(id);
    const politeness::GateMemory memory{row.not_before_ms, row.interval_ms, row.backoff_level, row.down_attempts};
    host.gate = politeness::HostGate(memory, manners_, clock_.now(), clock_.wall_now());
    host.gone_as = row.gone_as;
    host.taken = row.taken;
    host.next_run = row.cursor_run;
    // Lines are settled in any order, so what is left of a host in work may lie in an earlier run than it seems.
    host.at_first_run = row.taken == 0;
    recount(host);
}

void Frontier::add_lines(HostId id, RunId run, std::uint32_t lines) {
    const std::uint32_t index = index_of(id);
    Host& host = hosts_[index];
    last_run_ = std::max(last_run_, run);
    if (host.next_run == 0 || (host.pending == 0 && host.at_first_run)) {
        host.next_run = std::max(run, host.next_run);
        host.next_block = 0;
    }
    const std::uint64_t settled = std::min<std::uint64_t>(host.taken, lines);
    host.taken -= settled;
    host.pending += lines - settled;
    remaining_ += lines - settled;
    place_if_free(index);
}

void Frontier::push(TaskPtr task) {
    const auto target = table_.find_or_add(task->url.host);
    const std::uint32_t index = index_of(target);
    Host& host = hosts_[index];
    InPlay& work = in_play(host);
    if (task->kind == Task::Kind::robots) {
        work.questions.push_back(std::move(task));
    } else {
        if (task->hops == 0) {
            // A line that comes back because its image could not be kept has been counted when it left.
            const bool is_new = work.open_urls.try_emplace(task->hash).second;
            host.unsettled += is_new || !task->line ? 1 : 0;
        }
        work.first.push_back(std::move(task));
    }
    ++remaining_;
    place_if_free(index);
}

// Leasing -------------------------------------------------------------------------------------------------------------

std::optional<Lease> Frontier::lease() {
    const SteadyTime now = clock_.now();
    domains_.set_limit(manners_.connections_per_domain);  // a reload may have changed it
    promote_parked(now);
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
    if (host.gone_as != store::kNotGone) {
        end_lines_of_gone(host);
        place(index);
        wake_domain(host.domain);  // it may have been woken for a place that it does not need
        return std::nullopt;
    }
    if (must_wait_for_robots(host) || !host.gate.open_at(now, manners_)) {
        place(index);
        wake_domain(host.domain);
        return std::nullopt;
    }
    if (!domains_.try_enter(host.domain)) {
        host.place = Place::domain;
        domains_.wait(host.domain, index);
        recount(host);
        return std::nullopt;
    }
    TaskPtr task = next_allowed_task(host, now);
    if (!task) {
        domains_.leave(host.domain);
        place(index);
        wake_domain(host.domain);
        return std::nullopt;
    }
    host.gate.lease();
    ++open_;
    place(index);
    return Lease(*this, host.id, std::move(task));
}

// What robots.txt forbids ends here, without a request. Where its rules are not known they are asked for first.
TaskPtr Frontier::next_allowed_task(Host& host, SteadyTime now) {
    while (verdicts_.size() < kLinesPerCall) {
        TaskPtr task = next_task(host);
        if (!task || robots_ == nullptr || task->kind == Task::Kind::robots) {
            return task;
        }
        const std::string origin = task->url.origin();
        const robots::Rules* rules = robots_->find(origin, now);
        if (rules == nullptr) {
            auto question = std::make_unique<Task>();
            question->kind = Task::Kind::robots;
            question->home = host.id;
            question->url = *url::resolve(task->url, "/robots.txt");
            question->robots_origin = origin;
            in_play(host).first.push_front(std::move(task));
            ++remaining_;
            host.awaits_robots = true;
            return question;
        }
        if (rules->allows(task->url.target)) {
            return task;
        }
        verdict(std::move(task), Outcome::robots_denied, "robots.txt");
    }
    return nullptr;
}

TaskPtr Frontier::next_task(Host& host) {
    InPlay& work = in_play(host);
    TaskPtr task;
    if (auto& urgent = work.questions.empty() ? work.first : work.questions; !urgent.empty()) {
        task = std::move(urgent.front());
        urgent.pop_front();
        --remaining_;
    } else {
        task = next_line(host);
    }
    shed(host);
    return task;
}

// The next line that needs a request; lines that need none become verdicts, or wait for the same URL's outcome.
TaskPtr Frontier::next_line(Host& host) {
    auto txn = env_.read();
    if (!txn) {
        log_.error("frontier.read_failed", {{"error", txn.error().message()}});
        host.gate.hold_until(clock_.now() + kReadFaultPause);
        return nullptr;
    }
    for (std::size_t looked_at = 0; looked_at < kLinesPerCall; ++looked_at) {
        InPlay& work = in_play(host);
        if (work.lines.empty() && !load_block(host, *txn)) {
            return nullptr;
        }
        auto [entry, ref] = std::move(work.lines.back());
        work.lines.pop_back();
        --remaining_;
        ++host.unsettled;
        auto line = std::make_unique<Task>();
        line->home = host.id;
        line->ordinal = entry.ordinal;
        line->raw_url = std::move(entry.url);
        line->line = ref;
        if (TaskPtr task = judge_line(host, *txn, std::move(line))) {
            return task;
        }
    }
    return nullptr;
}

TaskPtr Frontier::judge_line(Host& host, const store::ReadTxn& txn, TaskPtr line) {
    auto canonical = url::canonicalize(line->raw_url);
    if (!canonical) {
        // Ingest let it pass, so an older gritd read the URL otherwise.
        verdict(std::move(line), url::outcome_of(canonical.error()), canonical.error().message());
        return nullptr;
    }
    line->url = std::move(*canonical);
    line->hash = line->url.hash();
    InPlay& work = in_play(host);
    if (const auto open = work.open_urls.find(line->hash); open != work.open_urls.end()) {
        open->second.push_back(std::move(line));
        return nullptr;
    }
    const auto known = store::has_record(txn, store::RecordKey{host.id, line->hash});
    if (known && *known) {
        verdict(std::move(line), Outcome::duplicate_url, {});
        return nullptr;
    }
    work.open_urls.try_emplace(line->hash);
    return line;
}

bool Frontier::load_block(Host& host, const store::ReadTxn& txn) {
    const std::string_view name = table_.info(host.id).name;
    while (host.pending > 0 && host.next_run <= last_run_) {
        const auto key = store::next_block(txn, host.id, host.next_run, host.next_block);
        if (!key) {
            if (key.error() != store::Errc::not_found) {
                log_.error("frontier.read_failed", {{"host", name}, {"error", key.error().message()}});
                host.gate.hold_until(clock_.now() + kReadFaultPause);
                return false;
            }
            ++host.next_run;
            host.next_block = 0;
            continue;
        }
        host.next_block = key->block + 1;
        host.loaded_urgency = urgency_of(host);
        auto block = store::get_block(txn, codec_, *key, name);
        const auto progress = store::get_progress(txn, *key);
        if (!block || !progress) {
            log_.error("frontier.block_damaged", {{"host", name}, {"run", key->run}, {"block", key->block}});
            continue;
        }
        InPlay& work = in_play(host);
        const auto entries = static_cast<std::uint16_t>(block->size());
        for (std::uint16_t i = entries; i-- > 0;) {
            if (!progress->test(i)) {
                work.lines.emplace_back(std::move((*block)[i]), LineRef{*key, i, entries});
            }
        }
        host.pending -= std::min<std::uint64_t>(host.pending, work.lines.size());
        host.at_first_run = host.at_first_run || host.pending == 0;
        if (!work.lines.empty()) {
            return true;
        }
    }
    if (host.pending > 0) {
        log_.error("frontier.lines_missing", {{"host", name}, {"lines", host.pending}});
        remaining_ -= host.pending;
        host.pending = 0;
    }
    return false;
}

// Forgets the lines of a host that is left alone for long: they are on disk and are read again. Only while all that has
// left the queue waits here: what is on its way to its record would be met a second time.
void Frontier::unload(Host& host) {
    if (!host.in_play) {
        return;
    }
    InPlay& work = *host.in_play;
    std::uint64_t here = 0;
    for (const TaskPtr& task : work.first) {
        here += task->hops == 0 ? 1 : 0;
    }
    for (const auto& [hash, duplicates] : work.open_urls) {
        here += duplicates.size();
    }
    if (here != host.unsettled) {
        return;
    }
    store::QueueKey from{host.next_run, host.id, host.next_block};
    std::uint64_t lines = 0;
    const auto forget = [&](const LineRef& line) {
        from = std::min(from, line.block);
        ++lines;
    };
    for (const auto& [entry, line] : work.lines) {
        forget(line);
    }
    const std::uint64_t unread = lines;
    work.lines.clear();
    for (auto& [hash, duplicates] : work.open_urls) {
        for (const TaskPtr& duplicate : duplicates) {
            forget(*duplicate->line);
            ++remaining_;
        }
        duplicates.clear();
    }
    std::erase_if(work.first, [&](const TaskPtr& task) {
        if (!task->line || task->hops > 0) {
            return false;
        }
        forget(*task->line);
        work.open_urls.erase(task->hash);
        return true;
    });
    host.unsettled -= lines - unread;
    host.pending += lines;
    host.next_run = from.run;
    host.next_block = from.block;
    shed(host);
}

// A host that was given up: its URLs end as it did, without a request.
void Frontier::end_lines_of_gone(Host& host) {
    const Outcome as = outcome_of_number(host.gone_as).value_or(Outcome::unreachable);
    while (verdicts_.size() < kLinesPerCall && remaining_of(host) > 0) {
        TaskPtr task = next_task(host);
        if (!task) {
            return;
        }
        verdict(std::move(task), as, "the host was given up");
    }
}

void Frontier::verdict(TaskPtr task, Outcome outcome, std::string detail) {
    verdicts_.push_back(Verdict{std::move(task), outcome, std::move(detail)});
}

std::vector<Verdict> Frontier::take_verdicts() {
    return std::exchange(verdicts_, {});
}

// The end of a lease --------------------------------------------------------------------------------------------------

bool Frontier::may_send(Lease& lease) {
    const std::uint32_t index = index_of(lease.host_);
    Host& host = hosts_[index];
    if (lease.sent_) {
        return host.gate.sent_again(clock_.now(), manners_);
    }
    if (host.gate.next_at() > clock_.now()) {
        return false;  // while the connection was made the host asked for less, by another answer
    }
    lease.sent_ = true;
    host.gate.sent(clock_.now(), manners_);
    place_if_free(index);
    return true;
}

TaskPtr Frontier::finish(Lease lease, politeness::Answer answer, Milliseconds latency) {
    TaskPtr task = std::move(lease.task_);
    end_request(lease, answer, latency);
    return task;
}

void Frontier::give_back(Lease lease, politeness::Answer answer) {
    const std::uint32_t index = index_of(lease.host_);
    InPlay& work = in_play(hosts_[index]);
    (lease.task_->kind == Task::Kind::robots ? work.questions : work.first).push_front(std::move(lease.task_));
    ++remaining_;
    end_request(lease, answer, Milliseconds(0));
}

void Frontier::end_request(const Lease& lease, politeness::Answer answer, Milliseconds latency) {
    const std::uint32_t index = index_of(lease.host_);
    Host& host = hosts_[index];
    if (lease.sent_) {
        host.gate.answered(answer, latency, clock_.now(), manners_);
    } else {
        host.gate.withdrawn();
    }
    --open_;
    host.refused_with -= host.refused_with > 0 ? 1 : 0;
    domains_.leave(host.domain);
    wake_domain(host.domain);
    place_if_free(index);
}

void Frontier::acknowledge(HostId home, const UrlHash& hash) {
    const std::uint32_t index = index_of(home);
    Host& host = hosts_[index];
    host.unsettled -= host.unsettled > 0 ? 1 : 0;
    if (!host.in_play) {
        return;
    }
    if (const auto open = host.in_play->open_urls.find(hash); open != host.in_play->open_urls.end()) {
        for (TaskPtr& duplicate : open->second) {
            verdict(std::move(duplicate), Outcome::duplicate_url, {});
        }
        host.in_play->open_urls.erase(open);
    }
    if (host.place == Place::parked && parked_.time_of(index) - clock_.now() >= kLongPark) {
        unload(host);
    }
    shed(host);
}

// What a host asked for, or was judged to be --------------------------------------------------------------------------

void Frontier::robots_known(HostId id, const std::string& origin, robots::Rules rules) {
    if (const auto delay = rules.crawl_delay()) {
        host_of(id).gate.slow_to(*delay);
    }
    robots_->put(origin, std::move(rules), clock_.now());
    robots_unknown(id);
}

void Frontier::robots_unknown(HostId id) {
    const std::uint32_t index = index_of(id);
    hosts_[index].awaits_robots = false;
    place_if_free(index);
}

Milliseconds Frontier::throttle(HostId id, std::optional<Milliseconds> retry_after, Outcome as) {
    Host& host = host_of(id);
    const SteadyTime now = clock_.now();
    if (host.refused_with > 0 && host.gate.in_back_off(now) &&
        host.gate.next_at() > now + host.gate.interval(manners_)) {
        host.gate.hold_until(now + retry_after.value_or(Milliseconds(0)));
        return std::chrono::duration_cast<Milliseconds>(host.gate.next_at() - now);
    }
    host.refused_with = static_cast<std::uint16_t>(host.gate.open_requests());
    const Milliseconds wait = host.gate.throttled(retry_after, now, manners_, random_);
    if (host.gate.throttled_for_good()) {
        give_up(id, as);
    }
    recount(host);
    return wait;
}

std::optional<Milliseconds> Frontier::host_down(HostId id, Outcome as) {
    Host& host = host_of(id);
    const auto wait = host.gate.down(clock_.now(), manners_, random_);
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
    host.gone_as = store::kNotGone;
    if (host.place == Place::parked) {
        host.place = Place::idle;
    }
    place_if_free(index);
}

void Frontier::hold(HostId id, Milliseconds time) {
    host_of(id).gate.hold_until(clock_.now() + time);
}

politeness::GateMemory Frontier::memory(HostId id) const {
    const Host* host = find(id);
    return host == nullptr ? politeness::GateMemory{} : host->gate.memory(clock_.now(), clock_.wall_now());
}

std::uint8_t Frontier::gone_as(HostId id) const {
    const Host* host = find(id);
    return host == nullptr ? store::kNotGone : host->gone_as;
}

// Where hosts are kept ------------------------------------------------------------------------------------------------

std::uint32_t Frontier::index_of(HostId id) {
    if (id >= index_.size()) {
        index_.resize(std::max<std::size_t>(id + 1, index_.size() * 3 / 2), 0);
    }
    if (index_[id] == 0) {
        Host& host = hosts_.emplace_back();
        host.id = id;
        host.domain = table_.info(id).domain;
        ++categories_[static_cast<std::size_t>(host.category)];
        index_[id] = static_cast<std::uint32_t>(hosts_.size());
    }
    return index_[id] - 1;
}

Frontier::Host& Frontier::host_of(HostId id) {
    return hosts_[index_of(id)];
}

const Frontier::Host* Frontier::find(HostId id) const {
    return id < index_.size() && index_[id] != 0 ? &hosts_[index_[id] - 1] : nullptr;
}

Frontier::InPlay& Frontier::in_play(Host& host) {
    if (!host.in_play) {
        host.in_play = std::make_unique<InPlay>();
    }
    return *host.in_play;
}

void Frontier::shed(Host& host) {
    if (host.in_play && host.in_play->empty()) {
        host.in_play.reset();
    }
}

std::uint64_t Frontier::remaining_of(const Host& host) {
    return host.pending + (host.in_play ? host.in_play->tasks() : 0);
}

// Until its rules are known a host is asked for nothing but a robots.txt: its own, or one that is said to be there.
bool Frontier::must_wait_for_robots(const Host& host) {
    return host.awaits_robots && (!host.in_play || host.in_play->questions.empty());
}

// For a host that is in no queue: decides where it belongs now.
void Frontier::place(std::uint32_t index) {
    Host& host = hosts_[index];
    parked_.remove(index);
    const std::uint64_t remaining = remaining_of(host);
    const bool gone = host.gone_as != store::kNotGone;
    if (remaining == 0) {
        host.place = Place::idle;
    } else if (!gone && must_wait_for_robots(host)) {
        host.place = Place::robots;
    } else if (!gone && !host.gate.has_room(manners_)) {
        host.place = Place::busy;
    } else if (!gone && host.gate.next_at() > clock_.now()) {
        host.place = Place::parked;
        parked_.add(index, host.gate.next_at());
        if (host.gate.next_at() - clock_.now() >= kLongPark) {
            unload(host);
        }
    } else {
        host.place = Place::ready;
        host.urgency = urgency_of(host);
        ready_.push(host.urgency, index);
        ++ready_count_;
    }
    recount(host);
}

// Something changed for the host: a host in a queue is looked at again when its turn comes.
void Frontier::place_if_free(std::uint32_t index) {
    Host& host = hosts_[index];
    const bool wait_is_moot = host.gone_as != store::kNotGone && host.place == Place::parked;
    if (host.place == Place::idle || host.place == Place::busy || host.place == Place::robots || wait_is_moot) {
        place(index);
        return;
    }
    if (host.place == Place::ready && urgency_of(host) > host.urgency) {
        host.urgency = urgency_of(host);
        ready_.push(host.urgency, index);
    }
    recount(host);
}

// By the time that the host will take, in steps of a quarter of a power of two. A host with lines in memory keeps the
// urgency at which it got them and goes before its equals, so that few hosts have lines in memory: without that rule
// all hosts that are about as large would be worked on in turn, each with its block.
ReadyQueue::Urgency Frontier::urgency_of(const Host& host) const {
    const std::uint64_t time =
        remaining_of(host) * static_cast<std::uint64_t>(host.gate.time_per_request(manners_).count());
    const auto octave = static_cast<unsigned>(std::bit_width(time));
    const auto quarter = static_cast<unsigned>(octave < 3 ? 0 : (time >> (octave - 3U)) & 3U);
    const auto urgency = static_cast<ReadyQueue::Urgency>(8 * octave + 2 * quarter);
    if (!host.in_play || host.in_play->lines.empty()) {
        return urgency;
    }
    return std::max(urgency, host.loaded_urgency) | 1U;
}

// A place of the domain is free: the first waiting host that can use it gets its turn.
void Frontier::wake_domain(std::uint64_t domain) {
    while (const auto waiting = domains_.next_waiting(domain)) {
        Host& host = hosts_[*waiting];
        host.place = Place::idle;
        place(*waiting);
        if (host.place == Place::ready) {
            // Next of all: another host of the domain must not take the place before it.
            host.urgency = ReadyQueue::kUrgencies - 1;
            ready_.push(host.urgency, *waiting);
            return;
        }
    }
}

void Frontier::recount(Host& host) {
    Category category = Category::parked;
    if (host.gate.open_requests() > 0) {
        category = Category::active;
    } else if (host.place == Place::idle) {
        category = Category::finished;
    } else if (host.place == Place::ready) {
        category = Category::ready;
    } else if (host.gate.is_down()) {
        category = Category::down;
    } else if (host.gate.in_back_off(clock_.now())) {
        category = Category::backoff;
    }
    --categories_[static_cast<std::size_t>(host.category)];
    ++categories_[static_cast<std::size_t>(category)];
    host.category = category;
}

std::uint32_t Frontier::pop_ready() {
    assert(ready_count_ > 0);
    --ready_count_;
    return ready_.pop([this](std::uint32_t index, ReadyQueue::Urgency urgency) {
        return hosts_[index].place == Place::ready && hosts_[index].urgency == urgency;
    });
}

void Frontier::promote_parked(SteadyTime now) {
    while (const auto index = parked_.take_due(now)) {
        hosts_[*index].place = Place::idle;
        place(*index);
    }
}

bool Frontier::has_ready() const noexcept {
    return ready_count_ > 0;
}

SteadyTime Frontier::next_due() {
    return parked_.earliest();
}

SteadyTime Frontier::earliest_work() {
    return has_ready() ? clock_.now() : next_due();
}

// For people ----------------------------------------------------------------------------------------------------------

FrontierCounts Frontier::counts() const {
    const auto of = [this](Category category) { return categories_[static_cast<std::size_t>(category)]; };
    return FrontierCounts{hosts_.size(),
                          of(Category::ready),
                          of(Category::active),
                          of(Category::parked),
                          of(Category::backoff),
                          of(Category::down),
                          of(Category::finished),
                          remaining_,
                          open_,
                          verdicts_.size()};
}

HostView Frontier::view_of(const Host& host) const {
    constexpr std::array<const char*, kCategories> kNames{"finished", "ready", "active", "parked", "backoff", "down"};
    const SteadyTime now = clock_.now();
    HostView view;
    view.id = host.id;
    view.name = table_.info(host.id).name;
    view.state = kNames[static_cast<std::size_t>(host.category)];
    view.remaining = remaining_of(host);
    view.in_memory = view.remaining - host.pending;
    view.open = host.gate.open_requests();
    view.interval = host.gate.interval(manners_);
    view.next_in = std::max(Milliseconds(0), std::chrono::duration_cast<Milliseconds>(host.gate.next_at() - now));
    if (host.gone_as != store::kNotGone) {
        view.gone_as = outcome_of_number(host.gone_as);
    }
    return view;
}

std::optional<HostView> Frontier::view(HostId id) const {
    const Host* host = find(id);
    return host == nullptr ? std::nullopt : std::optional(view_of(*host));
}

std::vector<HostView> Frontier::largest(std::size_t limit) const {
    std::vector<const Host*> hosts;
    hosts.reserve(hosts_.size());
    for (const Host& host : hosts_) {
        hosts.push_back(&host);
    }
    const auto end = hosts.begin() + static_cast<std::ptrdiff_t>(std::min(limit, hosts.size()));
    std::partial_sort(hosts.begin(), end, hosts.end(),
                      [](const Host* a, const Host* b) { return remaining_of(*a) > remaining_of(*b); });
    std::vector<HostView> views;
    for (auto host = hosts.begin(); host != end; ++host) {
        views.push_back(view_of(**host));
    }
    return views;
}

}  // namespace grit::frontier
