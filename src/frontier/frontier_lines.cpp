// From a host's place in the queue to the task that is asked next, and back to the disk while it is parked for long.
#include <algorithm>
#include <utility>

#include "frontier_host.hpp"
#include "grit/frontier/frontier.hpp"
#include "grit/store/queue_walk.hpp"

namespace grit::frontier {
namespace {

// After the state could not be read.
constexpr Milliseconds kReadFaultPause{1000};
// Between two looks at the lines of a host of which an origin is down: a million of them take twenty seconds, and a
// sixth of the shard's time.
constexpr Milliseconds kLookPause{5};
// Origins of one host that are taken over from the state at once: a host has two, or a few ports. What is beyond is asked
// for again.
constexpr std::size_t kOriginsRecalled = 64;

}  // namespace

// What an operator or its site forbids ends here, without a request. What is not known of the site is asked for first.
TaskPtr Frontier::next_allowed_task(Host& host, SteadyTime now) {
    // A question that ends here may leave a host that has to wait for another one.
    while (verdicts_.size() < kLinesPerCall && !must_wait_for_site(host)) {
        TaskPtr task = next_task(host);
        if (!task) {
            return task;
        }
        if (const politeness::Block* block = block_of(*task)) {
            verdict(std::move(task), Outcome::opted_out, politeness::blocked_detail(*block));
            continue;
        }
        if (const auto adopted = adopt(*task)) {
            if (*adopted == Outcome::stored) {
                return task;
            }
            std::string detail = std::move(task->adoption->detail);
            verdict(std::move(task), *adopted, std::move(detail));
            continue;
        }
        if (!sites_.obeyed().any()) {
            return task;
        }
        const store::OriginKey origin{host.id, task->url.scheme == url::Scheme::https, task->url.port};
        if (task->kind == Task::Kind::site) {
            if (may_lead_here(task->question, origin, now)) {
                return task;
            }
            verdict(std::move(task), Outcome::robots_denied, "led to where robots.txt does not allow it");
            continue;
        }
        const politeness::SitePolicy* policy = sites_.find(origin);
        if (policy == nullptr) {
            if (!recall_sites(host)) {
                in_play(host).first.push_front(std::move(task));
                ++remaining_;
                return nullptr;
            }
            policy = sites_.find(origin);
        }
        if (const auto file = sites_.missing(policy, now)) {
            return question_before(std::move(task), host, SiteQuestion{origin, *file});
        }
        const auto refusal = policy == nullptr ? std::nullopt : sites_.refusal(*policy, task->url.target);
        if (!refusal) {
            return task;
        }
        verdict(std::move(task), refusal->outcome, std::string(refusal->detail));
    }
    return nullptr;
}

// What another program has made of the URL. @return its outcome; nothing if there is none to be taken over.
std::optional<Outcome> Frontier::adopt(Task& task) {
    if (!has_adoptions_ || task.kind != Task::Kind::image || task.hops > 0 || task.adoption_failed) {
        return std::nullopt;
    }
    if (!task.adoption) {
        const auto txn = env_.read();
        auto row = txn ? store::get_adoption(*txn, task.hash) : Result<store::Adoption>(txn.error());
        if (!row) {
            if (row.error() != store::Errc::not_found) {
                log_.error("frontier.adoption_unreadable", {{"url", task.raw_url}, {"error", row.error().message()}});
            }
            return std::nullopt;
        }
        task.adoption = std::move(*row);
    }
    return task.adoption->outcome;
}

// A question may be redirected: that for a robots.txt to anywhere (RFC 9309 section 2.3.1.2), that for a tdmrep.json only to
// where robots.txt is known to allow it. (It is not asked for first: questions of two hosts could wait for each other. A site
// that moved as a whole loses nothing by that: its images lead there, too, and there it is asked.)
bool Frontier::may_lead_here(const SiteQuestion& question, const store::OriginKey& here, SteadyTime now) {
    if (question.file == politeness::SiteFile::robots || question.origin == here || !sites_.obeyed().robots) {
        return true;
    }
    if (sites_.find(here) == nullptr && !recall_sites(host_of(here.host))) {
        return false;
    }
    const politeness::SitePolicy* const policy = sites_.find(here);
    return policy != nullptr && sites_.missing(policy, now) != politeness::SiteFile::robots &&
           policy->rules.allows(politeness::target_of(question.file));
}

TaskPtr Frontier::question_before(TaskPtr image, Host& host, const SiteQuestion& question) {
    auto task = std::make_unique<Task>();
    task->kind = Task::Kind::site;
    task->home = host.id;
    task->url = *url::resolve(image->url, politeness::target_of(question.file));
    task->question = question;
    in_play(host).first.push_front(std::move(image));
    ++remaining_;
    host.awaits_site = true;
    return task;
}

// Takes over what the state says of the host's origins, and the pace that they ask for together.
// @return false if it can not be read now: then the host rests.
bool Frontier::recall_sites(Host& host) {
    const SteadyTime now = clock_.now();
    std::size_t origins = 0;
    const auto take = [&](const store::OriginKey& origin, const store::SiteRow& row) {
        sites_.load(origin, row, now, clock_.wall_now());
        return ++origins < kOriginsRecalled;
    };
    auto txn = env_.read();
    const Result<void> read = txn ? store::for_each_site_of(*txn, host.id, take) : Result<void>(txn.error());
    if (!read) {
        log_.error("frontier.site_read_failed", {{"host", table_.info(host.id).name}, {"error", read.error().message()}});
        // A row that is damaged is replaced by what the site says when it is asked again.
        if (read.error() != store::Errc::corrupt && read.error() != store::Errc::newer_row) {
            hold(host.id, kReadFaultPause, Wait::state);
            return false;
        }
    }
    host.gate.slow_to(sites_.crawl_delay(host.id, now));
    return true;
}

TaskPtr Frontier::next_task(Host& host) {
    TaskPtr task;
    bool more = true;
    while (!task && more && verdicts_.size() < kLinesPerCall) {
        task = next_urgent(host);
        more = task != nullptr;
        if (task && host.has_origins) {
            task = unless_origin_waits(host, std::move(task));
        }
    }
    if (!task && !more) {
        task = next_line(host);
    }
    shed(host);
    return task;
}

TaskPtr Frontier::next_urgent(Host& host) {
    InPlay& work = in_play(host);
    auto& urgent = work.questions.empty() ? work.first : work.questions;
    if (urgent.empty()) {
        return nullptr;
    }
    TaskPtr task = std::move(urgent.front());
    urgent.pop_front();
    --remaining_;
    return task;
}

// The next line that needs a request; lines that need none become verdicts.
TaskPtr Frontier::next_line(Host& host) {
    auto txn = env_.read();
    if (!txn) {
        log_.error("frontier.read_failed", {{"error", txn.error().message()}});
        hold(host.id, kReadFaultPause, Wait::state);
        return nullptr;
    }
    if (rests_until(host) > clock_.now() || host.pending + in_play(host).lines.size() == 0) {
        return nullptr;
    }
    for (std::size_t looked_at = 0; looked_at < kLinesPerCall; ++looked_at) {
        InPlay& work = in_play(host);
        if (work.lines.empty() && !load_block(host, *txn)) {
            end_pass(host);
            return nullptr;
        }
        auto [entry, ref] = std::move(work.lines.back());
        work.lines.pop_back();
        --remaining_;
        work.out.insert(ref);
        auto line = std::make_unique<Task>();
        line->home = host.id;
        line->ordinal = entry.ordinal;
        line->raw_url = std::move(entry.url);
        line->line = ref;
        if (TaskPtr task = judge_line(host, *txn, std::move(line))) {
            return task;
        }
    }
    if (host.has_origins) {
        host.gate.hold_until(clock_.now() + kLookPause);
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
    if (host.has_origins && origin_takes(host, *line)) {
        return nullptr;
    }
    InPlay& work = in_play(host);
    const bool is_open = work.open_urls.contains(line->hash);
    const auto known = is_open ? Result<bool>(true) : store::has_record(txn, store::RecordKey{host.id, line->hash});
    if (known && *known) {
        verdict(std::move(line), Outcome::duplicate_url, {});
        return nullptr;
    }
    if (const Trouble* trouble = trouble_of(host, line->url); trouble != nullptr && trouble->gone) {
        verdict(std::move(line), trouble->as, "its origin was given up");
        return nullptr;
    }
    work.open_urls.insert(line->hash);
    return line;
}

bool Frontier::load_block(Host& host, const store::ReadTxn& txn) {
    const std::string_view name = table_.info(host.id).name;
    while (host.pending > passed_over(host) && host.next_run <= last_run_) {
        const auto key = store::next_block_of_runs(txn, store::QueueKey{host.next_run, host.id, host.next_block}, last_run_);
        if (!key && key.error() != store::Errc::not_found) {
            log_.error("frontier.read_failed", {{"host", name}, {"error", key.error().message()}});
            hold(host.id, kReadFaultPause, Wait::state);
            return false;
        }
        host.next_run = key ? key->run : last_run_ + 1;
        host.next_block = key ? key->block + 1 : 0;
        if (!key) {
            break;
        }
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
            const LineRef line{*key, i, entries};
            if (!progress->test(i) && !work.out.contains(line)) {
                work.lines.emplace_back(std::move((*block)[i]), line);
            }
        }
        count_loaded(host, work.lines.size());
        host.at_first_run = host.at_first_run || host.pending == 0;
        if (!work.lines.empty()) {
            return true;
        }
    }
    if (const std::uint64_t missing = host.pending - passed_over(host); missing > 0) {
        log_.error("frontier.lines_missing", {{"host", name}, {"lines", missing}});
        remaining_ -= missing;
        host.pending -= static_cast<std::uint32_t>(missing);
    }
    return false;
}

// Lines that were counted as pending are in memory now.
void Frontier::count_loaded(Host& host, std::uint64_t lines) {
    if (lines > host.pending) {
        // What says how many are settled, or which, was damaged.
        log_.error("frontier.lines_uncounted", {{"host", table_.info(host.id).name}, {"lines", lines - host.pending}});
        remaining_ += lines - host.pending;
    }
    host.pending -= std::min(host.pending, static_cast<std::uint32_t>(lines));
}

// Puts the lines of a host that is left alone for long back: they are on disk and are read again.
void Frontier::unload(Host& host) {
    go_back(host);
    if (!host.in_play) {
        return;
    }
    InPlay& work = *host.in_play;
    store::QueueKey from{host.next_run, host.id, host.next_block};
    std::uint64_t lines = 0;
    const auto forget = [&](const LineRef& line) {
        from = std::min(from, line.block);
        work.out.erase(line);
        ++lines;
    };
    for (const auto& [entry, line] : work.lines) {
        forget(line);
    }
    work.lines.clear();
    std::erase_if(work.first, [&](const TaskPtr& task) {
        if (!task->line || task->hops > 0) {
            return false;
        }
        forget(*task->line);
        work.open_urls.erase(task->hash);
        return true;
    });
    host.pending += static_cast<std::uint32_t>(lines);
    host.next_run = from.run;
    host.next_block = from.block;
    shed(host);
}

// A host that was given up: what waits in its queue ends as it did, all at once. Its blocks stay as they are: a retry
// reads them again.
void Frontier::end_lines_of_gone(Host& host) {
    if (!is_given_up(host)) {
        return;
    }
    unload(host);
    if (host.pending > 0) {
        host_ends_.push_back(HostEnd{host.id, host.pending});
        host.failed += host.pending;
        remaining_ -= std::exchange(host.pending, 0U);
    }
}

// A host that was given up or blocked: its URLs end as it did, without a request. Of one that was given up these are
// tasks that have a record of their own, or another host's.
void Frontier::end_tasks_of_ended(Host& host) {
    while (verdicts_.size() < kLinesPerCall && remaining_of(host) > 0) {
        TaskPtr task = is_given_up(host) ? next_urgent(host) : next_task(host);
        if (!task) {
            return;
        }
        verdicts_.push_back(end_of(host, std::move(task)));
    }
}

void Frontier::verdict(TaskPtr task, Outcome outcome, std::string detail) {
    verdicts_.push_back(Verdict{std::move(task), outcome, std::move(detail)});
}

std::vector<Verdict> Frontier::take_verdicts() {
    return std::exchange(verdicts_, {});
}

std::vector<HostEnd> Frontier::take_host_ends() {
    return std::exchange(host_ends_, {});
}

}  // namespace grit::frontier
