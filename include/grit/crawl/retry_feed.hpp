// Which retries have been handed to the shards and which are next.
#pragma once

#include "grit/store/env.hpp"
#include "grit/store/tables.hpp"

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

namespace grit::crawl {

/// Hands out each row of `retries` once when its time has come, until it is settled.
///
/// Rows do not get into the table in the order of their times: a commit may be slower than the wait, the wall clock may
/// be set back, an operator may put records back. So what is out is known one by one, not by how far the table was read.
/// Threads: `settled` from any; all else from one.
class RetryFeed {
  public:
    /// @param most_out  handed out and not settled, at most: bounds memory (about 1 KiB each in the shards), and what a
    ///                  look costs.
    explicit RetryFeed(std::size_t most_out = 200'000) : most_out_(most_out) {}

    /// Rows due at or before `now_ms` that are not out, earliest first; they are out from now on.
    /// The thread must not have a reading transaction. Errors: those of store::due_retries.
    [[nodiscard]] Result<std::vector<store::Retry>> take_due(store::Env& env, std::int64_t now_ms, std::size_t limit);

    /// Keys of rows that could not be understood at the last looks, each once. They are passed over.
    [[nodiscard]] std::vector<std::string> take_damaged();

    /// They could not be handed on: they are due again.
    void put_back(const std::vector<store::Retry>& retries);

    /// The earliest time of a row that is not out and could be taken then; nothing if there is none.
    /// The thread must not have a reading transaction. Errors: those of store::due_retries.
    [[nodiscard]] Result<std::optional<std::int64_t>> earliest(store::Env& env);

    /// The transaction that removes that row is committed.
    void settled(const store::RetryKey& key);

    [[nodiscard]] std::size_t out() const noexcept { return out_.size(); }

  private:
    struct Hash {
        std::size_t operator()(const store::RetryKey& key) const noexcept {
            return key.record.hash.low ^ static_cast<std::size_t>(key.due_ms);
        }
    };
    void forget_settled();

    std::size_t most_out_;
    std::unordered_set<store::RetryKey, Hash> out_;
    std::vector<std::string> damaged_;
    std::unordered_set<std::string> known_damaged_;
    std::mutex mutex_;
    std::vector<store::RetryKey> settled_;
};

}  // namespace grit::crawl
