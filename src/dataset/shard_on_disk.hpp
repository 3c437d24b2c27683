// One shard of images as it is on the disk, whoever filled it: a folder or a tar file. Private to the module.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "grit/archive/layout.hpp"
#include "grit/archive/shard_index.hpp"

namespace grit::dataset {

/// An image with what lies beside it.
struct StoredSample {
    std::string image;  ///< Its name in the shard: "000120005.jpg".
    std::string sidecar;  ///< Likewise, ".json"; whether there is one is found out by looking.
    std::uint64_t end = 0;  ///< Of a tar: where all of it ends.
};

/// Threads: one at a time. Symbolic links in a folder are passed over; so are files that no layout gives such a name.
class ShardOnDisk {
  public:
    /// A tar file's members are those that its index names; without one, and with `by_archive`, the archive is walked through
    /// once. Samples that do not wholly lie in it are none. A shard that is not there has no images. Errors, in words: it can
    /// not be read.
    [[nodiscard]] static Checked<ShardOnDisk> open(const std::filesystem::path& root, std::uint32_t shard, bool is_tar, bool by_archive = false);
    /// The numbers of the shards below a root, ascending. Errors, in words: it can not be listed.
    [[nodiscard]] static Checked<std::vector<std::uint32_t>> list(const std::filesystem::path& root, bool is_tar);

    /// Errors: vanished, io, out_of_descriptors.
    [[nodiscard]] Result<archive::Extent> find(std::string_view name) const;
    /// All images, in the order of the archive or of their names. Errors, in words: a folder can not be listed.
    [[nodiscard]] Checked<std::vector<StoredSample>> samples() const;

    /// Of a tar file: its length, and where its last whole member ends, if it was walked through.
    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
    [[nodiscard]] std::uint64_t end() const noexcept { return end_; }

  private:
    ShardOnDisk(std::filesystem::path place, std::uint32_t shard, bool is_tar) : place_(std::move(place)), shard_(shard), is_tar_(is_tar) {}
    [[nodiscard]] Checked<void> read_tar(bool by_archive);
    [[nodiscard]] int walk();
    [[nodiscard]] std::vector<StoredSample> members() const;
    [[nodiscard]] Checked<std::vector<StoredSample>> files() const;

    std::filesystem::path place_;
    std::uint32_t shard_;
    bool is_tar_;
    archive::ShardIndex index_;
    std::uint64_t bytes_ = 0;
    std::uint64_t end_ = 0;
};

}  // namespace grit::dataset
