// The indexes of shards that are not being filled.
#pragma once

#include <cstdint>
#include <list>

#include "grit/archive/depot.hpp"
#include "grit/archive/shard_index.hpp"

namespace grit::archive {

/// Reads them when they are asked for, and keeps a few: who walks through the images in their order reads each once.
/// Threads: one at a time. Lifetime: the Depot outlives it.
class ShardIndexes {
  public:
    explicit ShardIndexes(Depot& depot) : depot_(depot) {}

    /// From its index file; where there is none, from the archive itself. Valid until the next call.
    /// Errors: vanished (no such shard), io, out_of_descriptors, read_only.
    [[nodiscard]] Result<ShardIndex*> get(std::uint32_t shard);
    void forget(std::uint32_t shard);

    /// Writes 00012.idx whole or not at all; durable with the next sync of the volume. Errors: errno values.
    [[nodiscard]] static int write(Depot& depot, std::uint32_t shard, const ShardIndex& index);

  private:
    struct Held {
        std::uint32_t shard = 0;
        std::uint64_t bytes = 0;  // of the archive, when it was read
        ShardIndex index;
    };
    [[nodiscard]] Result<ShardIndex> read(std::uint32_t shard, std::uint64_t bytes) const;
    [[nodiscard]] Result<ShardIndex> read_archive(const std::string& file, std::uint64_t bytes) const;

    Depot& depot_;
    std::list<Held> held_;  // the one that was asked for last is the first
};

}  // namespace grit::archive
