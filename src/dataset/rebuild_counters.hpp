// What follows from the records of a new state: counters, hosts, the map, content, retries. Private to the module.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "grit/store/env.hpp"
#include "grit/store/writer.hpp"
#include "rebuild_replay.hpp"

namespace grit::dataset {

class RebuildCounters {
  public:
    struct Counted {
        std::uint64_t records = 0;
        std::uint64_t images = 0;
        std::uint64_t waiting = 0;
    };

    RebuildCounters(store::Env& env, store::Writer& writer, Replay& replay);

    /// @param on_count  called with the records looked at; false ends it.
    [[nodiscard]] Checked<Counted> run(const std::function<bool(std::uint64_t)>& on_count);

  private:
    using Rows = std::vector<std::pair<store::RecordKey, store::Record>>;

    [[nodiscard]] Checked<void> walk(bool copies, const std::function<bool(std::uint64_t)>& on_count);
    [[nodiscard]] bool comes_again(Ordinal ordinal) const;
    void count(const store::RecordKey& key, const store::Record& record);
    [[nodiscard]] static Result<void> write_records(store::WriteTxn& txn, const Rows& some);
    [[nodiscard]] static Result<void> write_copies(store::WriteTxn& txn, const Rows& some);
    [[nodiscard]] Checked<void> write_rest();

    store::Env& env_;
    store::Writer& writer_;
    Replay& replay_;
    std::vector<std::pair<Ordinal, Ordinal>> lines_;  // that are read again: from, and behind the last
    store::Totals totals_;
    Counted counted_;
};

}  // namespace grit::dataset
