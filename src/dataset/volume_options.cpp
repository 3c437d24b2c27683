#include "grit/dataset/volume_options.hpp"

#include <filesystem>

namespace grit::dataset {
namespace {

// In tar shards, of each volume: half a second of 2,000 images a second, of 60 KB each.
constexpr std::uint64_t kHeldBytes = std::uint64_t{64} << 20;

}  // namespace

std::string absolute_folder(const std::string& path) {
    std::string normal = std::filesystem::absolute(path).lexically_normal().string();
    while (normal.size() > 1 && normal.ends_with('/')) {
        normal.pop_back();
    }
    return normal;
}

archive::VolumesOptions volumes_of(const config::Storage& storage) {
    archive::VolumesOptions options;
    options.min_free_bytes = storage.min_free;
    archive::TarOptions shards;
    shards.shard_images = storage.shard_images;
    shards.shard_bytes = storage.shard_size;
    shards.extension = storage.all_jpg ? "jpg" : "";
    shards.held_bytes = kHeldBytes;
    options.make_layout = [layout = config::name_of(storage.layout), shards](archive::Depot& depot) {
        return archive::make_layout(layout, depot, shards);
    };
    options.places.push_back(archive::VolumePlace{{}, absolute_folder(storage.root)});
    for (const auto& [name, root] : storage.volumes) {
        options.places.push_back(archive::VolumePlace{name, absolute_folder(root)});
    }
    return options;
}

std::string journal_folder(const config::Config& config) {
    return absolute_folder(config.journal.dir.empty() ? config.storage.root + "/outcomes" : config.journal.dir);
}

}  // namespace grit::dataset
