// The indexes of shards that are not being filled.
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <string>

#include "grit/archive/depot.hpp"
#include "grit/archive/shard_index.hpp"

namespace grit::archive {

/// Reads them when they are asked for, and keeps a few: who walks through the images in their order reads each once.
/// Where the archive is shorter than its index says, samples that are not wholly there are not there. An index file that is
/// missing beside a whole archive is written anew.
/// Threads: one at a time. Lifetime: the Depot outlives it.
class ShardIndexes {
  public:
    explicit ShardIndexes(Depot& depot) : depot_(depot) {}

    /// What is found in an archive.
    struct Found {
        std::uint64_t bytes = 0;  ///< Of the archive, when it was read.
        ShardIndex index;
        std::optional<std::uint64_t> torn_at;  ///< Where it has to end: what lies behind can not be read by anybody.
    };

    /// From its index file; where there is none, from the archive itself. Valid until the next call.
    /// Errors: vanished (no such shard), io, out_of_descriptors, read_only.
    [[nodiscard]] Result<Found*> get(std::uint32_t shard);
    void forget(std::uint32_t shard);

    /// Writes 00012.idx whole or not at all; durable with the next sync of the volume. Errors: errno values.
    [[nodiscard]] static int write(Depot& depot, std::uint32_t shard, const ShardIndex& index);

  private:
    struct Held {
        std::uint32_t shard = 0;
        Found found;
    };
    [[nodiscard]] Result<Found> read(std::uint32_t shard, std::uint64_t bytes) const;
    [[nodiscard]] Result<Found> read_archive(const std::string& file, std::uint64_t bytes) const;

    Depot& depot_;
    std::list<Held> held_;  // the one that was asked for last is the first
};

}  // namespace grit::archive
