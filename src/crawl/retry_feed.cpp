#include "grit/crawl/retry_feed.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace grit::crawl {

Result<std::vector<store::Retry>> RetryFeed::take_due(store::Env& env, std::int64_t now_ms, std::size_t limit) {
    // Before the table is looked at: who is forgotten here is not in what is read then.
    forget_settled();
    limit = std::min(limit, most_out_ - std::min(most_out_, out_.size()));
    if (limit == 0) {
        return std::vector<store::Retry>();
    }
    const auto txn = env.read();
    if (!txn) {
        return txn.error();
    }
    auto due = store::due_retries(*txn, std::nullopt, now_ms, out_.size() + limit, &damaged_);
    if (!due) {
        return due.error();
    }
    std::erase_if(*due, [this](const store::Retry& retry) { return out_.contains(retry.key); });
    if (due->size() > limit) {
        due->erase(due->begin() + static_cast<std::ptrdiff_t>(limit), due->end());
    }
    for (const store::Retry& retry : *due) {
        out_.insert(retry.key);
    }
    return due;
}

std::vector<std::string> RetryFeed::take_damaged() {
    std::vector<std::string> fresh;
    for (std::string& key : std::exchange(damaged_, {})) {
        if (known_damaged_.insert(key).second) {
            fresh.push_back(std::move(key));
        }
    }
    return fresh;
}

void RetryFeed::put_back(const std::vector<store::Retry>& retries) {
    for (const store::Retry& retry : retries) {
        out_.erase(retry.key);
    }
}

Result<std::optional<std::int64_t>> RetryFeed::earliest(store::Env& env) {
    forget_settled();
    if (out_.size() >= most_out_) {
        return std::optional<std::int64_t>();
    }
    const auto txn = env.read();
    if (!txn) {
        return txn.error();
    }
    const auto rows = store::due_retries(*txn, std::nullopt, std::numeric_limits<std::int64_t>::max(), out_.size() + 1, &damaged_);
    if (!rows) {
        return rows.error();
    }
    for (const store::Retry& retry : *rows) {
        if (!out_.contains(retry.key)) {
            return std::optional(retry.key.due_ms);
        }
    }
    return std::optional<std::int64_t>();
}

void RetryFeed::settled(const store::RetryKey& key) {
    const std::lock_guard lock(mutex_);
    settled_.push_back(key);
}

void RetryFeed::forget_settled() {
    std::vector<store::RetryKey> settled;
    {
        const std::lock_guard lock(mutex_);
        settled = std::exchange(settled_, {});
    }
    for (const store::RetryKey& key : settled) {
        out_.erase(key);
    }
}

}  // namespace grit::crawl
