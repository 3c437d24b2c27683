// Rows of `retries` that were damaged, made anew from the records that wait. Private to the module.
#pragma once

#include "grit/base/log.hpp"
#include "grit/store/tables.hpp"
#include "grit/store/writer.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace grit::crawl {

/// Works on the writer's thread, in short pieces between which results are committed.
///
/// Threads: `mend` and `stop` from one. Lifetime: all that it is given outlives it; the writer is drained after `stop`,
/// before it is destroyed.
class RetryMend {
  public:
    /// @param changed  told by how many rows there are more, or less. Called on the writer's thread.
    RetryMend(store::Writer& writer, const Logger& log, std::function<void(std::int64_t)> changed)
        : writer_(writer), log_(log), changed_(std::move(changed)) {}

    /// @param keys  of rows that can not be understood. Where the key still says which record it is, that record says
    ///              the rest. Where it does not, all records are looked through for those that wait and have no row.
    void mend(std::vector<std::string> keys);
    void stop() { stopping_ = true; }

  private:
    struct Rows;
    struct Search;
    [[nodiscard]] Result<void> put_rows_right(store::WriteTxn& txn, const std::vector<std::string>& keys, bool& lost, std::int64_t& change) const;
    void search_on(store::WriteSession& session, const std::string& from);
    [[nodiscard]] Result<std::int64_t> add_missing(store::WriteSession& session, const std::vector<store::RetryKey>& waiting) const;

    store::Writer& writer_;
    const Logger& log_;
    std::function<void(std::int64_t)> changed_;
    std::atomic<bool> stopping_{false};
    std::atomic<bool> searching_{false};
};

}  // namespace grit::crawl
