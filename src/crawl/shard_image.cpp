// The end of a request for an image: settled, passed on to where it leads, asked again later, or its host is left alone.
#include "grit/crawl/shard.hpp"

#include "grit/base/kill_point.hpp"
#include "grit/metrics/metrics.hpp"
#include "shard_answer.hpp"

#include <algorithm>
#include <utility>

namespace grit::crawl {
using fetch::Fetched;
using frontier::Lease;
using frontier::TaskPtr;
using politeness::Answer;

namespace {

metrics::Adopted adopted_as(archive::TempImage::Bytes bytes) {
    switch (bytes) {
        case archive::TempImage::Bytes::cloned:
            return metrics::Adopted::cloned;
        case archive::TempImage::Bytes::linked:
            return metrics::Adopted::linked;
        case archive::TempImage::Bytes::written:
            break;
    }
    return metrics::Adopted::copied;
}

}  // namespace

void Shard::end_image(Lease lease, Fetched result) {
    const HostId asked = lease.host();
    if (result.busy) {
        frontier_.hold(asked, kBusyAddressWait, frontier::Wait::address);
        frontier_.give_back(std::move(lease), Answer::none);
        return;
    }
    if (result.redirect) {
        follow_redirect(std::move(lease), std::move(result));
        return;
    }
    if (const politeness::Block* block = result.image ? frontier_.block_of(lease.task()) : nullptr) {
        // Blocked since the request went out: the answer was let end, and is not kept.
        result.image.reset();
        result.outcome = Outcome::opted_out;
        result.detail = politeness::blocked_detail(*block);
    }
    context_.metrics.fetches(result.outcome).add();
    switch (disposition_of(result.outcome)) {
        case Disposition::slow_host:
            back_off(std::move(lease), result);
            return;
        case Disposition::host_down:
            wait_for_host(std::move(lease), result);
            return;
        case Disposition::own_fault:
            own_fault(result);
            frontier_.give_back(std::move(lease), Answer::none);
            return;
        case Disposition::done:
        case Disposition::gone:
        case Disposition::retry_url:
            break;
    }
    if (config_.politeness.robots) {
        context_.metrics.robots_decisions(metrics::RobotsDecision::allowed).add();
    }
    TaskPtr task = frontier_.finish(std::move(lease), answer_of(result.outcome), result.latency);
    remember(asked);
    retry_or_end(std::move(task), std::move(result));
}

// The crawl pauses, unless the next try is on another volume: one that failed is out by now.
void Shard::own_fault(const Fetched& result) {
    if (result.outcome != Outcome::shutting_down &&
        (result.outcome == Outcome::out_of_descriptors || !context_.images.has_room_elsewhere())) {
        crossing_.fault(result.outcome, result.detail);
    }
}

// What another program had of the URL: taken over, or its host is asked after all.
void Shard::end_adoption(Lease lease, Fetched result) {
    if (const politeness::Block* block = frontier_.block_of(lease.task())) {
        result.image.reset();
        result.outcome = Outcome::opted_out;
        result.detail = politeness::blocked_detail(*block);
    } else if (result.image) {
        result.detail = lease.task().adoption->detail;
        context_.metrics.adoptions(adopted_as(result.image->file.bytes())).add();
        kill_point("adopt.taken");
    } else if (result.unreadable == fetch::Unreadable::file) {
        wait_for_file(std::move(lease), std::move(result));
        return;
    } else {
        context_.log.debug("adoption.refused", {{"url", lease.task().raw_url}, {"outcome", name_of(result.outcome)}, {"detail", result.detail}});
        const bool is_our_fault = disposition_of(result.outcome) == Disposition::own_fault;
        if (result.unreadable == fetch::Unreadable::folder) {
            crossing_.adoption_unreachable(result.detail);
        } else if (is_our_fault) {
            own_fault(result);
        }
        context_.metrics.adoptions(metrics::Adopted::refused).add(is_our_fault ? 0 : 1);
        lease.task().adoption_failed = !is_our_fault;
        lease.task().adoption.reset();
        frontier_.give_back(std::move(lease), Answer::none);
        return;
    }
    settle(frontier_.finish(std::move(lease), Answer::none, Milliseconds(0)), std::move(result), std::nullopt);
}

// One file of many, such as one on a bad sector: its host is not asked, and the others go on.
void Shard::wait_for_file(Lease lease, Fetched result) {
    constexpr std::int64_t kAgainMs = 600'000;
    context_.log.warning("adoption.held", {{"url", lease.task().raw_url}, {"problem", result.detail}});
    context_.metrics.adoptions(metrics::Adopted::held).add();
    result.outcome = Outcome::broken_image;
    result.detail = "waits for " + result.detail;
    const std::int64_t now_ms = context_.schedule.wall_now().time_since_epoch().count();
    settle(frontier_.finish(std::move(lease), Answer::none, Milliseconds(0)), std::move(result), now_ms + kAgainMs);
}

void Shard::follow_redirect(Lease lease, Fetched result) {
    const HostId asked = lease.host();
    TaskPtr task = frontier_.finish(std::move(lease), Answer::good, result.latency);
    remember(asked);
    if (task->hops >= config_.fetch.max_redirects) {
        result.redirect.reset();
        result.outcome = Outcome::redirect_refused;
        result.detail = "more than max_redirects redirects";
        context_.metrics.fetches(result.outcome).add();
        retry_or_end(std::move(task), std::move(result));
        return;
    }
    ++task->hops;
    task->spent += result.spent;
    task->url = std::move(*result.redirect);
    crossing_.route(std::move(task));
}

void Shard::retry_or_end(TaskPtr task, Fetched result) {
    task->attempts = static_cast<std::uint8_t>(std::min(task->attempts + 1, 255));
    const auto& schedule = config_.retry.schedule;
    if (disposition_of(result.outcome) != Disposition::retry_url || task->attempts > schedule.size()) {
        settle(std::move(task), std::move(result), std::nullopt);
        return;
    }
    // +-20 %: what failed together is not asked again together.
    std::uniform_real_distribution<double> jitter(0.8, 1.2);
    const auto wait = static_cast<std::int64_t>(static_cast<double>(schedule[task->attempts - 1U].count()) * jitter(random_));
    context_.metrics.retries(metrics::RetryReason::retry_url).add();
    settle(std::move(task), std::move(result), context_.schedule.wall_now().time_since_epoch().count() + std::max<std::int64_t>(wait, 1));
}

void Shard::settle(TaskPtr task, Fetched result, std::optional<std::int64_t> retry_at_ms) {
    Settlement settlement;
    settlement.task = std::move(task);
    settlement.outcome = result.outcome;
    settlement.retry_at_ms = retry_at_ms;
    settlement.http_status = result.http_status;
    settlement.detail = std::move(result.detail);
    settlement.image = std::move(result.image);
    context_.committer.submit(std::move(settlement));
}

// 429 and 503: the host asked for less.
void Shard::back_off(Lease lease, const Fetched& result) {
    const HostId asked = lease.host();
    const Milliseconds wait = frontier_.throttle(asked, result.retry_after, result.outcome);
    context_.metrics.retries(metrics::RetryReason::slow_host).add();
    context_.log.debug("host.back_off", {{"host", lease.task().url.host}, {"status", result.http_status}, {"wait_ms", wait.count()}});
    frontier_.give_back(std::move(lease), Answer::strained);
    remember(asked, true);
}

std::optional<Milliseconds> Shard::charge(const store::OriginKey& asked, Outcome outcome) {
    return is_of_origin(outcome) ? frontier_.origin_down(asked, outcome) : frontier_.host_down(asked.host, outcome);
}

void Shard::wait_for_host(Lease lease, const Fetched& result) {
    const HostId asked = lease.host();
    const auto wait = charge(frontier::origin_of(asked, lease.task().url), result.outcome);
    context_.metrics.retries(metrics::RetryReason::host_down).add();
    context_.log.debug("host.down", {{"host", lease.task().url.host},
                                     {"outcome", name_of(result.outcome)},
                                     {"wait_ms", wait ? wait->count() : -1}});
    frontier_.give_back(std::move(lease), Answer::none);
    remember(asked);
}

}  // namespace grit::crawl
