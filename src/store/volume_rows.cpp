#include "grit/store/volume_rows.hpp"

#include <algorithm>

#include "grit/store/codec.hpp"

namespace grit::store {
namespace {

constexpr std::string_view kVolumes = "volumes";

}  // namespace

Result<std::vector<VolumeRow>> get_volumes(const Txn& txn) {
    std::vector<VolumeRow> volumes;
    const Result<std::string_view> bytes = txn.get(Table::meta, kVolumes);
    if (!bytes) {
        return bytes.error() == Errc::not_found ? Result<std::vector<VolumeRow>>(volumes) : bytes.error();
    }
    Decoder decoder = Decoder::of_row(*bytes);
    for (std::uint64_t left = decoder.varint(); left > 0 && decoder.remaining() > 0; --left) {
        VolumeRow row;
        row.name = decoder.text();
        row.lost = decoder.u8() != 0;
        volumes.push_back(std::move(row));
    }
    if (const Result<void> end = decoder.finish(); !end) {
        return end.error();
    }
    return volumes;
}

Result<void> put_volumes(WriteTxn& txn, const std::vector<VolumeRow>& volumes) {
    Encoder encoder;
    encoder.u8(kRowVersion).varint(volumes.size());
    for (const VolumeRow& row : volumes) {
        encoder.text(row.name).u8(row.lost ? 1 : 0);
    }
    return txn.put(Table::meta, kVolumes, encoder.bytes());
}

Result<void> mark_volume_lost(WriteTxn& txn, const std::string& name) {
    auto volumes = get_volumes(txn);
    if (!volumes) {
        return volumes.error();
    }
    const auto row = std::find_if(volumes->begin(), volumes->end(), [&](const VolumeRow& one) { return one.name == name; });
    if (row == volumes->end()) {
        return Errc::not_found;
    }
    row->lost = true;
    return put_volumes(txn, *volumes);
}

Result<void> forget_volume(WriteTxn& txn, const std::string& name) {
    auto volumes = get_volumes(txn);
    if (!volumes) {
        return volumes.error();
    }
    const std::string prefix = name + "/";
    std::vector<std::string> shards;
    const auto visit = [&](std::string_view key, std::string_view) {
        if (key.starts_with(prefix)) {
            shards.emplace_back(key);
        }
        return key.starts_with(prefix);
    };
    if (const auto walked = for_each(txn, Table::shards, visit, prefix); !walked) {
        return walked;
    }
    for (const std::string& key : shards) {
        if (const auto erased = txn.erase(Table::shards, key); !erased) {
            return erased.error();
        }
    }
    std::erase_if(*volumes, [&](const VolumeRow& one) { return one.name == name; });
    return put_volumes(txn, *volumes);
}

}  // namespace grit::store
