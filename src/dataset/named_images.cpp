#include "named_images.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <system_error>
#include <tuple>
#include <utility>

#include "grit/store/codec.hpp"

namespace grit::dataset {
namespace {

const std::size_t kKeyBytes = store::record_key({}).size();

}  // namespace

NamedImages::NamedImages(std::filesystem::path folder) : folder_(std::move(folder)) {
    std::error_code error;
    std::filesystem::create_directories(folder_, error);  // a failure shows in `take`
}

std::filesystem::path NamedImages::file_of(std::size_t part) const { return folder_ / fmt::format("{:02}", part); }

void NamedImages::add(const NamedImage& image) {
    const std::size_t part = part_of(image.shard);
    if (!parts_[part].is_open()) {
        parts_[part].open(file_of(part), std::ios::binary | std::ios::trunc);
    }
    parts_[part] << store::Encoder()
                        .varint(image.shard.volume)
                        .varint(image.shard.shard)
                        .text(image.name)
                        .varint(image.size)
                        .raw(store::record_key(image.key))
                        .bytes();
}

Checked<std::vector<NamedImage>> NamedImages::take(std::size_t part) {
    std::vector<NamedImage> images;
    if (!parts_[part].is_open()) {
        return images;
    }
    std::ifstream in;
    if (parts_[part].flush()) {
        in.open(file_of(part), std::ios::binary);
    }
    const std::string bytes(std::istreambuf_iterator<char>(in), {});
    const Problem damage{fmt::format("{} can not be written and read again: is the disk full?", file_of(part).string())};
    if (!in) {
        return damage;
    }
    store::Decoder decoder(bytes);
    while (decoder.ok() && decoder.remaining() > 0) {
        NamedImage image;
        image.shard.volume = decoder.number<std::uint32_t>();
        image.shard.shard = decoder.number<std::uint32_t>();
        image.name = decoder.text();
        image.size = decoder.varint();
        const auto key = store::parse_record_key(decoder.raw(kKeyBytes));
        if (!key) {
            return damage;
        }
        image.key = *key;
        images.push_back(std::move(image));
    }
    if (!decoder.finish()) {
        return damage;
    }
    std::sort(images.begin(), images.end(), [](const NamedImage& a, const NamedImage& b) { return std::tie(a.shard, a.name) < std::tie(b.shard, b.name); });
    return images;
}

}  // namespace grit::dataset
