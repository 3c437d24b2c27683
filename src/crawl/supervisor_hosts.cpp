// What the supervisor asks its shards about hosts. A walk over all hosts is made in slices, between which the shard
// does its work.
#include "grit/crawl/supervisor.hpp"

#include "grit/base/quantity.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <condition_variable>
#include <iterator>
#include <utility>

namespace grit::crawl {
namespace {

using frontier::HostQuery;
using frontier::HostRanking;
using frontier::HostView;

// A slice takes a millisecond or so.
constexpr std::size_t kHostsPerSlice = 20'000;
// Who waits for shards gives up after this: one that does not turn for so long is stuck.
constexpr Milliseconds kPatience{5'000};

// Answers of several shards, waited for on another thread. Shared, since who waits may have gone when the last comes.
template <class T>
class Answers {
  public:
    explicit Answers(std::size_t expected) : missing_(expected) {}

    void add(T answer) {
        const std::lock_guard lock(mutex_);
        answers_.push_back(std::move(answer));
        --missing_;
        all_there_.notify_one();
    }
    // @return nothing if some did not come in time.
    [[nodiscard]] std::optional<std::vector<T>> wait() {
        std::unique_lock lock(mutex_);
        if (!all_there_.wait_for(lock, kPatience, [this] { return missing_ == 0; })) {
            return std::nullopt;
        }
        return std::move(answers_);
    }

  private:
    std::mutex mutex_;
    std::condition_variable all_there_;
    std::size_t missing_;
    std::vector<T> answers_;
};

struct Walk {
    HostRanking ranking;
    std::function<void(std::vector<HostView>)> done;
};

void walk_on(Shard& shard, const std::shared_ptr<Walk>& walk, std::size_t from) {
    shard.post([walk, from](Shard& asked) {
        if (const auto next = asked.frontier().rank(walk->ranking, from, kHostsPerSlice)) {
            walk_on(asked, walk, *next);
        } else {
            walk->done(asked.frontier().ranked(walk->ranking));
        }
    });
}

void walk_hosts(Shard& shard, const HostQuery& query, std::function<void(std::vector<HostView>)> done) {
    walk_on(shard, std::make_shared<Walk>(Walk{HostRanking(query), std::move(done)}), 0);
}

}  // namespace

std::optional<HostView> Supervisor::host(std::string_view name) {
    const auto id = hosts_.find(name);
    if (!id) {
        return std::nullopt;
    }
    auto answers = std::make_shared<Answers<std::optional<HostView>>>(1);
    shard_of(*id).post([answers, id = *id](Shard& shard) { answers->add(shard.frontier().view(id)); });
    const auto all = answers->wait();
    return all ? all->front() : std::nullopt;
}

std::optional<frontier::UrlView> Supervisor::url(HostId home, const url::CanonicalUrl& url) {
    auto answers = std::make_shared<Answers<std::optional<frontier::UrlView>>>(1);
    shard_of(home).post([answers, home, url](Shard& shard) { answers->add(shard.frontier().view(home, url)); });
    const auto all = answers->wait();
    std::optional<frontier::UrlView> view = all ? all->front() : std::nullopt;
    if (view && view->where == frontier::UrlView::Where::left) {
        find_elsewhere(url.hash(), *view);
    }
    return view;
}

// A redirect may have taken it to a host of another shard.
void Supervisor::find_elsewhere(const UrlHash& hash, frontier::UrlView& view) {
    using Found = std::optional<frontier::Frontier::Asked>;
    auto answers = std::make_shared<Answers<Found>>(shards_.size());
    for (const auto& shard : shards_) {
        shard->post([answers, hash](Shard& other) { answers->add(other.frontier().asked(hash)); });
    }
    for (const Found& found : answers->wait().value_or(std::vector<Found>())) {
        if (found) {
            view.where = frontier::UrlView::Where::asked;
            view.asked = found->host;
            view.asked_for = std::chrono::duration_cast<Milliseconds>(parts_.clock.now() - found->since);
        }
    }
}

Checked<std::vector<HostView>> Supervisor::rank_hosts(const HostQuery& query) const {
    auto answers = std::make_shared<Answers<std::vector<HostView>>>(shards_.size());
    for (const auto& shard : shards_) {
        walk_hosts(*shard, query, [answers](std::vector<HostView> best) { answers->add(std::move(best)); });
    }
    auto parts = answers->wait();
    if (!parts) {
        return Problem{"the shards do not answer: they are busy, or gritd is ending"};
    }
    std::vector<HostView> all;
    for (std::vector<HostView>& part : *parts) {
        std::move(part.begin(), part.end(), std::back_inserter(all));
    }
    std::sort(all.begin(), all.end(), [order = query.order](const HostView& a, const HostView& b) {
        const std::uint64_t first = rank_key(order, a);
        const std::uint64_t second = rank_key(order, b);
        return first != second ? first > second : a.name < b.name;
    });
    all.resize(std::min(all.size(), query.limit));
    return all;
}

// The longest host ----------------------------------------------------------------------------------------------------

// The answers come later, on the control thread.
void Supervisor::ask_for_longest_host() {
    if (shards_asked_ > 0) {
        return;
    }
    shards_asked_ = shards_.size();
    longest_asked_.reset();
    const HostQuery query{frontier::HostOrder::eta, 1, std::nullopt};
    for (const auto& shard : shards_) {
        walk_hosts(*shard, query, [this](std::vector<HostView> longest) {
            boost::asio::post(parts_.control, [this, longest = std::move(longest)] { note_longest_host(longest); });
        });
    }
}

void Supervisor::note_longest_host(const std::vector<HostView>& of_a_shard) {
    for (const HostView& host : of_a_shard) {
        if (host.eta > Milliseconds(0) && (!longest_asked_ || host.eta > longest_asked_->eta)) {
            longest_asked_ = LongestHost{host.name, host.remaining, host.interval, host.least_interval, host.per_request, host.eta};
        }
    }
    if (--shards_asked_ > 0) {
        return;
    }
    longest_host_ = std::exchange(longest_asked_, std::nullopt);
    longest_host_ends_ = longest_host_ ? parts_.clock.now() + longest_host_->eta : SteadyTime();
    if (longest_host_ && longest_host_notice_.due(longest_host_->eta, ingestor_.progress().complete)) {
        const auto days = static_cast<double>(longest_host_->eta.count()) / static_cast<double>(LongestHostNotice::kDay.count());
        parts_.log.warning("crawl.longest_host", {{"host", longest_host_->name},
                                                  {"lines", longest_host_->remaining},
                                                  {"interval", format_duration(longest_host_->per_request)},
                                                  {"days", days},
                                                  {"remedy", remedy_for(*longest_host_)}});
    }
}

std::string remedy_for(const LongestHost& host) {
    if (host.per_request > host.interval) {
        return "none of ours: its answers take that long; with its operator's consent a [[politeness.class]] with more connections_per_host helps";
    }
    if (host.interval > host.least_interval) {
        return "none of ours: that is the pace that the host bears or asks for; the crawl can not end sooner";
    }
    return "with the consent of the host's operator a [[politeness.class]] with a shorter min_interval; else the crawl can "
           "not end sooner, whatever else is raised";
}

}  // namespace grit::crawl
