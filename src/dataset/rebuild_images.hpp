// The images that are there, held against the records of a new state, shard by shard. Private to the module.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "grit/archive/layout.hpp"
#include "grit/archive/volumes.hpp"
#include "grit/store/env.hpp"
#include "grit/store/shard_rows.hpp"
#include "grit/store/tables.hpp"
#include "named_images.hpp"
#include "shard_on_disk.hpp"

namespace grit::dataset {

/// A record whose image is not what it says.
struct LostImage {
    store::RecordKey key;
    std::string location;
    std::string why;
};

/// An image that no record names.
struct LooseImage {
    std::string location;
    Ordinal ordinal = 0;
    archive::Extent at;
    std::optional<archive::Extent> sidecar;
};

/// A shard's row for the new state.
struct FilledShard {
    std::uint32_t shard = 0;
    store::ShardRow row;
};

/// Reads the records once, and the index of each shard twice; a tar that has none is walked through instead. Memory: for a
/// 64th of the records (`NamedImages`).
///
/// Threads: one at a time. Errors, in words: the state; a disk that does not answer; what the functions say.
class RebuildImages {
  public:
    struct Options {
        std::vector<archive::VolumePlace> places;
        std::vector<std::string> lost_volumes;  ///< None of `places`.
        bool is_tar = false;
        std::filesystem::path spool;  ///< A folder for what does not go into memory; is made.
    };
    /// Gets how many were looked at; false ends it.
    using OnCount = std::function<bool(std::uint64_t)>;
    using OnLost = std::function<Checked<void>(std::span<const LostImage>)>;
    using OnLoose = std::function<Checked<void>(std::span<const LooseImage>)>;

    explicit RebuildImages(Options options);

    /// What all records name. Errors besides: a location of another layout; one on a volume that nobody knows.
    [[nodiscard]] Checked<void> note_records(store::Env& env, const OnCount& on_count);
    /// @param on_shard  gets those of one shard. Errors besides: a volume with none of its images.
    [[nodiscard]] Checked<void> find_lost(const OnLost& on_shard, const OnCount& on_count);
    /// After `find_lost`. Those of a shard, or of a part of it.
    [[nodiscard]] Checked<void> find_loose(const OnLoose& on_some, const OnCount& on_count);

    /// Of tar files, after `find_loose`: how far each is filled, so that a start cuts off nothing that a record names, nor a
    /// whole image that it could not take over.
    [[nodiscard]] const std::vector<FilledShard>& shards() const noexcept { return filled_; }
    /// What a start will cut off, or leave alone for good: in words.
    [[nodiscard]] const std::vector<std::string>& problems() const noexcept { return problems_; }

  private:
    struct Counts {
        std::uint64_t named = 0;
        std::uint64_t lost = 0;
    };
    using Names = std::unordered_set<std::string>;

    [[nodiscard]] Checked<std::optional<std::uint32_t>> volume_index(std::string_view volume, std::string_view location) const;
    [[nodiscard]] Checked<std::vector<LostImage>> lost_of(std::span<const NamedImage> named);
    [[nodiscard]] Checked<std::vector<LooseImage>> loose_of(const ShardId& id, const Names& named, bool is_last);
    void note_filled(const ShardId& id, const ShardOnDisk& shard, const std::vector<StoredSample>& samples, const Names& named, bool is_last);
    [[nodiscard]] Checked<void> give_on(const std::vector<LooseImage>& loose, std::uint64_t seen, const OnLoose& on_some, const OnCount& on_count);
    [[nodiscard]] Checked<std::map<ShardId, Names>> names_in(std::size_t part);
    [[nodiscard]] std::string location_of(const ShardId& id, std::string_view name) const;
    /// Stands for the volume of images that are on none.
    [[nodiscard]] std::uint32_t nowhere() const { return static_cast<std::uint32_t>(options_.places.size()); }

    Options options_;
    NamedImages named_;
    NamedImages lost_;  // of those
    std::vector<Counts> counts_;  // by volume
    std::set<ShardId> has_lost_;
    std::uint64_t images_ = 0;
    std::vector<FilledShard> filled_;
    std::vector<std::string> problems_;
};

/// What an image's bytes say.
struct ImageLook {
    bool is_whole = false;
    std::uint8_t type = 0;
    std::uint32_t width = 0;
    std::uint32_t height = 0;
    store::Sha256 sha256{};
};
/// Reads all of it. Errors, in words: it can not be read.
[[nodiscard]] Checked<ImageLook> look_at_image(const archive::Extent& at);

}  // namespace grit::dataset
