// An output folder of img2dataset, shard by shard: `00012/000120005.{jpg,json,txt}` or `00012.tar` with the same members.
//
// What it says of its images is in the `.json` beside each; of what it could not get only in `00012.parquet`, which this
// does not read (scripts/img2dataset-failures does). A shard that was cut off while it was written is read as far as it is whole.
// Its other output formats (parquet, tfrecord) keep images where this does not look.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "grit/base/result.hpp"

namespace grit::dataset {

/// An image that img2dataset has stored.
struct Img2datasetSample {
    std::string url;           ///< As in its input.
    std::string key;           ///< "000120005".
    std::string file;          ///< Absolute: the image, or the tar that has it.
    std::uint64_t offset = 0;  ///< Of the image in it.
    std::uint64_t size = 0;    ///< Bytes.
    std::int64_t modified_ns = 0;  ///< When `file` was last written, ns since 1970.
};

/// Of one shard, or of all.
struct Img2datasetCounts {
    std::uint64_t samples = 0;
    std::uint64_t damaged = 0;    ///< Sidecars that can not be read, or have no URL.
    std::uint64_t imageless = 0;  ///< Sidecars without an image beside them, and those that say that there is none.
};

/// Threads: one at a time; blocks on the disk. Every byte of the folder is taken for hostile: symbolic links are not followed,
/// sidecars are read up to 1 MiB.
class Img2datasetFolder {
  public:
    /// Errors, in words: no such folder; nothing in it that looks like a shard.
    [[nodiscard]] static Checked<Img2datasetFolder> open(const std::string& folder);

    [[nodiscard]] std::size_t shards() const noexcept { return shards_.size(); }

    /// @return false: no more is wanted.
    using Visit = std::function<bool(Img2datasetSample)>;
    /// Reads one shard, sample by sample: memory does not grow with it. Errors, in words: the shard can not be read; what was visited
    /// until then holds.
    [[nodiscard]] Checked<Img2datasetCounts> read(std::size_t shard, const Visit& visit) const;

  private:
    explicit Img2datasetFolder(std::vector<std::string> shards) : shards_(std::move(shards)) {}

    std::vector<std::string> shards_;  // absolute; folders, and files that end with ".tar"; ascending
};

}  // namespace grit::dataset
