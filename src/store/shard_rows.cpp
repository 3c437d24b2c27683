#include "grit/store/shard_rows.hpp"

#include "grit/store/codec.hpp"

namespace grit::store {
namespace {

constexpr std::string_view kLayout = "layout";

constexpr std::size_t kNumberBytes = 4;

std::string key_of(std::uint32_t shard, std::string_view volume) {
    std::string key(volume);
    key += volume.empty() ? "" : "/";
    return key + Encoder().be32(shard).take();
}

Result<ShardRow> decode(std::string_view bytes) {
    Decoder decoder = Decoder::of_row(bytes);
    ShardRow row;
    row.bytes = decoder.varint();
    row.samples = decoder.number<std::uint32_t>();
    row.sealed = decoder.u8() != 0;
    if (const Result<void> end = decoder.finish(); !end) {
        return end.error();
    }
    return row;
}

}  // namespace

Result<ShardRow> get_shard(const Txn& txn, std::uint32_t shard, std::string_view volume) {
    const Result<std::string_view> bytes = txn.get(Table::shards, key_of(shard, volume));
    if (!bytes) {
        return bytes.error();
    }
    Result<ShardRow> row = decode(*bytes);
    if (row) {
        row->volume = volume;
    }
    return row;
}

Result<void> put_shard(WriteTxn& txn, std::uint32_t shard, const ShardRow& row) {
    Encoder encoder;
    encoder.u8(kRowVersion).varint(row.bytes).varint(row.samples).u8(row.sealed ? 1 : 0);
    return txn.put(Table::shards, key_of(shard, row.volume), encoder.bytes());
}

Result<void> for_each_shard(const Txn& txn, const std::function<bool(std::uint32_t, const ShardRow&)>& visit) {
    Result<void> verdict;
    const Result<void> walked = for_each(txn, Table::shards, [&](std::string_view key, std::string_view bytes) {
        const std::size_t prefix = key.size() > kNumberBytes ? key.size() - kNumberBytes : 0;
        Decoder number(key.substr(prefix));
        const std::uint32_t shard = number.be32();
        Result<ShardRow> row = decode(bytes);
        if (row && prefix > 0) {
            row->volume = key.substr(0, prefix - 1);
        }
        if (!row || !number.finish()) {
            verdict = row ? make_error_code(Errc::corrupt) : row.error();
            return false;
        }
        return visit(shard, *row);
    });
    return walked ? verdict : walked;
}

Result<std::string> get_layout(const Txn& txn) {
    const Result<std::string_view> bytes = txn.get(Table::meta, kLayout);
    if (!bytes) {
        return bytes.error();
    }
    return std::string(*bytes);
}

Result<void> put_layout(WriteTxn& txn, std::string_view name) {
    return txn.put(Table::meta, kLayout, name);
}

}  // namespace grit::store
