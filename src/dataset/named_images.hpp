// The images that records name, set aside by their shards: read once in the order of the records, and then used in that of
// the shards. Private to the module.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "grit/base/result.hpp"
#include "grit/store/tables.hpp"

namespace grit::dataset {

/// A shard of one of the volumes.
struct ShardId {
    std::uint32_t volume = 0;  ///< By its place among them.
    std::uint32_t shard = 0;
    auto operator<=>(const ShardId&) const = default;
};

struct NamedImage {
    ShardId shard;
    std::string name;  ///< In its shard.
    std::uint64_t size = 0;
    store::RecordKey key;
};

/// Lies in files, one for each part of the shards: some 60 bytes an image, and a part at a time in memory.
class NamedImages {
  public:
    static constexpr std::size_t kParts = 64;
    [[nodiscard]] static std::size_t part_of(const ShardId& id) { return (id.volume * 7 + id.shard) % kParts; }

    /// @param folder  is made.
    explicit NamedImages(std::filesystem::path folder);
    void add(const NamedImage& image);
    /// All of a part, by shard. Not to be added to afterwards. Errors, in words: the disk.
    [[nodiscard]] Checked<std::vector<NamedImage>> take(std::size_t part);

  private:
    [[nodiscard]] std::filesystem::path file_of(std::size_t part) const;

    std::filesystem::path folder_;
    std::array<std::ofstream, kParts> parts_;
};

}  // namespace grit::dataset
