// The images that are there, held against the records of a new state. Private to the module.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "grit/archive/layout.hpp"
#include "grit/store/env.hpp"
#include "grit/store/tables.hpp"

namespace grit::dataset {

/// A record whose image is not what it says.
struct LostImage {
    store::RecordKey key;
    store::Record record;
    std::string why;
};

/// An image that no record names.
struct LooseImage {
    std::string path;  ///< Below the root.
    Ordinal ordinal = 0;
    std::uint64_t size = 0;
};

/// Which annotations have an image by their name: a bit each.
class NamedOrdinals {
  public:
    void add(Ordinal ordinal);
    [[nodiscard]] bool contains(Ordinal ordinal) const { return ordinal < bits_.size() && bits_[ordinal]; }

  private:
    std::vector<bool> bits_;
};

/// @param on_count  called with the images looked at; false ends it.
/// Errors, in words: the state; a volume that does not answer.
[[nodiscard]] Checked<std::vector<LostImage>> find_lost_images(store::Env& env, const archive::Layout& layout,
                                                               const std::function<bool(std::uint64_t)>& on_count);

/// Of layout `files`, shard by shard.
[[nodiscard]] Checked<std::vector<LooseImage>> find_loose_images(const std::filesystem::path& root, const NamedOrdinals& named);

/// A record of that image, by its bytes: `stored`, with size, type, dimensions and digest. Errors: it can not be read, or
/// is no whole image.
[[nodiscard]] Checked<store::Record> look_at_image(const std::filesystem::path& root, const LooseImage& image);

}  // namespace grit::dataset
