#include "grit/frontier/queue_search.hpp"

#include "grit/store/queue_walk.hpp"

namespace grit::frontier {
namespace {

// Blocks read in one transaction, with what it takes to find them: some ten milliseconds.
constexpr std::size_t kBlocksAtOnce = 64;

bool leads_to(const std::string& raw_url, const url::CanonicalUrl& url) {
    const auto canonical = url::canonicalize(raw_url);
    return canonical && canonical->text == url.text;
}

class Search {
  public:
    Search(store::Env& env, HostId host, const url::CanonicalUrl& url) : env_(env), host_(host), url_(url) {}

    Result<std::optional<QueuedLine>> run() {
        if (const auto begun = begin(); !begun) {
            return begun.error();
        }
        while (!found_ && !at_end_) {
            if (const auto looked = look_on(); !looked) {
                return looked.error();
            }
        }
        return std::move(found_);
    }

  private:
    Result<void> begin() {
        const auto txn = env_.read();
        if (!txn) {
            return txn.error();
        }
        auto row = store::get_host(*txn, host_);
        const auto totals = store::get_totals(*txn);
        if (!row || !totals) {
            return row ? totals.error() : row.error();
        }
        row_ = std::move(*row);
        place_ = store::QueueKey{row_.cursor_run, host_, 0};
        last_run_ = totals->next_run - 1;
        return {};
    }

    Result<void> look_on() {
        const auto txn = env_.read();
        if (!txn) {
            return txn.error();
        }
        for (std::size_t i = 0; i < kBlocksAtOnce && !found_; ++i) {
            const auto key = store::next_block_of_runs(*txn, place_, last_run_);
            if (!key) {
                at_end_ = key.error() == store::Errc::not_found;
                return at_end_ ? Result<void>() : key.error();
            }
            look_into(*txn, *key);
            place_ = store::QueueKey{key->run, host_, key->block + 1};
        }
        return {};
    }

    void look_into(const store::Txn& txn, const store::QueueKey& key) {
        auto block = store::get_block(txn, codec_, key, row_.name);
        const auto progress = store::get_progress(txn, key);
        if (!block) {
            return;
        }
        for (std::size_t i = 0; i < block->size(); ++i) {
            store::QueueEntry& entry = (*block)[i];
            if ((progress && progress->test(i)) || !leads_to(entry.url, url_)) {
                continue;
            }
            found_ = QueuedLine{entry.ordinal, std::move(entry.url), outcome_of_number(row_.gone_as), row_.gone_ms};
            return;
        }
    }

    store::Env& env_;
    HostId host_;
    const url::CanonicalUrl& url_;
    store::BlockCodec codec_;
    store::HostRow row_;
    store::QueueKey place_;
    RunId last_run_ = 0;
    bool at_end_ = false;
    std::optional<QueuedLine> found_;
};

}  // namespace

Result<std::optional<QueuedLine>> find_in_queue(store::Env& env, HostId host, const url::CanonicalUrl& url) {
    return Search(env, host, url).run();
}

}  // namespace grit::frontier
