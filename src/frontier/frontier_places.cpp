// Where each host is kept: ready, parked, waiting for an answer.
#include <algorithm>
#include <bit>
#include <cassert>
#include <utility>

#include "frontier_host.hpp"
#include "grit/frontier/frontier.hpp"

namespace grit::frontier {
// Where hosts are kept ------------------------------------------------------------------------------------------------

std::uint32_t Frontier::index_of(HostId id) {
    if (id >= index_.size()) {
        index_.resize(std::max<std::size_t>(id + 1, index_.size() * 3 / 2), 0);
    }
    static_assert(sizeof(Host) <= 88, "there is one per host of the data set");
    if (index_[id] == 0) {
        Host& host = hosts_.emplace_back();
        host.id = id;
        const HostInfo info = table_.info(id);
        host.domain = info.domain;
        host.blocked = blocklist_ && blocklist_->of_host(info.name) != nullptr;
        host.classes = classes_.find(info.name, info.domain_name);
        ++states_[static_cast<std::size_t>(host.state)];
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

const politeness::Manners& Frontier::manners_of(const Host& host) const {
    return classes_.manners(host.classes.host);
}

unsigned Frontier::domain_limit(const Host& host) const {
    return classes_.manners(host.classes.domain).connections_per_domain;
}

void Frontier::classes_changed() {
    for (Host& host : hosts_) {
        const HostInfo info = table_.info(host.id);
        host.classes = classes_.find(info.name, info.domain_name);
    }
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

// Until a question about a site is answered its host is asked for nothing but such: its own, or one that leads there.
bool Frontier::must_wait_for_site(const Host& host) {
    return host.awaits_site && (!host.in_play || host.in_play->questions.empty());
}

// For a host that is in no queue: decides where it belongs now.
void Frontier::place(std::uint32_t index) {
    Host& host = hosts_[index];
    end_lines_of_gone(host);
    parked_.remove(index);
    const std::uint64_t remaining = remaining_of(host);
    const bool gone = is_ended(host);
    const SteadyTime rest = rests_until(host);
    host.rests = rest > host.gate.next_at();
    const SteadyTime next = std::max(rest, host.gate.next_at());
    if (remaining == 0) {
        host.place = Place::idle;
    } else if (!gone && must_wait_for_site(host)) {
        host.place = Place::site;
    } else if (!gone && (!host.gate.has_room(manners_of(host)) || rest == SteadyTime::max())) {
        host.place = Place::busy;
    } else if (!gone && next > clock_.now()) {
        host.place = Place::parked;
        parked_.add(index, next);
        if (politeness_wait_ != nullptr) {
            politeness_wait_->observe(next - clock_.now());
        }
        if (next - clock_.now() >= kLongPark) {
            unload(host);
            put_off_waiting(host);
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
    end_lines_of_gone(host);
    const bool wait_is_moot = host.place == Place::parked && (host.rests || is_ended(host));
    if (host.place == Place::idle || host.place == Place::busy || host.place == Place::site || wait_is_moot) {
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
        remaining_of(host) * static_cast<std::uint64_t>(host.gate.time_per_request(manners_of(host)).count());
    const auto octave = static_cast<unsigned>(std::bit_width(time));
    const auto quarter = static_cast<unsigned>(octave < 3 ? 0 : (time >> (octave - 3U)) & 3U);
    const auto urgency = static_cast<ReadyQueue::Urgency>(8 * octave + 2 * quarter);
    if (!host.in_play || host.in_play->lines.empty()) {
        return urgency;
    }
    return std::max(urgency, host.loaded_urgency) | 1U;
}

// A place of the domain is free: the first waiting host that can use it gets its turn.
void Frontier::wake_domain(const Host& of) {
    while (const auto waiting = domains_.next_waiting(of.domain, domain_limit(of))) {
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
    HostState state = HostState::parked;
    if (host.gate.open_requests() > 0) {
        state = HostState::active;
    } else if (host.place == Place::idle) {
        state = HostState::finished;
    } else if (host.place == Place::ready) {
        state = HostState::ready;
    } else if (host.gate.is_down()) {
        state = HostState::down;
    } else if (host.gate.in_back_off(clock_.now())) {
        state = HostState::backoff;
    } else if (host.place == Place::site) {
        state = HostState::site;
    } else if (host.place == Place::domain) {
        state = HostState::domain;
    }
    --states_[static_cast<std::size_t>(host.state)];
    ++states_[static_cast<std::size_t>(state)];
    host.state = state;
}

std::uint32_t Frontier::pop_ready() {
    assert(ready_count_ > 0);
    --ready_count_;
    return ready_.pop([this](std::uint32_t index, ReadyQueue::Urgency urgency) { return is_ready_as(index, urgency); });
}

// Entries of the queue that are no longer true stay in it.
bool Frontier::is_ready_as(std::uint32_t index, ReadyQueue::Urgency urgency) const {
    return hosts_[index].place == Place::ready && hosts_[index].urgency == urgency;
}

void Frontier::promote_parked(SteadyTime now) {
    while (const auto index = parked_.take_due(now)) {
        Host& host = hosts_[*index];
        const bool rested = host.rests;
        host.place = Place::idle;
        place(*index);
        host.came_due = host.place == Place::ready && !rested;
    }
}

std::vector<std::string_view> Frontier::next_hosts(std::size_t limit) const {
    std::vector<std::string_view> names;
    const auto counts = [this](std::uint32_t index, ReadyQueue::Urgency urgency) { return is_ready_as(index, urgency); };
    ready_.look_ahead(limit, counts, [&](std::uint32_t index) { names.push_back(table_.info(hosts_[index].id).name); });
    return names;
}

bool Frontier::has_ready() const noexcept {
    return ready_count_ > 0 && clock_.now() >= begins_at_;
}

SteadyTime Frontier::next_due() {
    return ready_count_ > 0 ? std::min(parked_.earliest(), begins_at_) : parked_.earliest();
}

SteadyTime Frontier::earliest_work() {
    return has_ready() ? clock_.now() : next_due();
}

}  // namespace grit::frontier
